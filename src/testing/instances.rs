//! Instances as accounts have them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::aws::{InstanceState, PingStatus};
use crate::fleet::{Instance, Place, Platform, TargetState};

/// An instance that is online, in production.
pub(crate) fn instance(id: &str, name: &str) -> Instance {
    Instance {
        id: id.to_owned(),
        place: Place { profile: None, region: "eu-west-1".to_owned() },
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        status: TargetState::Online,
        state: None,
        ping: None,
        last_ping: None,
        agent_version: Some("3.3.0.0".to_owned()),
        platform: Some(Platform::Linux),
        platform_name: None,
        computer_name: None,
        instance_type: Some("t3.micro".to_owned()),
        zone: Some("eu-west-1a".to_owned()),
        private_ip: Some("10.1.0.10".to_owned()),
        public_ip: None,
        private_dns: None,
        public_dns: None,
        launched: None,
        instance_profile: None,
        tags: BTreeMap::from([("Env".to_owned(), "prod".to_owned()), ("Name".to_owned(), name.to_owned())]),
    }
}

/// So many instances as a fleet has them: names by role and environment, a few of them not online.
pub(crate) fn fleet(count: usize) -> Vec<Instance> {
    const ROLES: [&str; 7] = ["web", "api", "worker", "orders-db", "cache", "queue", "billing"];
    const ENVIRONMENTS: [&str; 3] = ["prod", "staging", "dev"];
    (0..count)
        .map(|n| {
            let (role, env) = (ROLES[n % 7], ENVIRONMENTS[n % 3]);
            let id = format!("i-{:017x}", (n as u128 + 1) * 0x9e37_79b9_7f4a_7c15 % 0x000f_ffff_ffff_ffff_ffff);
            let mut one = instance(&id, &format!("{env}-{role}-{n:05}"));
            one.private_ip = Some(format!("10.{}.{}.{}", n / 65536, n / 256 % 256, n % 256));
            one.status = if n % 20 == 0 { TargetState::Offline } else { TargetState::Online };
            for (key, value) in [
                ("Env", env),
                ("Role", role),
                ("Team", "platform-engineering"),
                ("CostCenter", "4711"),
                ("aws:autoscaling:groupName", "eks-general-purpose-20260101-nodes"),
            ] {
                one.tags.insert(key.to_owned(), value.to_owned());
            }
            one
        })
        .collect()
}

/// As many instances as a large account has, with all that is known of them.
pub(crate) fn many(count: usize) -> Vec<Instance> {
    let place = Place { profile: None, region: "eu-west-1".to_owned() };
    let text = |text: &str| Some(text.to_owned());
    let time = |secs| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(secs));
    let instances = (0..count).map(|n| Instance {
        name: Some(format!("node-{n:05}")),
        status: TargetState::Online,
        state: Some(InstanceState::Running),
        ping: Some(PingStatus::Online),
        last_ping: time(1_790_000_000 + n as u64),
        agent_version: text("3.3.3050.0"),
        platform: Some(Platform::Linux),
        platform_name: text("Amazon Linux 2023"),
        computer_name: text("ip-10-1-0-11.eu-west-1.compute.internal"),
        instance_type: text("m7g.large"),
        zone: text("eu-west-1a"),
        private_ip: text("10.1.0.11"),
        public_ip: text("198.51.100.5"),
        private_dns: text("ip-10-1-0-11.eu-west-1.compute.internal"),
        public_dns: text("ec2-198-51-100-5.eu-west-1.compute.amazonaws.com"),
        launched: time(1_780_000_000),
        instance_profile: text("arn:aws:iam::123456789012:instance-profile/ssm"),
        tags: [("Name", format!("node-{n:05}")), ("Env", "prod".to_owned()), ("Role", "web".to_owned())]
            .map(|(key, value)| (key.to_owned(), value))
            .into(),
        ..Instance::unknown(format!("i-0a11ce{n:011}"), place.clone())
    });
    instances.collect()
}
