//! Instances for tests.

use std::collections::BTreeMap;

use crate::fleet::{Instance, Place, Platform, TargetState};

/// An instance that is online, in production.
pub(super) fn instance(id: &str, name: &str) -> Instance {
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
pub(super) fn fleet(count: usize) -> Vec<Instance> {
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
