//! [`Instance`]: what EC2 and Systems Manager together know of one machine.

use std::{cmp::Ordering, collections::BTreeMap, time::SystemTime};

use super::{place::Place, state::TargetState, target::Target};
use crate::aws::{Ec2Instance, InstanceState, ManagedInstance, PingStatus, Platform};

/// A machine that a session can be opened on, or could be: an EC2 instance, or a hybrid node that EC2 does not know.
/// What was not asked, or not answered, is none.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Whether its agent is in touch with Systems Manager; none if it never registered, or Systems Manager did not answer.
    pub ping: Option<PingStatus>,
    /// When its agent was last heard from.
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
    /// The availability zone, for instance `eu-west-1a`; hybrid nodes have none.
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

impl Instance {
    /// An instance of which nothing is known but its id.
    pub fn unknown(id: impl Into<String>, place: Place) -> Self {
        Self {
            id: id.into(),
            place,
            name: None,
            status: TargetState::Unknown,
            state: None,
            ping: None,
            last_ping: None,
            agent_version: None,
            platform: None,
            platform_name: None,
            computer_name: None,
            instance_type: None,
            zone: None,
            private_ip: None,
            public_ip: None,
            private_dns: None,
            public_dns: None,
            launched: None,
            instance_profile: None,
            tags: BTreeMap::new(),
        }
    }

    /// Joins what the two services say of one instance. `name_tag` is the key of the tag that names instances; `asked`
    /// says whether Systems Manager was asked about this one.
    pub(crate) fn join(
        place: &Place,
        name_tag: &str,
        ec2: Option<&Ec2Instance>,
        managed: Option<&ManagedInstance>,
        asked: bool,
    ) -> Option<Self> {
        let id = ec2.map(|ec2| &ec2.id).or(managed.map(|managed| &managed.id))?;
        let mut joined = Self::unknown(id, place.clone());
        joined.state = ec2.map(|ec2| ec2.state);
        joined.ping = managed.map(|managed| managed.ping);
        joined.status = TargetState::join(joined.state, joined.ping, asked);
        if let Some(managed) = managed {
            joined.name.clone_from(&managed.name);
            joined.last_ping = managed.last_ping;
            joined.agent_version.clone_from(&managed.agent_version);
            joined.platform = managed.platform;
            // The name of a Windows has its version in it already.
            let version = managed.platform_version.as_ref().filter(|_| managed.platform != Some(Platform::Windows));
            let words = managed.platform_name.iter().chain(version);
            let words = words.map(String::as_str).collect::<Vec<_>>().join(" ");
            joined.platform_name = Some(words).filter(|words| !words.is_empty());
            joined.computer_name.clone_from(&managed.computer_name);
            joined.private_ip.clone_from(&managed.ip);
        }
        if let Some(ec2) = ec2 {
            joined.name = ec2.tags.get(name_tag).filter(|name| !name.is_empty()).cloned();
            joined.platform = joined.platform.or(ec2.platform);
            joined.instance_type.clone_from(&ec2.instance_type);
            joined.zone.clone_from(&ec2.zone);
            joined.private_ip.clone_from(&ec2.private_ip);
            joined.public_ip.clone_from(&ec2.public_ip);
            joined.private_dns.clone_from(&ec2.private_dns);
            joined.public_dns.clone_from(&ec2.public_dns);
            joined.launched = ec2.launched;
            joined.instance_profile.clone_from(&ec2.instance_profile);
            joined.tags.clone_from(&ec2.tags);
        }
        Some(joined)
    }

    /// What a session needs to know of it.
    pub fn target(&self) -> Target {
        Target { id: self.id.clone(), name: self.name.clone(), platform: self.platform, state: self.status }
    }

    /// Whether it is terminated, or about to be.
    pub fn is_gone(&self) -> bool {
        self.state.is_some_and(InstanceState::is_gone)
    }

    /// The order in which instances are shown: those that can be reached first, then by name, numbers in names by their
    /// value, and those without a name last.
    pub fn order(&self, other: &Self) -> Ordering {
        let by_name = || match (&self.name, &other.name) {
            (Some(one), Some(other)) => natural(one, other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        let by_rank = (self.status.rank(), self.is_gone()).cmp(&(other.status.rank(), other.is_gone()));
        by_rank.then_with(by_name).then_with(|| (&self.id, &self.place).cmp(&(&other.id, &other.place)))
    }
}

/// Compares names so that `web-9` stands before `web-10`, without regard to case.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one.as_bytes(), other.as_bytes());
    loop {
        let (Some(x), Some(y)) = (a.first(), b.first()) else {
            // Of equal beginnings the shorter one; then the plain order, so that different names are never equal.
            return a.len().cmp(&b.len()).then_with(|| one.cmp(other));
        };
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_a, rest_a) = number(a);
            let (number_b, rest_b) = number(b);
            (a, b) = (rest_a, rest_b);
            number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
        } else {
            (a, b) = (&a[1..], &b[1..]);
            x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits that a text begins with, without leading zeros, and what follows them.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_a_person_expects() {
        let mut names = ["web-10", "Web-9", "db", "web-09", "web", "web-9a"];
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(names, ["db", "web", "Web-9", "web-09", "web-9a", "web-10"]);
    }

    #[test]
    fn what_can_be_reached_stands_first() {
        let instance = |id: &str, name: Option<&str>, status| {
            let unknown = Instance::unknown(id, Place::default());
            Instance { name: name.map(str::to_owned), status, ..unknown }
        };
        let mut all = [
            instance("1", None, TargetState::Online),
            instance("2", Some("b"), TargetState::Down(InstanceState::Stopped)),
            instance("3", Some("a"), TargetState::Offline),
            instance("4", Some("z"), TargetState::Online),
        ];
        all.sort_by(Instance::order);
        assert_eq!(all.map(|instance| instance.id), ["4", "1", "3", "2"]);
    }
}
