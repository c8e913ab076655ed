//! One direction's stream as its receiver sees it: which number is next, and what has arrived out of order.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::PayloadType;

/// Messages that arrived out of order and wait for those before them. The official client keeps as many.
pub(crate) const MAX_OUT_OF_ORDER: usize = 10_000;

/// What keeping one message costs beside its payload, in bytes: its place in a queue and the allocation. It counts
/// against the limits, so that they hold for messages of one byte as well.
pub(crate) const KEEPING: usize = 128;

/// What a sequence number means on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next message of the stream.
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
    out_of_order: BTreeMap<i64, (PayloadType, Bytes)>,
    out_of_order_bytes: usize,
    reorder_buffer: usize,
}

impl Receiver {
    /// A receiver that keeps at most `reorder_buffer` bytes of messages that arrived out of order, each with [`KEEPING`].
    pub(crate) fn new(reorder_buffer: usize) -> Self {
        Self { next: 0, out_of_order: BTreeMap::new(), out_of_order_bytes: 0, reorder_buffer }
    }

    /// Classifies a message, and keeps it when it is out of order. An expected one is left to the caller, which calls
    /// [`Receiver::advance`] once it is taken.
    pub(crate) fn arrive(&mut self, sequence: i64, payload_type: PayloadType, payload: &Bytes) -> Arrival {
        if sequence < self.next || self.out_of_order.contains_key(&sequence) {
            return Arrival::Duplicate;
        }
        if sequence == self.next {
            return Arrival::Expected;
        }
        let kept = payload.len() + KEEPING;
        if self.out_of_order.len() >= MAX_OUT_OF_ORDER || self.out_of_order_bytes + kept > self.reorder_buffer {
            return Arrival::NoRoom;
        }
        self.out_of_order_bytes += kept;
        // A copy: the payload shares the memory of its frame, and that of the buffer that the socket was read into.
        self.out_of_order.insert(sequence, (payload_type, Bytes::copy_from_slice(payload)));
        Arrival::Kept
    }

    /// The expected message has been taken.
    pub(crate) fn advance(&mut self) {
        if let Some((_, payload)) = self.out_of_order.remove(&self.next) {
            self.out_of_order_bytes -= payload.len() + KEEPING;
        }
        self.next += 1;
    }

    /// The expected message, if it arrived out of order and waits. It is acknowledged already.
    pub(crate) fn waiting(&self) -> Option<(PayloadType, Bytes)> {
        self.out_of_order.get(&self.next).cloned()
    }

    /// Bytes that are kept of messages that wait for those before them.
    pub(crate) fn out_of_order_bytes(&self) -> usize {
        self.out_of_order_bytes
    }

    /// Whether later messages are here, and the expected one is not.
    pub(crate) fn has_gap(&self) -> bool {
        self.out_of_order.first_key_value().is_some_and(|(&first, _)| first > self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_messages_in_order() {
        let mut receiver = Receiver::new(1000);
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
        assert_eq!((receiver.next, receiver.out_of_order_bytes()), (3, 0));
        assert_eq!(receiver.arrive(0, PayloadType::Output, &payload), Arrival::Duplicate);
    }

    #[test]
    fn room_is_bounded_by_bytes_and_by_count() {
        let mut receiver = Receiver::new(5 + KEEPING);
        let payload = Bytes::from_static(b"abc");
        assert_eq!(receiver.arrive(1, PayloadType::Output, &payload), Arrival::Kept);
        assert_eq!(receiver.arrive(2, PayloadType::Output, &payload), Arrival::NoRoom);
        let mut receiver = Receiver::new(usize::MAX);
        for sequence in 1..=MAX_OUT_OF_ORDER as i64 {
            assert_eq!(receiver.arrive(sequence, PayloadType::Output, &Bytes::new()), Arrival::Kept);
        }
        assert_eq!(receiver.arrive(i64::MAX, PayloadType::Output, &Bytes::new()), Arrival::NoRoom);
    }
}
