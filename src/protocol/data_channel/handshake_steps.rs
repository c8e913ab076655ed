//! What a handshake, or the lack of one, does to the channel.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::early_data::{EarlyData, Tentative};
use super::timers::Timer;
use super::{DataChannel, Side};
use crate::protocol::handshake::{AgentHandshake, AgentStep, ClientStep, HANDSHAKE_TIMEOUT};
use crate::protocol::payload::PayloadType;
use crate::protocol::{Event, Failure, Handshake};

/// How long after an agent's first acknowledgement a handshake may be on its way: an agent that wants one asks before it
/// reads anything, so that only a request that is lost and repeated comes later than the acknowledgement.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// How long after it is certain that no handshake comes: an agent that wants one gives the session up without an
/// answer for 15 s.
const CONFIRMED_AFTER: Duration = Duration::from_secs(15);

/// How long after the end of its handshake the first data may reach an agent. Agent 3.3.0.0 acknowledged and threw away
/// what came after 0.3 ms, in 4 of 220 sessions, and did not take it in every second one; after a round trip of 1 ms
/// neither was seen. A busy machine takes longer.
const SETTLING: Duration = Duration::from_millis(10);

/// How long data waits at least, on whatever path: what was measured as a long one may have been a slow agent.
const LEAST_SETTLING: Duration = Duration::from_millis(2);

/// The size that stands for one where the owner has given none; the official client's. Programs without a terminal
/// ignore it.
const NO_TERMINAL: &[u8] = br#"{"cols":300,"rows":100}"#;

impl DataChannel {
    /// There is a connection. On the first one an agent starts its handshake, or is ready without one; a client begins
    /// to wait for a handshake that may not come.
    pub(super) fn start_handshake(&mut self, now: Instant) {
        let request_timeout = self.request_timeout();
        match &mut self.side {
            Side::Client { handshake, grace, .. } => {
                let wait = match self.early_data {
                    EarlyData::Blocked if !handshake.is_in_progress() => *grace,
                    // The request may have been lost with the last connection.
                    EarlyData::Probing(_) if self.sender.is_acknowledged() => Some(request_timeout),
                    _ => None,
                };
                if let Some(wait) = wait
                    && !self.timers.is_set(Timer::EarlyData)
                {
                    self.timers.set(Timer::EarlyData, now + wait);
                }
            }
            Side::Agent { config, handshake, .. } => {
                if let Some(handshake_config) = config.handshake.take() {
                    let (started, request) = AgentHandshake::start(handshake_config, now);
                    *handshake = Some(Box::new(started));
                    self.queue.push_urgent(PayloadType::HandshakeRequest, request);
                    self.timers.set(Timer::Handshake, now + HANDSHAKE_TIMEOUT);
                } else if handshake.is_none() && !self.ready {
                    self.become_ready(None);
                }
            }
        }
    }

    /// No handshake has come in time: the agent is probed, then data goes out tentatively, and is confirmed when time has
    /// passed again.
    pub(super) fn on_early_data_timeout(&mut self, now: Instant) {
        match std::mem::replace(&mut self.early_data, EarlyData::Blocked) {
            EarlyData::Blocked => {
                self.early_data = EarlyData::Probing(Tentative::default());
                if !self.queue.has_urgent(PayloadType::Size) {
                    self.queue.push_urgent(PayloadType::Size, Bytes::from_static(NO_TERMINAL));
                }
                self.sender.fast_probe();
            }
            EarlyData::Probing(sent) => {
                self.early_data = EarlyData::Tentative(sent);
                self.timers.set(Timer::EarlyData, now + CONFIRMED_AFTER);
                self.sender.fast_probe();
                self.become_ready(None);
            }
            EarlyData::Settling | EarlyData::Tentative(_) | EarlyData::Confirmed => {
                self.early_data = EarlyData::Confirmed;
            }
        }
    }

    /// The agent runs: it has acknowledged something.
    pub(super) fn await_request(&mut self, now: Instant) {
        if matches!(self.early_data, EarlyData::Probing(_)) && !self.timers.is_set(Timer::EarlyData) {
            self.timers.set(Timer::EarlyData, now + self.request_timeout());
        }
    }

    fn request_timeout(&self) -> Duration {
        match self.side {
            Side::Client { always_handshake: true, .. } => CONFIRMED_AFTER,
            _ => REQUEST_TIMEOUT,
        }
    }

