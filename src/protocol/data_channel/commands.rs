//! Commands: what the owner wants sent, and its answers to events.

use std::time::{Duration, Instant};

use super::{DataChannel, Side};
use crate::protocol::message::MessageType;
use crate::protocol::payload::{self, AgentSessionState, Flag, PayloadType, Size};
use crate::protocol::{DataKey, SealedKey};

/// Reports to the service that wait at most; an agent has two to make.
const MAX_REPORTS: usize = 8;

impl DataChannel {
    /// Accepts bytes for sending, as many as there is room for, and returns how many. Nothing accepted is ever dropped.
    #[must_use = "what is not accepted has to be offered again"]
    pub fn write(&mut self, data: &[u8]) -> usize {
        let accepted = self.queue.push_data(PayloadType::Output, data);
        self.written += accepted as u64;
        accepted
    }

    /// As [`DataChannel::write`], for an agent's standard error.
    #[must_use = "what is not accepted has to be offered again"]
    pub fn write_stderr(&mut self, data: &[u8]) -> usize {
        let accepted = self.queue.push_data(PayloadType::StdErr, data);
        self.written += accepted as u64;
        accepted
    }

    /// Sends the size of the terminal. It overtakes data, and replaces a size that still waits.
    pub fn resize(&mut self, size: Size) {
        let json = format!(r#"{{"cols":{},"rows":{}}}"#, size.cols, size.rows);
        self.queue.push_urgent(PayloadType::Size, json.into());
    }

    /// Sends a flag behind all data accepted before it. False when too many wait.
    pub fn send_flag(&mut self, flag: Flag) -> bool {
        self.queue.push_control(PayloadType::Flag, flag.encode())
    }

    /// Sends an agent's exit code behind all output accepted before it. False when too many wait.
    pub fn send_exit_code(&mut self, code: impl Into<i64>) -> bool {
        self.queue.push_control(PayloadType::ExitCode, payload::encode_exit_code(code.into()))
    }

    /// Reports to the service how an agent's session fares: `Connected` or `Terminating`. It is outside the stream: it is
    /// sent once, and of more than eight that wait the oldest are forgotten.
    pub fn report_state(&mut self, now: Instant, state: &str) {
        let Side::Agent { config, .. } = &self.side else { return };
        let report = AgentSessionState {
            schema_version: 1,
            session_state: state.to_owned(),
            session_id: config.session_id.clone(),
        };
        let payload = serde_json::to_vec(&report).expect("a struct of texts is always JSON");
        if self.reports.len() == MAX_REPORTS {
            self.reports.pop_front();
        }
        let header = self.header_outside_stream(now, MessageType::AgentSessionState);
        header.encode(&payload, &mut self.frame_buffer);
        self.reports.push_back(self.frame_buffer.split().freeze());
    }

    /// Whether an agent's shell or port takes data. Until it does, data is neither taken nor acknowledged, and the
    /// client has to repeat it. Does nothing at a client.
    pub fn set_accepting(&mut self, now: Instant, accepting: bool) {
        if let Side::Agent { accepting: current, .. } = &mut self.side {
            *current = accepting;
            self.take_what_is_in_order(now);
        }
    }

    /// How long an agent that has completed its handshake still throws away what arrives, and acknowledges it, as the real
    /// one does for a moment. Zero unless it is set. Does nothing at a client.
    pub fn set_unsettled(&mut self, time: Duration) {
        if let Side::Agent { unsettled, .. } = &mut self.side {
            *unsettled = time;
        }
    }

    /// A client's answer to [`Event::KeyNeeded`](crate::protocol::Event::KeyNeeded).
    pub fn provide_sealed_key(&mut self, key: Result<SealedKey, String>) {
        if self.has_ended() {
            return;
        }
        if let Side::Client { handshake, .. } = &mut self.side {
            let step = handshake.provide_key(key);
            self.take_client_step(step);
        }
    }

    /// An agent's answer to [`Event::KeyToDecrypt`](crate::protocol::Event::KeyToDecrypt).
    pub fn provide_data_key(&mut self, now: Instant, key: Result<DataKey, String>) {
        if self.has_ended() {
            return;
        }
        if let Side::Agent { handshake: Some(handshake), .. } = &mut self.side {
            let step = handshake.provide_key(key);
            self.take_agent_step(now, step);
        }
    }

    /// Tries larger messages for bulk data from now on, up to 32 KiB and up to `limit` payload bytes. The agent has to
    /// take them. [`DataChannel::mtu`] says how far it has got; after a refusal it is the limit for further sessions
    /// through the same gateway.
    pub fn discover_mtu(&mut self, limit: usize) {
        self.mtu.start(limit);
    }
}
