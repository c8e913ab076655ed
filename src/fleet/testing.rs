//! Instances for tests.

use std::time::{Duration, SystemTime};

use super::model::instance::Instance;
use super::model::place::Place;
use super::model::state::TargetState;
use crate::aws::{InstanceState, PingStatus, Platform};

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
