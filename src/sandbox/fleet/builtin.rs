//! The fleet that a sandbox has by default.

use std::net::Ipv4Addr;

use super::generate::launched;
use super::instance::{AGENT_VERSION, INSTANCE_PROFILE, Instance, InstanceState, Ping, Platform, instance_profile};

/// `web-1` to `web-3` and so on, in a region.
pub(crate) fn instances(region: &str) -> Vec<Instance> {
    let linux = |id: &str, zone: char, last: u8, kind: &str, days: u64, tags: &[(&str, &str)]| Instance {
        id: id.to_owned(),
        region: region.to_owned(),
        zone: format!("{region}{zone}"),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        state: InstanceState::Running,
        ping: Some(Ping::Online),
        last_ping: None,
        platform: Platform::Linux,
        platform_name: "Amazon Linux".to_owned(),
        platform_version: "2023".to_owned(),
        instance_type: kind.to_owned(),
        private_ip: Ipv4Addr::new(10, 0, zone as u8 - b'a', last),
        public_ip: None,
        agent_version: AGENT_VERSION.to_owned(),
        launched: launched(days),
        instance_profile: Some(instance_profile(INSTANCE_PROFILE)),
    };
    let web = |name: &'static str| [("Name", name), ("Env", "prod"), ("Role", "web")];
    vec![
        linux("i-0a11ce0000000001a", 'a', 11, "t3.small", 12, &web("web-1")),
        linux("i-0a11ce0000000002b", 'b', 12, "t3.small", 12, &web("web-2")),
        linux("i-0a11ce0000000003c", 'c', 13, "t3.small", 3, &web("web-3")),
        linux(
            "i-0db0000000000004d",
            'a',
            20,
            "r6g.large",
            90,
            &[("Name", "db"), ("Env", "prod"), ("Role", "postgres")],
        ),
        Instance {
            public_ip: Some(Ipv4Addr::new(198, 51, 100, 5)),
            ..linux("i-0ba5710000000005e", 'a', 5, "t3.nano", 200, &[("Name", "bastion"), ("Env", "ops")])
        },
        Instance {
            state: InstanceState::Stopped,
            ping: Some(Ping::ConnectionLost),
            ..linux("i-0ba7c40000000006f", 'b', 30, "c7i.xlarge", 30, &[("Name", "batch"), ("Env", "dev")])
        },
        Instance {
            ping: Some(Ping::ConnectionLost),
            platform_name: "Ubuntu".to_owned(),
            platform_version: "18.04".to_owned(),
            agent_version: "2.3.672.0".to_owned(),
            ..linux("i-01e9ac00000000070", 'c', 40, "m4.large", 1_500, &[("Name", "legacy"), ("Env", "prod")])
        },
        Instance {
            platform: Platform::Windows,
            platform_name: "Microsoft Windows Server 2022 Datacenter".to_owned(),
            platform_version: "10.0.20348".to_owned(),
            ..linux("i-0317d0000000008a1", 'b', 50, "t3.large", 45, &[("Name", "win"), ("Env", "dev")])
        },
    ]
}
