//! Makes up instances: as many as wanted, the same for the same seed.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use serde::Deserialize;

use super::instance::{AGENT_VERSION, INSTANCE_PROFILE, Instance, InstanceState, Ping, Platform, instance_profile};
use crate::sandbox::random::Rng;
use crate::sandbox::services::sigv4::hex;

/// What to make up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generate {
    pub(crate) count: usize,
    #[serde(default)]
    pub(crate) seed: u64,
    /// First part of the names, before a number.
    pub(crate) name: Option<String>,
    /// The regions over which the instances are spread evenly.
    pub(crate) regions: Option<Vec<String>>,
}

const ROLES: [&str; 6] = ["web", "api", "worker", "db", "cache", "queue"];
const ENVIRONMENTS: [&str; 3] = ["prod", "staging", "dev"];
const TYPES: [&str; 5] = ["t3.micro", "t3.small", "m7g.large", "c7i.xlarge", "r6g.large"];

/// Instances of which nine in ten can be entered; the others are stopped, or their agents are lost.
pub(crate) fn generate(wanted: &Generate, region: &str) -> Vec<Instance> {
    let mut rng = Rng::new(wanted.seed);
    let name = wanted.name.as_deref().unwrap_or("node");
    let width = wanted.count.to_string().len();
    (0..wanted.count)
        .map(|place| {
            let region = match &wanted.regions {
                Some(regions) if !regions.is_empty() => &regions[place % regions.len()],
                _ => region,
            };
            let name = format!("{name}-{:0width$}", place + 1);
            let (state, ping) = match rng.below(20) {
                0 => (InstanceState::Stopped, Ping::ConnectionLost),
                1 => (InstanceState::Running, Ping::ConnectionLost),
                _ => (InstanceState::Running, Ping::Online),
            };
            let tags = [("Env", *rng.pick(&ENVIRONMENTS)), ("Name", &name), ("Role", *rng.pick(&ROLES))];
            Instance {
                id: id_of(&format!("{}/{name}/{region}", wanted.seed)),
                region: region.to_owned(),
                zone: format!("{region}{}", rng.pick(&['a', 'b', 'c'])),
                tags: tags
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect::<BTreeMap<_, _>>(),
                state,
                ping: Some(ping),
                last_ping: None,
                platform: Platform::Linux,
                platform_name: "Amazon Linux".to_owned(),
                platform_version: "2023".to_owned(),
                instance_type: (*rng.pick(&TYPES)).to_owned(),
                private_ip: address(place),
                public_ip: None,
                agent_version: AGENT_VERSION.to_owned(),
                launched: launched(rng.below(1_000)),
                instance_profile: Some(instance_profile(INSTANCE_PROFILE)),
            }
        })
        .collect()
}

/// An instance id that follows from a text.
pub(crate) fn id_of(text: &str) -> String {
    let digest = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    format!("i-{}", &digest[..17])
}

/// The private address of the instance at a place of the fleet.
pub(crate) fn address(place: usize) -> Ipv4Addr {
    // From 10.1.0.10 on, 200 to a subnet of 256.
    Ipv4Addr::new(10, 1, (place / 200) as u8, (place % 200) as u8 + 10)
}

/// So many days before a day in September 2026: fixed, so that two runs show the same table.
pub(crate) fn launched(days: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000 - days * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(seed: u64) -> Vec<Instance> {
        generate(&Generate { count: 1_000, seed, name: None, regions: None }, "eu-west-1")
    }

    #[test]
    fn one_seed_one_fleet() {
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
    }

    #[test]
    fn nine_in_ten_can_be_entered() {
        let fleet = some(3);
        let online = fleet.iter().filter(|instance| instance.is_online()).count();
        assert!((850..950).contains(&online), "{online}");
        assert_eq!(fleet[0].name(), Some("node-0001"));
        let mut addresses: Vec<_> = fleet.iter().map(|instance| instance.private_ip).collect();
        addresses.dedup();
        assert_eq!(addresses.len(), 1_000);
    }
}
