//! Whether data may go out, and what the handshake does to that.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{DataChannel, Side};
use crate::protocol::handshake::{AgentStep, Step};
use crate::protocol::payload::PayloadType;
use crate::protocol::{Event, Failure, Handshake};

/// Bytes that are sent before it is certain that the session has no handshake; more wait until it is.
const MAX_UNCONFIRMED: usize = 16 * 1024;

/// How long after an agent's first acknowledgement it is certain that it wants no handshake: one that does asks as soon
/// as it runs, and gives the session up when it has no answer after 15 s.
const CONFIRMED_AFTER: Duration = Duration::from_secs(15);

/// Whether data may go out.
pub(super) enum Gate {
    /// No: a handshake may come, is under way, or has failed. It opens by itself at the instant, if there is one.
    Shut(Option<Instant>),
    /// Yes, but a handshake may still come.
    Unconfirmed(Unconfirmed),
    /// Yes.
    Open,
}

/// What was sent before a handshake that may still come. Agents throw away what arrives before it, so it is kept.
#[derive(Default)]
pub(super) struct Unconfirmed {
    sent: Vec<(PayloadType, Bytes)>,
    bytes: usize,
    /// When no handshake can come any more; known once the agent has acknowledged something.
    until: Option<Instant>,
}

impl Gate {
    /// Whether data may go out now.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Shut(_) => false,
            Self::Unconfirmed(unconfirmed) => unconfirmed.bytes < MAX_UNCONFIRMED,
            Self::Open => true,
        }
    }

    /// When [`DataChannel::handle_gate_timeout`] wants to be called.
    pub(super) fn timeout(&self) -> Option<Instant> {
        match self {
            Self::Shut(open_at) => *open_at,
            Self::Unconfirmed(unconfirmed) => unconfirmed.until,
            Self::Open => None,
        }
    }

    /// Notes that a message goes out.
    pub(super) fn sent(&mut self, payload_type: PayloadType, payload: &Bytes) {
        if let Self::Unconfirmed(unconfirmed) = self {
            unconfirmed.bytes += payload.len();
            unconfirmed.sent.push((payload_type, payload.clone()));
        }
    }

    /// Notes that the agent has acknowledged something.
    pub(super) fn acknowledged(&mut self, now: Instant) {
        if let Self::Unconfirmed(unconfirmed) = self {
            unconfirmed.until.get_or_insert(now + CONFIRMED_AFTER);
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Shut(_) => "shut",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::Open => "open",
        }
    }
}

impl DataChannel {
    pub(super) fn handle_gate_timeout(&mut self, now: Instant) {
        if self.gate.timeout().is_none_or(|at| now < at) {
            return;
        }
        if matches!(self.gate, Gate::Unconfirmed(_)) {
            self.gate = Gate::Open;
            return;
        }
        self.gate = Gate::Unconfirmed(Unconfirmed::default());
        self.sender.probe_early();
        self.become_ready(None);
    }

    pub(super) fn open_without_handshake(&mut self) {
        if matches!(self.gate, Gate::Open) {
            return;
        }
        self.gate = Gate::Open;
        if !self.ready {
            self.sender.probe_early();
            self.become_ready(None);
        }
    }

    /// A handshake has begun. What was sent so far is thrown away by the agent, so it goes back into the queue.
    pub(super) fn shut_for_handshake(&mut self) {
        if let Gate::Unconfirmed(unconfirmed) = std::mem::replace(&mut self.gate, Gate::Shut(None)) {
            for (payload_type, payload) in unconfirmed.sent.into_iter().rev() {
                self.queue.put_back(payload_type, payload);
            }
        }
    }

    pub(super) fn take_client_step(&mut self, step: Step) {
        match step {
            Step::None => {}
            Step::Malformed => self.statistics.malformed += 1,
            Step::Respond(payload) => self.queue.push_urgent(PayloadType::HandshakeResponse, payload),
            Step::AnswerChallenge(payload) => self.queue.push_urgent(PayloadType::EncChallengeResponse, payload),
            Step::AskForKey(request) => self.events.push_back(Event::KeyNeeded(request)),
            Step::Completed(handshake) => {
                if let Side::Client(side) = &mut self.side {
                    self.cipher = side.take_cipher();
                }
                self.gate = Gate::Open;
                self.sender.probe_early();
                self.become_ready(Some(handshake));
            }
        }
    }

    pub(super) fn take_agent_step(&mut self, step: AgentStep) {
        match step {
            AgentStep::None | AgentStep::Refuse => {}
            AgentStep::Decrypt(ciphertext, with_challenge) => {
                self.events.push_back(Event::KeyToDecrypt { ciphertext, with_challenge });
            }
            AgentStep::Challenge(payload) => self.queue.push_urgent(PayloadType::EncChallengeRequest, payload),
            AgentStep::Complete(payload) => {
                if let Side::Agent { handshake: Some(handshake), .. } = &mut self.side {
                    self.cipher = handshake.take_cipher();
                }
                self.queue.push_urgent(PayloadType::HandshakeComplete, payload);
                self.gate = Gate::Open;
                self.become_ready(None);
            }
            AgentStep::Fail(reason) => self.end(Event::Failed(Failure::Handshake(reason))),
        }
    }

    pub(super) fn become_ready(&mut self, handshake: Option<Handshake>) {
        let first = !std::mem::replace(&mut self.ready, true);
        match handshake {
            Some(handshake) if !first => self.events.push_back(Event::LateHandshake(handshake)),
            handshake => {
                if first {
                    self.events.push_back(Event::Ready(handshake));
                }
            }
        }
    }
}
