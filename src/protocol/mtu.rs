//! Finds out whether messages above the usual size get through, as path MTU discovery does for packets.
//!
//! Agents take messages of any size; what the service in between takes is written nowhere. So the first large message
//! is a probe and goes alone: nothing follows it until it is acknowledged.
//!
//! - The gateway may close the connection because of the probe's size. Then nothing of it has reached the agent, and it
//!   is cut anew.
//! - It may swallow the probe. Then the deadline passes, and the session is lost: for all that is known the agent has
//!   the message, so it cannot be cut anew under other numbers.
//!
//! Either way [`Event::LargeMessagesRefused`](super::Event::LargeMessagesRefused) is reported, so that
//! the owner can remember it for the next session.

use std::time::Duration;

use bytes::Bytes;

use super::PayloadType;

/// Payload bytes of a message of the official client, which every service takes.
pub(super) const BASE_MTU: usize = 1024;

/// Payload bytes of the largest messages that are tried. An agent takes 28 MB/s in messages of 1 KiB and 100 MB/s in
/// messages of this size (measured).
pub(super) const MAX_MTU: usize = 32 * 1024;

/// How long a probe may be unacknowledged on one connection.
pub(super) const MTU_PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest payload that may be sent, and the search for it.
pub(super) struct MtuDiscovery {
    current: usize,
    state: State,
}

enum State {
    /// The size is given; there is no search, or it is over.
    Fixed,
    /// Nothing above [`BASE_MTU`] was sent yet.
    Searching,
    /// The first message above it is in flight, alone.
    Probing(MtuProbe),
}

/// A message that shows whether its size gets through.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MtuProbe {
    pub(super) sequence: i64,
    pub(super) payload_type: PayloadType,
    pub(super) payload: Bytes,
}

impl MtuDiscovery {
    /// Messages of `size` payload bytes are known to get through.
    pub(super) fn fixed(size: usize) -> Self {
        Self { current: size, state: State::Fixed }
    }

    /// Payload bytes of the largest message that may be sent.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    /// Whether a probe is in flight, so that nothing may follow.
    pub(super) fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing(_))
    }

    /// Tries sizes up to [`MAX_MTU`] from now on.
    pub(super) fn start(&mut self) {
        *self = Self { current: MAX_MTU, state: State::Searching };
    }

    /// A message goes out for the first time. True when it is a probe.
    pub(super) fn on_sent(&mut self, sequence: i64, payload_type: PayloadType, payload: &Bytes) -> bool {
        let is_probe = payload.len() > BASE_MTU && matches!(self.state, State::Searching);
        if is_probe {
            self.state = State::Probing(MtuProbe { sequence, payload_type, payload: payload.clone() });
        }
        is_probe
    }

    /// A message is acknowledged. True when it was the probe: its size gets through.
    pub(super) fn on_acknowledged(&mut self, sequence: i64) -> bool {
        let is_probe = matches!(&self.state, State::Probing(probe) if probe.sequence == sequence);
        if is_probe {
            self.state = State::Fixed;
        }
        is_probe
    }

    /// The gateway has refused a message for its size. Nothing above [`BASE_MTU`] is sent any more; the probe that was
    /// in flight is handed back.
    pub(super) fn on_refused(&mut self) -> Option<MtuProbe> {
        self.current = self.current.min(BASE_MTU);
        match std::mem::replace(&mut self.state, State::Fixed) {
            State::Probing(probe) => Some(probe),
            State::Fixed | State::Searching => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probing() -> MtuDiscovery {
        let mut mtu = MtuDiscovery::fixed(BASE_MTU);
        mtu.start();
        assert!(!mtu.on_sent(6, PayloadType::Output, &Bytes::from_static(&[0; BASE_MTU])));
        assert!(mtu.on_sent(7, PayloadType::Output, &Bytes::from_static(&[0; BASE_MTU + 1])));
        assert!(mtu.is_probing());
        mtu
    }

    #[test]
    fn a_given_size_is_not_probed() {
        let mut mtu = MtuDiscovery::fixed(MAX_MTU);
        assert!(!mtu.on_sent(0, PayloadType::Output, &Bytes::from_static(&[0; MAX_MTU])));
        assert!(!mtu.is_probing() && mtu.on_refused().is_none());
        assert_eq!(mtu.current(), BASE_MTU, "but a refusal counts");
    }

    #[test]
    fn one_acknowledged_probe_proves_it() {
        let mut mtu = probing();
        assert!(!mtu.on_acknowledged(6) && mtu.is_probing(), "an older message says nothing");
        assert!(mtu.on_acknowledged(7) && !mtu.is_probing());
        assert!(!mtu.on_sent(8, PayloadType::Output, &Bytes::from_static(&[0; MAX_MTU])));
        assert_eq!(mtu.current(), MAX_MTU);
    }

    #[test]
    fn a_refused_probe_comes_back_and_is_the_last() {
        let mut mtu = probing();
        assert_eq!(mtu.on_refused().map(|probe| (probe.sequence, probe.payload.len())), Some((7, BASE_MTU + 1)));
        assert_eq!((mtu.current(), mtu.on_refused()), (BASE_MTU, None));
        assert!(!mtu.on_sent(8, PayloadType::Output, &Bytes::from_static(&[0; MAX_MTU])));
    }
}
