//! What is known of an instance.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::SystemTime;

use crate::sandbox::ids::ACCOUNT;

/// One instance, as EC2 and Systems Manager know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`, or `mi-…` for a hybrid node, which EC2 does not know.
    pub id: String,
    /// Region of the instance.
    pub region: String,
    /// Availability zone, as `us-east-1a`.
    pub zone: String,
    /// Tags, the Name tag among them.
    pub tags: BTreeMap<String, String>,
    /// Whether it runs, as EC2 reports it.
    pub state: InstanceState,
    /// What Systems Manager knows of its agent; `None` for an instance that never registered.
    pub ping: Option<Ping>,
    /// When its agent was last heard from, where that is known.
    pub last_ping: Option<SystemTime>,
    /// Operating system family, as the agent reports it.
    pub platform: Platform,
    /// Operating system, as `Amazon Linux`.
    pub platform_name: String,
    /// Version of the operating system, as `2023`.
    pub platform_version: String,
    /// As `t3.micro`.
    pub instance_type: String,
    /// Address in its network.
    pub private_ip: Ipv4Addr,
    /// Public address; `None` in a private subnet.
    pub public_ip: Option<Ipv4Addr>,
    /// Version of its agent.
    pub agent_version: String,
    /// When it was started.
    pub launched: SystemTime,
    /// ARN of its instance profile.
    pub instance_profile: Option<String>,
}

impl Instance {
    /// The Name tag, if there is one.
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
    /// Starting; its agent is not heard from yet.
    Pending,
    /// Running; its agent may still be offline.
    Running,
    /// About to be gone.
    ShuttingDown,
    /// Gone for good, and still listed for a while.
    Terminated,
    /// About to be stopped.
    Stopping,
    /// Stopped; it can be started again.
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
    /// Not heard from for more than five minutes.
    ConnectionLost,
    /// Not heard from for long.
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

/// Operating system families, as the agents report them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Platform {
    /// Linux of any distribution.
    Linux,
    /// macOS on EC2 Mac hosts.
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

/// Version of the agent that instances play by default.
pub(crate) const AGENT_VERSION: &str = "3.3.3050.0";

/// Name of the instance profile of instances whose agents have registered, by default.
pub(crate) const INSTANCE_PROFILE: &str = "ssmx-sandbox";

/// The ARN of an instance profile.
pub(crate) fn instance_profile(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:instance-profile/{name}")
}
