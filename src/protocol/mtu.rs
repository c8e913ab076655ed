//! Finds out how large messages may be, as path MTU discovery does for packets.
//!
//! Agents take messages of any size; what the service in between takes is written nowhere. A size is proven when a
//! message of it is acknowledged. Each larger size is tried with a message of its own, a probe: nothing follows it
//! until it is acknowledged, and nothing larger than what is proven ever goes out but a probe.
//!
//! - The gateway may close the connection because of the probe's size. Then nothing of it has reached the agent, and it
//!   is cut anew into messages of the proven size.
//! - It may swallow the probe. Then the deadline passes, and the session is lost: for all that is known the agent has
//!   the message, so it cannot be cut anew under other numbers.
//!
//! Either way no larger size is tried again. [`DataChannel::mtu`](super::DataChannel::mtu) says what is proven, so that
//! the owner can remember it for the next session.

use std::time::Duration;

use bytes::Bytes;

use super::PayloadType;

/// Payload bytes of a message of the official client, which every service takes.
pub(super) const BASE_MTU: usize = 1024;

/// Payload bytes of the largest messages that are tried. An agent takes 28 MB/s in messages of 1 KiB and 100 MB/s in
/// messages of this size (measured).
#[cfg(test)]
pub(super) const MAX_MTU: usize = STEPS[STEPS.len() - 1];

/// The sizes that are tried, each once. They are few, because the window stands still while a probe is in flight; the
/// first is the largest that a new window has room for.
const STEPS: [usize; 2] = [8 * 1024, 32 * 1024];

/// How long a probe may be unacknowledged on one connection. A connection that is dead is found out within 15 s of the
/// probe (a ping after 3 s, 10 s for its answer, a look every second), and lost then: what is left is a gateway that
/// answers pings.
pub(super) const MTU_PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest payload that is proven, and the search for a larger one.
pub(super) struct MtuDiscovery {
    proven: usize,
    /// Nothing above it is tried.
    limit: usize,
    probe: Option<MtuProbe>,
}

/// A message that shows whether its size gets through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MtuProbe {
    pub(super) sequence: i64,
    pub(super) payload_type: PayloadType,
    pub(super) payload: Bytes,
}

impl MtuDiscovery {
    /// Messages of `size` payload bytes are known to get through, and nothing larger is tried.
    pub(super) fn fixed(size: usize) -> Self {
        Self { proven: size, limit: size, probe: None }
    }

    /// Payload bytes of the largest message that gets through.
    pub(super) fn proven(&self) -> usize {
        self.proven
    }

    /// Payload bytes of the probe that may go out next.
    pub(super) fn next_probe(&self) -> Option<usize> {
        STEPS.into_iter().find(|&size| size > self.proven).filter(|&size| size <= self.limit)
    }

    /// Whether a probe is in flight, so that nothing may follow.
    pub(super) fn is_probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Tries sizes up to `limit` from now on.
    pub(super) fn start(&mut self, limit: usize) {
        *self = Self { proven: BASE_MTU, limit, probe: None };
    }

    /// A message goes out for the first time. True when it is a probe.
    pub(super) fn on_sent(&mut self, sequence: i64, payload_type: PayloadType, payload: &Bytes) -> bool {
        let is_probe = self.next_probe() == Some(payload.len());
        if is_probe {
            self.probe = Some(MtuProbe { sequence, payload_type, payload: payload.clone() });
        }
        is_probe
    }

    /// A message is acknowledged. True when it was the probe: its size gets through.
    pub(super) fn on_acknowledged(&mut self, sequence: i64) -> bool {
        let acknowledged = self.probe.take_if(|probe| probe.sequence == sequence);
        if let Some(probe) = &acknowledged {
            self.proven = probe.payload.len();
        }
        acknowledged.is_some()
    }

    /// The gateway has refused or swallowed a message. The probe that was in flight is handed back, and its size is not
    /// tried again. Without one the size that seemed proven is refused, and [`BASE_MTU`] is left.
    pub(super) fn on_refused(&mut self) -> Option<MtuProbe> {
        let probe = self.probe.take();
        if probe.is_none() {
            self.proven = self.proven.min(BASE_MTU);
        }
        self.limit = self.proven;
        probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> (PayloadType, Bytes) {
        (PayloadType::Output, Bytes::from(vec![0; length]))
    }

    /// Sends a message and says whether it was a probe.
    fn send(mtu: &mut MtuDiscovery, sequence: i64, length: usize) -> bool {
        let (payload_type, payload) = message(length);
        mtu.on_sent(sequence, payload_type, &payload)
    }

    fn searching() -> MtuDiscovery {
        let mut mtu = MtuDiscovery::fixed(BASE_MTU);
        mtu.start(usize::MAX);
        mtu
    }

    #[test]
    fn a_given_size_is_not_probed() {
        let mut mtu = MtuDiscovery::fixed(MAX_MTU);
        assert!(!send(&mut mtu, 0, MAX_MTU) && !mtu.is_probing() && mtu.next_probe().is_none());
        assert!(mtu.on_refused().is_none());
        assert_eq!(mtu.proven(), BASE_MTU, "but a refusal counts");
    }

    #[test]
    fn an_acknowledged_probe_proves_its_own_size_only() {
        let mut mtu = searching();
        assert!(!send(&mut mtu, 6, BASE_MTU) && send(&mut mtu, 7, STEPS[0]));
        assert!(!mtu.on_acknowledged(6) && mtu.is_probing(), "an older message says nothing");
        assert_eq!(mtu.proven(), BASE_MTU);
        assert!(mtu.on_acknowledged(7) && !mtu.is_probing());
        assert_eq!((mtu.proven(), mtu.next_probe()), (STEPS[0], Some(MAX_MTU)));
        assert!(!send(&mut mtu, 8, STEPS[0]) && send(&mut mtu, 9, MAX_MTU), "the larger one is a probe again");
        assert!(mtu.on_acknowledged(9));
        assert_eq!((mtu.proven(), mtu.next_probe()), (MAX_MTU, None));
    }

    #[test]
    fn a_refused_probe_comes_back_and_is_the_last() {
        let mut mtu = searching();
        assert!(send(&mut mtu, 7, STEPS[0]) && mtu.on_acknowledged(7) && send(&mut mtu, 8, MAX_MTU));
        assert_eq!(mtu.on_refused().map(|probe| (probe.sequence, probe.payload.len())), Some((8, MAX_MTU)));
        assert_eq!((mtu.proven(), mtu.next_probe()), (STEPS[0], None), "what was proven stays");
        assert!(!send(&mut mtu, 8, STEPS[0]));
        assert!(mtu.on_refused().is_none());
        assert_eq!(mtu.proven(), BASE_MTU);
    }

    #[test]
    fn nothing_above_the_limit_is_tried() {
        let mut mtu = searching();
        mtu.start(BASE_MTU);
        assert_eq!(mtu.next_probe(), None);
        mtu.start(STEPS[0] + 1);
        assert!(send(&mut mtu, 0, STEPS[0]) && mtu.on_acknowledged(0));
        assert_eq!(mtu.next_probe(), None);
    }
}
