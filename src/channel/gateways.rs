//! What is remembered of the gateways that sessions run through, for as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Hosts that are remembered at most; further ones are tried anew by each session.
const HOSTS: usize = 64;

static MTUS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Payload bytes of the largest message that this gateway is known to take, if it has refused a larger one.
pub(super) fn mtu(host: &str) -> Option<usize> {
    MTUS.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied()
}

/// Remembers that this gateway takes messages of `mtu` payload bytes and refuses larger ones.
pub(super) fn remember_mtu(host: &str, mtu: usize) {
    tracing::info!(host, mtu, "the gateway does not accept larger messages");
    let mut hosts = MTUS.lock().unwrap_or_else(PoisonError::into_inner);
    if hosts.len() < HOSTS || hosts.contains_key(host) {
        hosts.insert(host.to_owned(), mtu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_of_that_gateway_alone() {
        remember_mtu("small.example", 8192);
        remember_mtu("small.example", 1024);
        assert_eq!((mtu("small.example"), mtu("large.example")), (Some(1024), None));
    }
}
