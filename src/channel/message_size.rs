//! How large messages with bulk data may be.
//!
//! An agent takes 28 MB/s in messages of 1 KiB and 100 MB/s in messages of 32 KiB (measured). Whether the service
//! passes them is found out with the first one, and remembered for as long as the process lives.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::protocol::{Handshake, Version};

/// The size for agents that take large messages.
pub(super) const BULK: usize = 32 * 1024;

/// The first large message has to be acknowledged within this time on a connection that otherwise lives.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Agents from here on were seen to take messages of any size.
const LARGE_SINCE: Version = Version::new(3, 0, 0, 0);

/// Hosts that are remembered at most; further ones are asked anew in each session.
const HOSTS: usize = 64;

/// Gateways that refuse large messages.
static SMALL_ONLY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Whether an agent behind this gateway may be sent large messages.
pub(super) fn allowed(host: &str, handshake: Option<&Handshake>) -> bool {
    let version = handshake.and_then(|handshake| handshake.agent_version.parse::<Version>().ok());
    version.is_some_and(|version| version >= LARGE_SINCE)
        && !SMALL_ONLY.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
}

/// Remembers that this gateway refuses large messages.
pub(super) fn refused(host: &str) {
    tracing::info!(host, "the gateway takes no large messages");
    let mut hosts = SMALL_ONLY.lock().unwrap_or_else(PoisonError::into_inner);
    if hosts.len() < HOSTS {
        hosts.insert(host.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(version: &str) -> Handshake {
        Handshake {
            agent_version: version.to_owned(),
            session_type: None,
            properties: serde_json::Value::Null,
            customer_message: String::new(),
            encrypted: false,
        }
    }

    #[test]
    fn large_messages_are_for_recent_agents_behind_gateways_that_take_them() {
        let allowed = |version: &str| allowed("large.example", Some(&handshake(version)));
        assert!(allowed("3.0.196.0") && allowed("3.3.2299.0"));
        assert!(!allowed("2.3.1550.0") && !allowed("") && !super::allowed("large.example", None));
        refused("large.example");
        assert!(!allowed("3.3.2299.0"));
    }
}
