//! The instances of the account.

mod builtin;
mod file;
mod generate;
mod instance;

use std::collections::HashMap;
use std::sync::Arc;

use super::error::Error;
use generate::{Generate, generate};
pub use instance::{Instance, InstanceState, Ping, Platform};

/// Most instances of a fleet.
pub const MOST_INSTANCES: usize = 10_000;

/// The instances of the account, in all regions. Clones share them.
#[derive(Clone, Debug)]
pub struct Fleet {
    instances: Arc<[Arc<Instance>]>,
    /// Where each stands.
    places: Arc<HashMap<String, usize>>,
}

impl Fleet {
    /// A fleet of these instances. Their ids must differ.
    pub(crate) fn new(instances: Vec<Instance>) -> Self {
        instances.into_iter().map(Arc::new).collect()
    }

    /// The fleet that a sandbox has when nothing else is asked for: `web-1` to `web-3`, `db` and `bastion`, which can
    /// be entered, and `batch` (stopped), `legacy` (its agent is offline) and `win` (Windows, cannot be entered here).
    pub fn builtin(region: &str) -> Self {
        Self::new(builtin::instances(region))
    }

    /// Adds `count` made-up instances, named `node-…`, the same for the same seed.
    ///
    /// # Errors
    /// [`Error::Option`] when the fleet would have more than [`MOST_INSTANCES`].
    pub fn add_generated(&mut self, count: usize, seed: u64, region: &str) -> Result<(), Error> {
        if self.iter().count() + count > MOST_INSTANCES {
            return Err(Error::Option(format!("a fleet has at most {MOST_INSTANCES} instances")));
        }
        let generated = generate(&Generate { count, seed, name: None, regions: None }, region);
        *self = self.iter().cloned().chain(generated.into_iter().map(Arc::new)).collect();
        Ok(())
    }

    /// All instances, in the fleet's order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.instances.iter()
    }

    /// The instances of a region with their places in the fleet, which serve as page marks.
    pub(crate) fn of_region<'a>(&'a self, region: &'a str) -> impl Iterator<Item = (u64, &'a Arc<Instance>)> {
        (0..).zip(self.iter()).filter(move |(_, instance)| instance.region == region)
    }

    /// Those of a region that have one of these ids, in the same way.
    pub(crate) fn of_ids<'a>(
        &'a self,
        region: &'a str,
        ids: &[String],
    ) -> impl Iterator<Item = (u64, &'a Arc<Instance>)> {
        let mut places: Vec<_> = ids.iter().filter_map(|id| self.places.get(id).copied()).collect();
        places.sort_unstable();
        places.dedup();
        let all = places.into_iter().map(|place| (place as u64, &self.instances[place]));
        all.filter(move |(_, instance)| instance.region == region)
    }

    /// The instance of a region with an id.
    pub(crate) fn find(&self, region: &str, id: &str) -> Option<&Arc<Instance>> {
        self.instances.get(*self.places.get(id)?).filter(|instance| instance.region == region)
    }
}

impl FromIterator<Arc<Instance>> for Fleet {
    fn from_iter<I: IntoIterator<Item = Arc<Instance>>>(instances: I) -> Self {
        let instances: Arc<[_]> = instances.into_iter().collect();
        let places = instances.iter().enumerate().map(|(place, instance)| (instance.id.clone(), place)).collect();
        Self { instances, places: Arc::new(places) }
    }
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
