//! [`Instance`]: what EC2 and Systems Manager together know of one machine.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::target::{Target, TargetState};
use crate::aws::{InstanceState, PingStatus, Platform};

/// A machine that a session can be opened on, or could be: an EC2 instance, or a hybrid node that EC2 does not know.
/// What was not asked, or not answered, is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// `i-…` or `mi-…`.
    pub id: String,
    /// Where it was found.
    pub place: Place,
    /// The value of its name tag, or the name given when a hybrid node was activated.
    pub name: Option<String>,
    /// What can be said about whether it can be reached.
    pub status: TargetState,
    /// What EC2 says it is doing.
    pub state: Option<InstanceState>,
    /// Whether its agent is in touch with Systems Manager; none if it never registered or nobody could be asked.
    pub ping: Option<PingStatus>,
    /// When its agent was last heard of.
    pub last_ping: Option<SystemTime>,
    /// The version of its agent, for instance `3.3.0.0`.
    pub agent_version: Option<String>,
    /// The operating system's family.
    pub platform: Option<Platform>,
    /// The operating system's own name and version, for instance `Amazon Linux 2023`.
    pub platform_name: Option<String>,
    /// The host name that its agent reports.
    pub computer_name: Option<String>,
    /// For instance `t3.micro`.
    pub instance_type: Option<String>,
    /// The availability zone.
    pub zone: Option<String>,
    /// The private IPv4 address, or the one that the agent of a hybrid node reports.
    pub private_ip: Option<String>,
    /// The public IPv4 address.
    pub public_ip: Option<String>,
    /// Its name in the private DNS.
    pub private_dns: Option<String>,
    /// Its name in the public DNS.
    pub public_dns: Option<String>,
    /// When it was started.
    pub launched: Option<SystemTime>,
    /// The ARN of its instance profile.
    pub instance_profile: Option<String>,
    /// All tags, the name tag among them.
    pub tags: BTreeMap<String, String>,
}

/// The account and region in which an instance was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The AWS profile by which it was seen, if one was named.
    pub profile: Option<String>,
    /// The region.
    pub region: String,
}

impl Instance {
    /// What a session needs to know of it.
    pub fn target(&self) -> Target {
        Target { id: self.id.clone(), name: self.name.clone(), platform: self.platform, state: self.status }
    }
}
