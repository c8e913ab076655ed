//! Sending: which frame goes out next, and how it is made.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::lifecycle::Phase;
use super::timers::Timer;
use super::{Ack, DataChannel};
use crate::protocol::Role;
use crate::protocol::cipher::SEALING;
use crate::protocol::message::{FLAGS_OUTSIDE_STREAM, Header, MessageType, PREFIX_LENGTH};
use crate::protocol::mtu::{BASE_MTU, MTU_PROBE_TIMEOUT};
use crate::protocol::payload::{Acknowledgement, PayloadType};
use crate::protocol::sender::Admission;

/// Acknowledgements that are repeated after a reconnect: those of about the last second at the real agent's pace. It
/// repairs lost ones at ten a second only, one message after the other.
const MAX_RECENT_ACKS: usize = 1024;

impl DataChannel {
    /// The next frame to send, if any. Acknowledgements come first, repetitions next, then control messages, then
    /// data as far as the window allows.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        if !self.phase.is_connected() {
            return None;
        }
        if let Some(ack) = self.acks.pop_front() {
            if self.recent_acks.len() == MAX_RECENT_ACKS {
                self.recent_acks.pop_front();
            }
            self.recent_acks.push_back(ack);
            return Some(self.encode_acknowledgement(now, ack));
        }
        if let Some(report) = self.reports.pop_front() {
            return Some(report);
        }
        self.latest = self.latest.max(now);
        let frame = self.next_stream_frame(now)?;
        // Once set, the timer is that of the oldest message in flight, which no newer one changes.
        if !self.timers.is_set(Timer::Retransmission) {
            self.update_retransmission_timer();
        }
        Some(frame)
    }

    /// Bytes that would go out at once if they were written now: nothing waits before them, and the window has room for
    /// a message of full size. Ask only with something to send: without room, the window counts as too small, and
    /// opens.
    pub fn poll_sendable(&mut self) -> usize {
        let may = self.phase == Phase::Connected && self.queue.is_empty() && self.early_data.is_allowed();
        if !may || self.mtu.is_probing() {
            return 0;
        }
        if let Some(size) = self.next_probe() {
            // Nothing follows a probe. What is written may also be less than one, and is cut smaller then.
            let messages = size.div_ceil(self.mtu.proven());
            return if self.admits(messages * PREFIX_LENGTH + size) { size } else { 0 };
        }
        let size = self.message_size();
        let whole = PREFIX_LENGTH + size;
        if !self.admits(whole) {
            return 0;
        }
        (self.sender.grant() / whole).max(1) * size
    }

    /// Whether a message of so many bytes may go out now. Where only the pace is against it, the channel asks to be woken
    /// when it no longer is.
    fn admits(&mut self, bytes: usize) -> bool {
        self.heeds(self.sender.admit(self.latest, bytes))
    }

    fn heeds(&mut self, admission: Admission) -> bool {
        if let Admission::At(at) = admission {
            self.timers.set(Timer::Pace, at);
        }
        admission == Admission::Granted
    }

    fn next_stream_frame(&mut self, now: Instant) -> Option<Bytes> {
        if self.phase == Phase::Paused {
            return None;
        }
        if let Some(admission) = self.sender.admit_repeated(now) {
            return if self.heeds(admission) { self.sender.retransmit(now) } else { None };
        }
        if !self.sender.has_place() || self.mtu.is_probing() {
            return None;
        }
        let (allowed, sizes) = (self.early_data.is_allowed(), self.early_data.allows_size());
        if let Some((payload_type, payload)) =
            self.queue.pop_urgent(|payload_type| sizes || payload_type != PayloadType::Size)
        {
            return Some(self.send(now, payload_type, payload));
        }
        let probe = self.next_probe().filter(|&size| self.queue.next_length(size) == Some(size));
        let size = probe.unwrap_or_else(|| self.message_size());
        let length = self.queue.next_length(size).filter(|_| allowed)?;
        if !self.admits(PREFIX_LENGTH + length) {
            return None;
        }
        let (payload_type, payload) = self.queue.pop(size)?;
        Some(self.send(now, payload_type, payload))
    }

    /// How large messages with bulk data are at the moment. On a slow line a large one would hold up a key for longer
    /// than the round trip.
    fn message_size(&self) -> usize {
        self.mtu.proven().min(self.sender.message_size().max(BASE_MTU))
    }

    /// The size of the message that would show whether it gets through, when the line is fast enough for it.
    fn next_probe(&self) -> Option<usize> {
        self.mtu.next_probe().filter(|&size| size <= self.sender.probe_size())
    }

    fn send(&mut self, now: Instant, payload_type: PayloadType, payload: Bytes) -> Bytes {
        self.early_data.on_sent(payload_type, &payload);
        let sequence = self.sender.next_sequence();
        if self.mtu.on_sent(sequence, payload_type, &payload) {
            self.timers.set(Timer::MtuProbe, now + MTU_PROBE_TIMEOUT);
        }
        let header = Header {
            message_type: self.outgoing_type(),
            schema_version: 1,
            created: self.created(now),
            sequence,
            flags: u64::from(sequence == 0 && self.role() == Role::Agent),
            id: self.ids.next(),
            payload_type,
        };
        let role = self.role();
        // Memory of its own: one frame that is not acknowledged would keep its neighbours' as well.
        let mut frame = BytesMut::with_capacity(PREFIX_LENGTH + payload.len() + SEALING);
        match &mut self.cipher {
            Some(cipher) if is_encrypted(role, payload_type) => {
                header.encode(&cipher.seal(&payload), &mut frame);
            }
            _ => {
                self.plain |= payload_type == PayloadType::Output;
                header.encode(&payload, &mut frame);
            }
        }
        let frame = frame.freeze();
        self.sender.push(now, frame.clone());
        frame
    }

    fn encode_acknowledgement(&mut self, now: Instant, Ack { message_type, id, sequence }: Ack) -> Bytes {
        let content = Acknowledgement::of(message_type, id, sequence);
        let payload = serde_json::to_vec(&content).expect("texts and numbers are always JSON");
        let header = self.header_outside_stream(now, MessageType::Acknowledge);
        header.encode(&payload, &mut self.ack_buffer);
        self.ack_buffer.split().freeze()
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
fn is_encrypted(role: Role, payload_type: PayloadType) -> bool {
    match role {
        Role::Client => payload_type == PayloadType::Output,
        Role::Agent => matches!(payload_type, PayloadType::Output | PayloadType::StdErr | PayloadType::ExitCode),
    }
}
