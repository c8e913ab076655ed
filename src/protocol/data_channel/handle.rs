//! Receiving: from a frame to an event and an acknowledgement.

use std::time::Instant;

use bytes::Bytes;

use super::timers::Timer;
use super::{Ack, DataChannel, MAX_WAITING, Side};
use crate::protocol::handshake::AgentStep;
use crate::protocol::message::{Header, Message, MessageType};
use crate::protocol::payload::{self, ChannelClosed, Flag, MAX_JSON, PayloadType};
use crate::protocol::receiver::{Arrival, KEEPING};
use crate::protocol::{Event, Failure, Role};

impl DataChannel {
    /// A frame has arrived, binary or text. It does no harm, whatever is in it.
    pub fn handle_frame(&mut self, now: Instant, frame: Bytes) {
        if self.has_ended() {
            return;
        }
        self.latest = now;
        let Ok(message) = Message::parse(frame) else {
            self.statistics.malformed += 1;
            return;
        };
        let message_type = message.header.message_type;
        // The real agent checks no digest; its double does not either. What the service says by itself always counts.
        if self.role() == Role::Client
            && matches!(message_type, MessageType::Acknowledge | MessageType::OutputStreamData)
            && !message.is_intact()
        {
            self.statistics.corrupt += 1;
            return;
        }
        match message_type {
            MessageType::Acknowledge => self.handle_acknowledgement(now, &message),
            MessageType::ChannelClosed => self.handle_closed(&message),
            // A client goes on: the official one does, and how a pause would end is written nowhere.
            MessageType::PausePublication if self.role() == Role::Client => {}
            MessageType::PausePublication => self.phase.pause(),
            MessageType::StartPublication => self.phase.resume(),
            MessageType::AgentSessionState => {}
            kind if kind == self.incoming_type() => self.handle_stream_message(now, message),
            _ => self.statistics.malformed += 1,
        }
        self.update_retransmission_timer();
    }

    fn handle_acknowledgement(&mut self, now: Instant, message: &Message) {
        self.phase.resume();
        self.note_peer(now);
        self.statistics.acknowledgements += 1;
        match payload::parse_acknowledgement(&message.payload) {
            Some(sequence) => {
                if self.mtu.on_acknowledged(sequence) {
                    self.timers.stop(Timer::MtuProbe);
                }
                if self.sender.acknowledge(now, sequence) {
                    self.await_request(now);
                }
            }
            None => self.statistics.malformed += 1,
        }
    }

    fn handle_closed(&mut self, message: &Message) {
        // Even unreadable, the message says that the session is over.
        let readable = Some(&message.payload).filter(|payload| payload.len() <= MAX_JSON);
        let content: Option<ChannelClosed> = readable.and_then(|payload| serde_json::from_slice(payload).ok());
        self.statistics.malformed += u64::from(content.is_none());
        let content = content.unwrap_or_default().bounded();
        self.end(Event::Closed(content));
    }

    fn handle_stream_message(&mut self, now: Instant, message: Message) {
        self.phase.resume();
        self.note_peer(now);
        let Header { sequence, payload_type, message_type, id, .. } = message.header;
        let acknowledged = match self.receiver.arrive(sequence, payload_type, &message.payload) {
            Arrival::Duplicate => {
                self.statistics.duplicates += 1;
                true
            }
            Arrival::Kept => {
                self.statistics.out_of_order += 1;
                true
            }
            Arrival::NoRoom => false,
            Arrival::Expected => {
                // A copy: the payload shares the memory of its frame, and that of the buffer that the socket was read into.
                let taken = self.take(now, payload_type, Bytes::copy_from_slice(&message.payload));
                if taken {
                    self.statistics.received += 1;
                    self.receiver.advance();
                    self.timers.stop(Timer::Gap);
                }
                taken
            }
        };
        if !acknowledged {
            self.statistics.refused += 1;
            return;
        }
        if self.acks.len() < 2 * MAX_WAITING {
            self.acks.push_back(Ack { message_type, id, sequence });
        }
        self.take_what_is_in_order(now);
        if !self.has_ended() && !self.timers.is_set(Timer::Gap) {
            self.watch_for_gap(now);
        }
    }

    /// Takes messages that arrived out of order and whose turn has come.
    pub(super) fn take_what_is_in_order(&mut self, now: Instant) {
        while !self.has_ended()
            && let Some((payload_type, payload)) = self.receiver.waiting()
            && self.take(now, payload_type, payload)
        {
            self.statistics.received += 1;
            self.receiver.advance();
        }
        self.update_retransmission_timer();
    }

