//! What is remembered of the gateways that sessions run through, for as long as the process lives.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Hosts that are remembered at most; further ones are tried anew by each session.
const HOSTS: usize = 64;

static SMALL_MESSAGES_ONLY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Whether this gateway is known to refuse large messages.
pub(super) fn refuses_large_messages(host: &str) -> bool {
    SMALL_MESSAGES_ONLY.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
}

/// Remembers that this gateway refuses large messages.
pub(super) fn remember_refusal(host: &str) {
    tracing::info!(host, "the gateway does not accept large messages");
    let mut hosts = SMALL_MESSAGES_ONLY.lock().unwrap_or_else(PoisonError::into_inner);
    if hosts.len() < HOSTS {
        hosts.insert(host.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_of_that_gateway_alone() {
        remember_refusal("small.example");
        assert!(refuses_large_messages("small.example") && !refuses_large_messages("large.example"));
    }
}
