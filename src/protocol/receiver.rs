//! One direction's stream as its receiver sees it: which number is next, and what has come too early.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::PayloadType;

/// Messages that have come early and wait for those before them. The official client keeps as many.
pub(crate) const MAX_EARLY: usize = 10_000;

/// What a sequence number means on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next one.
    Expected,
    /// Not yet its turn, but kept; acknowledge it.
    Kept,
    /// Not its turn and no room: forget it, without an acknowledgement, and it will be sent again.
    NoRoom,
    /// It was here before; acknowledge it again, its sender has not heard.
    Duplicate,
}

/// The receiving half of reliable delivery.
pub(crate) struct Receiver {
    next: i64,
    early: BTreeMap<i64, (PayloadType, Bytes)>,
    early_bytes: usize,
    max_early_bytes: usize,
}

impl Receiver {
    /// A receiver that keeps at most `max_early_bytes` of payload that has come early.
    pub(crate) fn new(max_early_bytes: usize) -> Self {
        Self { next: 0, early: BTreeMap::new(), early_bytes: 0, max_early_bytes }
    }

    /// Classifies a message, and keeps it when it is early. An expected one is left to the caller, who says
    /// [`Receiver::advance`] once it is taken.
    pub(crate) fn arrive(&mut self, sequence: i64, payload_type: PayloadType, payload: &Bytes) -> Arrival {
        if sequence < self.next || self.early.contains_key(&sequence) {
            return Arrival::Duplicate;
        }
        if sequence == self.next {
            return Arrival::Expected;
        }
        if self.early.len() >= MAX_EARLY || self.early_bytes + payload.len() > self.max_early_bytes {
            return Arrival::NoRoom;
        }
        self.early_bytes += payload.len();
        self.early.insert(sequence, (payload_type, payload.clone()));
        Arrival::Kept
    }

    /// The expected message has been taken.
    pub(crate) fn advance(&mut self) {
        if let Some((_, payload)) = self.early.remove(&self.next) {
            self.early_bytes -= payload.len();
        }
        self.next += 1;
    }

    /// The expected message, if it has come early and waits. It is acknowledged already.
    pub(crate) fn waiting(&self) -> Option<(PayloadType, Bytes)> {
        self.early.get(&self.next).cloned()
    }

    /// Bytes that have come early.
    pub(crate) fn early_bytes(&self) -> usize {
        self.early_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_messages_in_order() {
        let mut receiver = Receiver::new(100);
        let payload = Bytes::from_static(b"abc");
        assert_eq!(receiver.arrive(2, PayloadType::Output, &payload), Arrival::Kept);
        assert_eq!(receiver.arrive(2, PayloadType::Output, &payload), Arrival::Duplicate);
        assert_eq!(receiver.arrive(-1, PayloadType::Output, &payload), Arrival::Duplicate);
        assert_eq!(receiver.arrive(0, PayloadType::Output, &payload), Arrival::Expected);
        receiver.advance();
        assert!(receiver.waiting().is_none());
        assert_eq!(receiver.arrive(1, PayloadType::Output, &payload), Arrival::Expected);
        receiver.advance();
        assert!(receiver.waiting().is_some());
        receiver.advance();
        assert_eq!((receiver.next, receiver.early_bytes()), (3, 0));
        assert_eq!(receiver.arrive(0, PayloadType::Output, &payload), Arrival::Duplicate);
    }

    #[test]
    fn room_is_bounded_by_bytes_and_by_count() {
        let mut receiver = Receiver::new(5);
        let payload = Bytes::from_static(b"abc");
        assert_eq!(receiver.arrive(1, PayloadType::Output, &payload), Arrival::Kept);
        assert_eq!(receiver.arrive(2, PayloadType::Output, &payload), Arrival::NoRoom);
        let mut receiver = Receiver::new(usize::MAX);
        for sequence in 1..=MAX_EARLY as i64 {
            assert_eq!(receiver.arrive(sequence, PayloadType::Output, &Bytes::new()), Arrival::Kept);
        }
        assert_eq!(receiver.arrive(i64::MAX, PayloadType::Output, &Bytes::new()), Arrival::NoRoom);
    }
}
