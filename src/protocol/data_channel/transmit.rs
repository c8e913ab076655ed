//! What goes out.

use std::time::Instant;

use bytes::Bytes;
use uuid::Uuid;

use super::{DataChannel, Side};
use crate::protocol::Role;
use crate::protocol::message::{FLAGS_OUTSIDE_STREAM, Header, MessageType, PREFIX_LENGTH};
use crate::protocol::payload::{Acknowledgement, PayloadType};

/// Acknowledgements that are repeated after a reconnect: those of about the last second at the real agent's pace. It
/// repairs lost ones at ten a second only, one message after the other.
const MAX_RECENT: usize = 1024;

impl DataChannel {
    /// The next frame to send, if any. Acknowledgements come first, repetitions next, then control messages, then
    /// data as far as the window allows.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        if !self.connected || self.ended {
            return None;
        }
        if let Some((message_type, id, sequence)) = self.acknowledgements.pop_front() {
            if self.recent.len() == MAX_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((message_type, id, sequence));
            return Some(self.encode_acknowledgement(now, message_type, id, sequence));
        }
        if let Some(report) = self.reports.pop_front() {
            return Some(report);
        }
        if self.paused {
            return None;
        }
        if let Some(frame) = self.sender.retransmit(now) {
            return Some(frame);
        }
        if !self.sender.has_place() || self.large.trying_since().is_some() {
            return None;
        }
        let open = self.gate.is_open();
        if let Some((payload_type, payload)) =
            self.queue.pop_urgent(|payload_type| open || payload_type != PayloadType::Size)
        {
            return Some(self.send(now, payload_type, payload));
        }
        let size = self.message_size();
        let length = self.queue.next_length(size).filter(|_| open)?;
        if !self.sender.admits(PREFIX_LENGTH + length) {
            return None;
        }
        let (payload_type, payload) = self.queue.pop(size)?;
        Some(self.send(now, payload_type, payload))
    }

    fn send(&mut self, now: Instant, payload_type: PayloadType, payload: Bytes) -> Bytes {
        self.gate.sent(payload_type, &payload);
        let sequence = self.sender.next_sequence();
        self.large.sent(now, sequence, payload_type, &payload);
        let header = Header {
            message_type: self.outgoing_type(),
            schema_version: 1,
            created: self.created(now),
            sequence,
            flags: u64::from(sequence == 0 && matches!(self.side, Side::Agent { .. })),
            id: self.ids.next(),
            payload_type,
        };
        match &mut self.cipher {
            Some(cipher) if is_encrypted(&self.side, payload_type) => {
                header.encode(&cipher.seal(&payload), &mut self.frame_buffer);
            }
            _ => header.encode(&payload, &mut self.frame_buffer),
        }
        let frame = self.frame_buffer.split().freeze();
        self.sender.push(now, frame.clone());
        frame
    }

    fn encode_acknowledgement(&mut self, now: Instant, message_type: MessageType, id: Uuid, sequence: i64) -> Bytes {
        let content = Acknowledgement::of(message_type, id, sequence);
        let payload = serde_json::to_vec(&content).expect("texts and numbers are always JSON");
        let header = self.header_outside_stream(now, MessageType::Acknowledge);
        header.encode(&payload, &mut self.acknowledgement_buffer);
        self.acknowledgement_buffer.split().freeze()
    }

    pub(super) fn header_outside_stream(&mut self, now: Instant, message_type: MessageType) -> Header {
        Header {
            message_type,
            schema_version: 1,
            created: self.created(now),
            sequence: 0,
            flags: FLAGS_OUTSIDE_STREAM,
            id: self.ids.next(),
            payload_type: PayloadType::Other(0),
        }
    }

    fn created(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.config.started).as_millis();
        self.config.epoch_ms.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX)).max(1)
    }

    fn outgoing_type(&self) -> MessageType {
        match self.role() {
            Role::Client => MessageType::InputStreamData,
            Role::Agent => MessageType::OutputStreamData,
        }
    }
}

/// Once a session is encrypted, all bytes are; sizes, flags and JSON stay plain.
fn is_encrypted(side: &Side, payload_type: PayloadType) -> bool {
    match side {
        Side::Client(_) => payload_type == PayloadType::Output,
        Side::Agent { .. } => {
            matches!(payload_type, PayloadType::Output | PayloadType::StdErr | PayloadType::ExitCode)
        }
    }
}
