//! What has been accepted for sending and waits for the window.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::PayloadType;

/// Control messages that wait at most. There are never more than a handful in a real session.
const MAX_CONTROL: usize = 64;

enum Item {
    /// A run of bytes of one type, cut into messages as they go out.
    Data(PayloadType, BytesMut),
    /// One message that keeps its place among the data.
    Control(PayloadType, Bytes),
}

/// A bounded queue of data, with a fast lane for what must not wait behind bulk data.
pub(crate) struct SendQueue {
    urgent: VecDeque<(PayloadType, Bytes)>,
    ordered: VecDeque<Item>,
    bytes: usize,
    limit: usize,
}

impl SendQueue {
    /// A queue that accepts at most `limit` bytes of data.
    pub(crate) fn new(limit: usize) -> Self {
        Self { urgent: VecDeque::new(), ordered: VecDeque::new(), bytes: 0, limit }
    }

    /// Bytes of data that [`SendQueue::push_data`] would accept now.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes)
    }

    /// Bytes of data that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.ordered.is_empty()
    }

    /// Accepts as much of `data` as there is room for and says how much that was.
    pub(crate) fn push_data(&mut self, payload_type: PayloadType, data: &[u8]) -> usize {
        let accepted = data.len().min(self.room());
        if accepted == 0 {
            return 0;
        }
        self.bytes += accepted;
        match self.ordered.back_mut() {
            Some(Item::Data(last, bytes)) if *last == payload_type => bytes.extend_from_slice(&data[..accepted]),
            _ => self.ordered.push_back(Item::Data(payload_type, BytesMut::from(&data[..accepted]))),
        }
        accepted
    }

    /// Puts a message in front of everything that waits, for the second time: it had been accepted before, so there is
    /// no limit to ask. Messages are put back from the newest to the oldest.
    pub(crate) fn put_back(&mut self, payload_type: PayloadType, payload: Bytes) {
        match payload_type {
            // The terminal has had another size since.
            PayloadType::Size if self.has_urgent(PayloadType::Size) => {}
            PayloadType::Size => self.urgent.push_front((payload_type, payload)),
            PayloadType::Output | PayloadType::StdErr => {
                self.bytes += payload.len();
                self.ordered.push_front(Item::Data(payload_type, payload.into()));
            }
            _ => self.ordered.push_front(Item::Control(payload_type, payload)),
        }
    }

    /// Accepts one message behind the data before it; false when too many wait.
    pub(crate) fn push_control(&mut self, payload_type: PayloadType, payload: Bytes) -> bool {
        let waiting = self.ordered.iter().filter(|item| matches!(item, Item::Control(..))).count();
        if waiting >= MAX_CONTROL {
            return false;
        }
        self.ordered.push_back(Item::Control(payload_type, payload));
        true
    }

    /// Accepts one message ahead of all data. A newer one of the same type takes the place of one that still waits:
    /// that is right for sizes, and nothing else is ever said twice.
    pub(crate) fn push_urgent(&mut self, payload_type: PayloadType, payload: Bytes) {
        self.urgent.retain(|(waiting, _)| *waiting != payload_type);
        self.urgent.push_back((payload_type, payload));
    }

    /// Whether an urgent message of this type waits.
    pub(crate) fn has_urgent(&self, payload_type: PayloadType) -> bool {
        self.urgent.iter().any(|(waiting, _)| *waiting == payload_type)
    }

    /// The next urgent message that `may_go`.
    pub(crate) fn pop_urgent(&mut self, may_go: impl Fn(PayloadType) -> bool) -> Option<(PayloadType, Bytes)> {
        let index = self.urgent.iter().position(|(payload_type, _)| may_go(*payload_type))?;
        self.urgent.remove(index)
    }

    /// Length of the next ordered message when data is cut at `message_size`.
    pub(crate) fn next_length(&self, message_size: usize) -> Option<usize> {
        Some(match self.ordered.front()? {
            Item::Data(_, bytes) => bytes.len().min(message_size),
            Item::Control(_, payload) => payload.len(),
        })
    }

    /// The next ordered message.
    pub(crate) fn pop(&mut self, message_size: usize) -> Option<(PayloadType, Bytes)> {
        match self.ordered.pop_front()? {
            Item::Control(payload_type, payload) => Some((payload_type, payload)),
            Item::Data(payload_type, mut bytes) => {
                let message = bytes.split_to(bytes.len().min(message_size)).freeze();
                self.bytes -= message.len();
                if !bytes.is_empty() {
                    self.ordered.push_front(Item::Data(payload_type, bytes));
                }
                Some((payload_type, message))
            }
        }
    }
}

#[cfg(test)]
mod tests;