    /// Takes the next message of the stream; false when that is not possible now.
    fn take(&mut self, now: Instant, payload_type: PayloadType, payload: Bytes) -> bool {
        match self.role() {
            Role::Client => self.take_as_client(payload_type, payload),
            Role::Agent => self.take_as_agent(now, payload_type, payload),
        }
    }

    fn take_as_client(&mut self, payload_type: PayloadType, payload: Bytes) -> bool {
        let has_room = self.has_room();
        let Side::Client { handshake, .. } = &mut self.side else { return true };
        let step = match payload_type {
            PayloadType::HandshakeRequest => handshake.handle_request(&payload),
            PayloadType::EncChallengeRequest => handshake.handle_challenge(&payload),
            PayloadType::HandshakeComplete => handshake.handle_complete(&payload),
            PayloadType::Output | PayloadType::StdErr | PayloadType::ExitCode | PayloadType::Flag if !has_room => {
                return false;
            }
            PayloadType::Output | PayloadType::StdErr | PayloadType::ExitCode => {
                if handshake.asks_for_encryption() && self.cipher.is_none() {
                    self.end(Event::Failed(Failure::Unencrypted("the agent sends data in the clear")));
                    return false;
                }
                if !handshake.is_in_progress() {
                    self.open_without_handshake();
                }
                if self.has_ended() {
                    return false;
                }
                return self.deliver(payload_type, payload);
            }
            PayloadType::Flag => {
                self.push_flag(&payload);
                return true;
            }
            _ => return true,
        };
        if payload_type == PayloadType::HandshakeRequest && handshake.is_in_progress() {
            self.block_for_handshake();
        }
        self.take_client_step(step);
        true
    }

    fn take_as_agent(&mut self, now: Instant, payload_type: PayloadType, payload: Bytes) -> bool {
        let Side::Agent { handshake, accepting, settled_at, .. } = &mut self.side else { return true };
        if let Some(handshake) = handshake
            && !handshake.is_done()
        {
            let step = match payload_type {
                PayloadType::HandshakeResponse => handshake.handle_response(now, &payload),
                PayloadType::EncChallengeResponse => handshake.handle_challenge_response(now, &payload),
                // As the real agent: acknowledged, and thrown away.
                _ => AgentStep::None,
            };
            let refused = matches!(step, AgentStep::Refuse);
            self.take_agent_step(now, step);
            return !refused;
        }
        if now < *settled_at {
            return true;
        }
        if !*accepting || !self.has_room() {
            return false;
        }
        match payload_type {
            PayloadType::Output => return self.deliver(payload_type, payload),
            PayloadType::Size => match serde_json::from_slice(&payload) {
                Ok(size) => self.events.push_back(Event::Size(size)),
                Err(_) => self.statistics.malformed += 1,
            },
            PayloadType::Flag => self.push_flag(&payload),
            _ => {}
        }
        true
    }

    fn push_flag(&mut self, payload: &[u8]) {
        match Flag::parse(payload) {
            Some(flag) => self.events.push_back(Event::Flag(flag)),
            None => self.statistics.malformed += 1,
        }
    }

    /// Hands bytes to the reader, decrypted where the session is encrypted.
    fn deliver(&mut self, payload_type: PayloadType, payload: Bytes) -> bool {
        let bytes = match &self.cipher {
            None => {
                self.plain |= !payload.is_empty();
                payload
            }
            Some(cipher) => {
                let Some(bytes) = cipher.open(&payload) else {
                    self.end(Event::Failed(Failure::Undecipherable));
                    return false;
                };
                bytes
            }
        };
        if bytes.is_empty() {
            return true;
        }
        match payload_type {
            PayloadType::ExitCode => match payload::parse_exit_code(&bytes) {
                Some(code) => self.events.push_back(Event::ExitCode(code)),
                None => self.statistics.malformed += 1,
            },
            PayloadType::StdErr => {
                self.event_bytes += bytes.len() + KEEPING;
                self.events.push_back(Event::Stderr(bytes));
            }
            _ => {
                self.event_bytes += bytes.len() + KEEPING;
                self.events.push_back(Event::Output(bytes));
            }
        }
        true
    }

    fn incoming_type(&self) -> MessageType {
        match self.role() {
            Role::Client => MessageType::OutputStreamData,
            Role::Agent => MessageType::InputStreamData,
        }
    }
}