    /// The connection is gone: a request for a handshake may be on none or on the next one.
    pub(super) fn stop_awaiting_request(&mut self) {
        if matches!(self.early_data, EarlyData::Probing(_)) {
            self.timers.stop(Timer::EarlyData);
        }
    }

    /// The agent has sent output, which it does only when the session has no handshake.
    pub(super) fn open_without_handshake(&mut self) {
        if matches!(self.early_data, EarlyData::Confirmed) {
            return;
        }
        self.confirm_early_data();
        if !self.ready {
            self.sender.fast_probe();
            self.become_ready(None);
        }
    }

    /// A handshake has begun. What was sent so far goes back into the queue.
    pub(super) fn block_for_handshake(&mut self) {
        self.timers.stop(Timer::EarlyData);
        for (payload_type, payload) in self.early_data.block().into_iter().rev() {
            self.queue.put_back(payload_type, payload);
        }
    }

    pub(super) fn take_client_step(&mut self, step: ClientStep) {
        match step {
            ClientStep::None => {}
            ClientStep::Malformed => self.statistics.malformed += 1,
            ClientStep::Respond(payload) => self.queue.push_urgent(PayloadType::HandshakeResponse, payload),
            ClientStep::AnswerChallenge(payload) => self.queue.push_urgent(PayloadType::EncChallengeResponse, payload),
            ClientStep::AskForKey(_) if self.plain => self
                .end(Event::Failed(Failure::Unencrypted("the agent asked for that when data had been sent already"))),
            ClientStep::AskForKey(request) => self.events.push_back(Event::KeyNeeded(request)),
            ClientStep::Unencrypted(reason) => self.end(Event::Failed(Failure::Unencrypted(reason))),
            ClientStep::Fail(reason) => self.end(Event::Failed(Failure::Handshake(reason))),
            ClientStep::Completed(handshake) => {
                if let Side::Client { handshake: side, .. } = &mut self.side {
                    self.cipher = side.take_cipher();
                }
                self.settle();
                self.sender.fast_probe();
                self.become_ready(Some(handshake));
            }
        }
    }

    pub(super) fn take_agent_step(&mut self, now: Instant, step: AgentStep) {
        match step {
            AgentStep::None | AgentStep::Refuse => {}
            AgentStep::Decrypt(ciphertext, with_challenge) => {
                self.timers.stop(Timer::Handshake);
                self.events.push_back(Event::KeyToDecrypt { ciphertext, with_challenge });
            }
            AgentStep::Challenge(payload) => {
                self.timers.set(Timer::Handshake, now + HANDSHAKE_TIMEOUT);
                self.queue.push_urgent(PayloadType::EncChallengeRequest, payload);
            }
            AgentStep::Complete(payload) => {
                if let Side::Agent { handshake: Some(handshake), unsettled, settled_at, .. } = &mut self.side {
                    self.cipher = handshake.take_cipher();
                    *settled_at = now + *unsettled;
                }
                self.timers.stop(Timer::Handshake);
                self.queue.push_urgent(PayloadType::HandshakeComplete, payload);
                self.early_data = EarlyData::Confirmed;
                self.become_ready(None);
            }
            AgentStep::Fail(reason) => self.end(Event::Failed(Failure::Handshake(reason))),
        }
    }

    /// The handshake is complete. What goes out now is on its way for a round trip, counted from when the agent has said
    /// so. Of what was measured as that most may have been the agent's own work, so a quarter is taken for it.
    fn settle(&mut self) {
        // Messages are taken in order: with our response the agent has all before it, even if it is not heard of.
        while let Some(oldest) = self.sender.oldest() {
            self.sender.acknowledge(self.latest, oldest);
        }
        let on_the_way = self.sender.round_trip().unwrap_or_default() / 4;
        let hold = SETTLING.saturating_sub(on_the_way).max(LEAST_SETTLING);
        self.early_data = EarlyData::Settling;
        self.timers.set(Timer::EarlyData, self.latest + hold);
    }

    fn confirm_early_data(&mut self) {
        self.timers.stop(Timer::EarlyData);
        self.early_data = EarlyData::Confirmed;
    }

    fn become_ready(&mut self, handshake: Option<Handshake>) {
        if matches!(self.side, Side::Client { require_encryption: true, .. }) && self.cipher.is_none() {
            return self.end(Event::Failed(Failure::EncryptionMissing));
        }
        let first = !std::mem::replace(&mut self.ready, true);
        match handshake {
            handshake if first => self.events.push_back(Event::Ready(handshake)),
            Some(handshake) => self.events.push_back(Event::LateHandshake(handshake)),
            None => {}
        }
    }
}
