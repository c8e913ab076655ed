//! The instances of the account.

mod file;
mod generate;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::SystemTime;

use super::account::ACCOUNT;

/// Most instances of a fleet.
pub const MOST_INSTANCES: usize = 10_000;

/// The instances of the account, in all regions. Clones share them.
#[derive(Clone, Debug)]
pub struct Fleet {
    instances: Arc<[Arc<Instance>]>,
}

impl Fleet {
    /// A fleet of these instances. Their ids must differ.
    pub(crate) fn new(instances: Vec<Instance>) -> Self {
        Self { instances: instances.into_iter().map(Arc::new).collect() }
    }

    /// The fleet that a sandbox has when nothing else is asked for: `web-1` to `web-3`, `db` and `bastion`, which can
    /// be entered, and `batch` (stopped), `legacy` (its agent is offline) and `win` (Windows, cannot be entered here).
    pub fn builtin(region: &str) -> Self {
        Self::new(builtin(region))
    }

    pub(crate) fn extend(&mut self, instances: Vec<Instance>) {
        self.instances = self.iter().cloned().chain(instances.into_iter().map(Arc::new)).collect();
    }

    /// All instances, in the fleet's order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.instances.iter()
    }

    /// The instances of a region with their places in the fleet, which serve as page marks.
    pub(crate) fn of_region<'a>(&'a self, region: &'a str) -> impl Iterator<Item = (u64, &'a Arc<Instance>)> {
        (0..).zip(self.iter()).filter(move |(_, instance)| instance.region == region)
    }

    /// The instance of a region with an id.
    pub(crate) fn find(&self, region: &str, id: &str) -> Option<&Arc<Instance>> {
        self.iter().find(|instance| instance.region == region && instance.id == id)
    }
}

/// One instance, as EC2 and Systems Manager know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`, or `mi-…` for a hybrid node, which EC2 does not know.
    pub id: String,
    /// Region of the instance.
    pub region: String,
    /// Availability zone.
    pub zone: String,
    /// Tags, the Name tag among them.
    pub tags: BTreeMap<String, String>,
    /// Whether it runs.
    pub state: InstanceState,
    /// What Systems Manager knows of its agent; `None` for an instance that never registered.
    pub ping: Option<Ping>,
    /// When its agent was last heard of, where it is said.
    pub last_ping: Option<SystemTime>,
    /// Operating system family.
    pub platform: Platform,
    /// Operating system, as `Amazon Linux`.
    pub platform_name: String,
    /// Its version.
    pub platform_version: String,
    /// As `t3.micro`.
    pub instance_type: String,
    /// Address in its network.
    pub private_ip: Ipv4Addr,
    /// Public address.
    pub public_ip: Option<Ipv4Addr>,
    /// Version of its agent.
    pub agent_version: String,
    /// When it was started.
    pub launched: SystemTime,
    /// ARN of its instance profile.
    pub instance_profile: Option<String>,
}

impl Instance {
    /// The Name tag.
    pub fn name(&self) -> Option<&str> {
        self.tags.get("Name").map(String::as_str)
    }

    /// Whether it is a hybrid node (`mi-…`).
    pub fn is_hybrid(&self) -> bool {
        self.id.starts_with("mi-")
    }

    /// Name in the network's own DNS.
    pub fn private_dns_name(&self) -> String {
        let host = self.private_ip.to_string().replace('.', "-");
        match self.region.as_str() {
            "us-east-1" => format!("ip-{host}.ec2.internal"),
            region => format!("ip-{host}.{region}.compute.internal"),
        }
    }

    /// Name in the public DNS.
    pub fn public_dns_name(&self) -> Option<String> {
        let host = self.public_ip?.to_string().replace('.', "-");
        Some(match self.region.as_str() {
            "us-east-1" => format!("ec2-{host}.compute-1.amazonaws.com"),
            region => format!("ec2-{host}.{region}.compute.amazonaws.com"),
        })
    }

    /// Whether its agent has a connection to the service.
    pub fn is_online(&self) -> bool {
        self.state == InstanceState::Running && self.ping == Some(Ping::Online)
    }
}

/// States of an EC2 instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running.
    Running,
    /// About to be gone.
    ShuttingDown,
    /// Gone, still listed.
    Terminated,
    /// Stopping.
    Stopping,
    /// Stopped.
    Stopped,
}

impl InstanceState {
    /// The state's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// The state's code in the API.
    pub fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }
}

/// What Systems Manager knows of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Ping {
    /// Heard of in the last five minutes.
    Online,
    /// Not heard of.
    ConnectionLost,
    /// Not heard of for long.
    Inactive,
}

impl Ping {
    /// The status' name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
            Self::Inactive => "Inactive",
        }
    }
}

/// Operating system families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    #[serde(rename = "MacOS")]
    MacOs,
    /// Windows. No session can be started on it here.
    Windows,
}

impl Platform {
    /// The platform's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "MacOS",
            Self::Windows => "Windows",
        }
    }
}

/// Version of the agent that instances play where nothing else is said.
pub(crate) const AGENT_VERSION: &str = "3.3.3050.0";

/// Name of the instance profile of instances whose agents have registered, where nothing else is said.
pub(crate) const INSTANCE_PROFILE: &str = "ssmx-sandbox";

/// The ARN of an instance profile.
pub(crate) fn instance_profile(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:instance-profile/{name}")
}

fn builtin(region: &str) -> Vec<Instance> {
    let launched = generate::launched;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_fleet_is_as_promised() {
        let fleet = Fleet::builtin("eu-west-1");
        let entered: Vec<_> = fleet
            .iter()
            .filter(|instance| instance.is_online() && instance.platform == Platform::Linux)
            .map(|instance| instance.name().unwrap())
            .collect();
        assert_eq!(entered, ["web-1", "web-2", "web-3", "db", "bastion"]);
        assert_eq!(fleet.iter().filter(|instance| instance.state == InstanceState::Stopped).count(), 1);
        assert_eq!(fleet.iter().filter(|instance| instance.platform == Platform::Windows).count(), 1);
        for instance in fleet.iter() {
            let hex = instance.id.strip_prefix("i-").unwrap();
            assert!(hex.len() == 17 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", instance.id);
        }
        assert!(fleet.find("eu-west-1", "i-0a11ce0000000001a").is_some());
        assert!(fleet.find("us-east-1", "i-0a11ce0000000001a").is_none());
    }

    #[test]
    fn names_follow_the_address() {
        let fleet = Fleet::builtin("us-east-1");
        let bastion = fleet.iter().find(|instance| instance.name() == Some("bastion")).unwrap();
        assert_eq!(bastion.private_dns_name(), "ip-10-0-0-5.ec2.internal");
        assert_eq!(bastion.public_dns_name().unwrap(), "ec2-198-51-100-5.compute-1.amazonaws.com");
    }
}
