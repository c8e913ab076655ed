//! The data channel as a whole: what its owner tells it and asks of it.

mod gate;
mod handle;
mod transmit;

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use gate::Gate;

use super::handshake::{AgentHandshake, ClientHandshake};
use super::ids::Ids;
use super::message::{MessageType, PREFIX_LENGTH};
use super::mtu::{Large, USUAL};
use super::payload::{self, AgentSessionState, Flag, PayloadType, Size};
use super::receiver::Receiver;
use super::send_queue::SendQueue;
use super::sender::{SendStatistics, Sender};
use super::{AgentConfig, Cipher, ClientConfig, Config, DataKey, Event, ReceiveStatistics, Role, SealedKey};

/// Events and acknowledgements that wait at most before [`DataChannel::can_receive`] turns false.
const MAX_WAITING: usize = 4096;

/// Reports to the service that wait at most; an agent has two to make.
const MAX_REPORTS: usize = 8;

enum Side {
    Client(ClientHandshake),
    Agent { config: AgentConfig, handshake: Option<Box<AgentHandshake>> },
}

/// One session's data channel, of either role. See the module for how to drive it.
pub struct DataChannel {
    config: Config,
    side: Side,
    /// How long the gate stays shut after the first connection.
    grace: Option<Duration>,
    gate: Gate,
    ready: bool,
    accepting: bool,
    connected: bool,
    paused: bool,
    ended: bool,
    cipher: Option<Cipher>,
    ids: Ids,
    /// The newest instant that was handed in.
    latest: Instant,
    queue: SendQueue,
    sender: Sender,
    receiver: Receiver,
    large: Large,
    acknowledgements: VecDeque<(MessageType, Uuid, i64)>,
    /// The acknowledgements sent last, in case they are lost with the connection.
    recent: VecDeque<(MessageType, Uuid, i64)>,
    /// Messages of an agent to the service.
    reports: VecDeque<Bytes>,
    events: VecDeque<Event>,
    event_bytes: usize,
    statistics: ReceiveStatistics,
    frame_buffer: BytesMut,
    acknowledgement_buffer: BytesMut,
}

impl DataChannel {
    /// The client's end.
    pub fn client(config: Config, client: ClientConfig) -> Self {
        let handshake = ClientHandshake::new(client.version, client.nonce);
        Self::new(config, Side::Client(handshake), client.handshake_grace, Gate::Shut(None))
    }

    /// The agent's end. It shakes hands when it is first connected, if the session has a handshake.
    pub fn agent(config: Config, agent: AgentConfig) -> Self {
        let gate = if agent.handshake.is_some() { Gate::Shut(None) } else { Gate::Open };
        Self::new(config, Side::Agent { config: agent, handshake: None }, None, gate)
    }

    fn new(config: Config, side: Side, grace: Option<Duration>, gate: Gate) -> Self {
        let config = config.at_least_one();
        Self {
            side,
            grace,
            gate,
            ready: false,
            accepting: true,
            connected: false,
            paused: false,
            ended: false,
            cipher: None,
            ids: Ids::new(config.seed),
            latest: config.started,
            queue: SendQueue::new(config.send_buffer),
            sender: Sender::new(config.max_window),
            receiver: Receiver::new(config.early_buffer),
            large: Large::default(),
            acknowledgements: VecDeque::new(),
            recent: VecDeque::new(),
            reports: VecDeque::new(),
            events: VecDeque::new(),
            event_bytes: 0,
            statistics: ReceiveStatistics::default(),
            frame_buffer: BytesMut::new(),
            acknowledgement_buffer: BytesMut::new(),
            config,
        }
    }

    // What the owner tells.

    /// A connection is open, and the open message is on it. After the first one, everything that is unacknowledged
    /// goes out again at once.
    pub fn connected(&mut self, now: Instant) {
        if self.ended {
            return;
        }
        self.connected = true;
        self.paused = false;
        self.sender.reconnected();
        self.large.connected(now);
        for acknowledgement in self.recent.drain(..).rev() {
            self.acknowledgements.push_front(acknowledgement);
        }
        if let (Gate::Shut(open_at @ None), Some(grace), Side::Client(handshake)) =
            (&mut self.gate, self.grace, &self.side)
            && !handshake.is_under_way()
        {
            *open_at = Some(now + grace);
        }
        let Side::Agent { config, handshake } = &mut self.side else { return };
        if let Some(handshake_config) = config.handshake.take() {
            let (started, request) = AgentHandshake::start(handshake_config, now);
            *handshake = Some(Box::new(started));
            self.queue.push_urgent(PayloadType::HandshakeRequest, request);
        } else if handshake.is_none() && !self.ready {
            self.become_ready(None);
        }
    }

    /// The connection is gone. Nothing is sent and nothing is deemed lost until the next one.
    pub fn disconnected(&mut self) {
        self.connected = false;
    }

    /// The instant that [`DataChannel::poll_timeout`] named has come; harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.ended {
            return;
        }
        self.handle_gate_timeout(now);
        if let Side::Agent { handshake: Some(handshake), .. } = &mut self.side {
            let step = handshake.handle_timeout(now);
            self.take_agent_step(step);
        }
        if self.connected && !self.paused {
            self.sender.handle_timeout(now);
        }
    }

    /// Accepts bytes for sending, as many as there is room for, and says how many. Nothing accepted is ever dropped.
    #[must_use = "what is not accepted has to be offered again"]
    pub fn write(&mut self, data: &[u8]) -> usize {
        self.queue.push_data(PayloadType::Output, data)
    }

    /// As [`DataChannel::write`], for an agent's standard error.
    #[must_use = "what is not accepted has to be offered again"]
    pub fn write_stderr(&mut self, data: &[u8]) -> usize {
        self.queue.push_data(PayloadType::StdErr, data)
    }

    /// Bytes that [`DataChannel::write`] would accept now.
    pub fn writable(&self) -> usize {
        self.queue.room()
    }

    /// Tells the size of the terminal. It overtakes data, and a newer one replaces one that is not yet sent.
    pub fn resize(&mut self, size: Size) {
        let json = format!(r#"{{"cols":{},"rows":{}}}"#, size.cols, size.rows);
        self.queue.push_urgent(PayloadType::Size, json.into());
    }

    /// Sends a flag behind all data accepted before it. False when too many wait.
    pub fn send_flag(&mut self, flag: Flag) -> bool {
        self.queue.push_control(PayloadType::Flag, flag.encode())
    }

    /// Sends an agent's exit code behind all output accepted before it. False when too many wait.
    pub fn send_exit_code(&mut self, code: i32) -> bool {
        self.queue.push_control(PayloadType::ExitCode, payload::encode_exit_code(code))
    }

    /// Tells the service how an agent's session fares: `Connected` or `Terminating`. Outside the stream: it is sent once,
    /// and of more than eight that wait the oldest are forgotten.
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

    /// Whether an agent's shell or port is there to take data. Until it is, data is neither taken nor acknowledged,
    /// and the client has to repeat it.
    pub fn set_accepting(&mut self, now: Instant, accepting: bool) {
        self.accepting = accepting;
        self.drain_early(now);
    }

    /// A client's answer to [`Event::KeyNeeded`].
    pub fn provide_sealed_key(&mut self, key: Result<SealedKey, String>) {
        if let Side::Client(handshake) = &mut self.side
            && !self.ended
        {
            let step = handshake.provide_key(key);
            self.take_client_step(step);
        }
    }

    /// An agent's answer to [`Event::KeyToDecrypt`].
    pub fn provide_data_key(&mut self, now: Instant, key: Result<DataKey, String>) {
        if let Side::Agent { handshake: Some(handshake), .. } = &mut self.side
            && !self.ended
        {
            let step = handshake.provide_key(now, key);
            self.take_agent_step(step);
        }
    }

    // What the owner asks.

    /// The next event, if any.
    pub fn poll_event(&mut self) -> Option<Event> {
        let had_room = self.has_room();
        let event = self.events.pop_front()?;
        if let Event::Output(bytes) | Event::Stderr(bytes) = &event {
            self.event_bytes -= bytes.len();
        }
        if !had_room {
            // What came early may have waited for this room.
            self.drain_early(self.latest);
        }
        Some(event)
    }

    /// When [`DataChannel::handle_timeout`] has to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let handshake = match &self.side {
            Side::Agent { handshake: Some(handshake), .. } => handshake.timeout(),
            _ => None,
        };
        let sender = if self.connected && !self.paused { self.sender.timeout() } else { None };
        [self.gate.timeout(), handshake, sender].into_iter().flatten().min()
    }

    /// Whether the next frame should be read from the connection. It turns false while too much waits for the reader
    /// of events or for [`DataChannel::poll_transmit`].
    pub fn can_receive(&self) -> bool {
        self.has_room() && self.acknowledgements.len() < MAX_WAITING
    }

    /// Bytes that would go out at once if they were written now: nothing waits before them, and the window has room for
    /// a message of full size. Whoever asks has something to send.
    pub fn sendable(&mut self) -> usize {
        let may = self.connected && !self.ended && !self.paused && self.queue.is_empty() && self.gate.is_open();
        if !may || self.large.trying_since().is_some() {
            return 0;
        }
        let size = self.message_size();
        let whole = PREFIX_LENGTH + size;
        if !self.sender.admits(whole) {
            return 0;
        }
        (self.sender.free() / whole).max(1) * size
    }

    /// How large messages with bulk data are at the moment. On a slow line a large one would hold up a key for longer
    /// than the round trip.
    fn message_size(&self) -> usize {
        self.config.message_size.min(self.sender.message_size().max(USUAL))
    }

    /// Since when the first message above the usual size is under way, alone; `None` before it and once it is
    /// acknowledged.
    pub fn trying_large_since(&self) -> Option<Instant> {
        self.large.trying_since()
    }

    /// The service has refused the first large message, so that nothing of it has reached the peer: it is cut anew, and
    /// nothing larger than usual is sent from now on. False when none was under way.
    pub fn large_refused(&mut self) -> bool {
        self.config.message_size = self.config.message_size.min(USUAL);
        let Large::Trying { sequence, payload_type, payload, .. } = std::mem::take(&mut self.large) else {
            return false;
        };
        // Nothing followed it, so it is the last one.
        if self.sender.withdraw(sequence) {
            self.queue.put_back(payload_type, payload);
        }
        true
    }

    /// Whether everything accepted for sending has been acknowledged.
    pub fn is_flushed(&self) -> bool {
        self.queue.is_empty() && self.sender.is_idle()
    }

    /// Whether the session is over; see [`Event::Closed`] and [`Event::Failed`].
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The smoothed round trip to the peer, once known.
    pub fn round_trip(&self) -> Option<Duration> {
        self.sender.round_trip()
    }

    /// Bytes sent and not acknowledged, and the window for them.
    pub fn window(&self) -> (usize, usize) {
        (self.sender.in_flight(), self.sender.window_size())
    }

    /// Bytes held on behalf of the session: waiting to be sent, waiting to be read, come early.
    pub fn buffered(&self) -> usize {
        self.queue.bytes() + self.event_bytes + self.receiver.early_bytes()
    }

    /// Whether something sent waits for its acknowledgement.
    pub fn awaits_acknowledgement(&self) -> bool {
        !self.sender.is_idle()
    }

    /// Cuts bulk data into payloads of this many bytes from now on, or of fewer where the line is slow.
    pub fn set_message_size(&mut self, bytes: usize) {
        self.config.message_size = bytes.max(1);
    }

    /// The version that the client has stated, once an agent has heard it.
    pub fn client_version(&self) -> Option<&str> {
        match &self.side {
            Side::Agent { handshake: Some(handshake), .. } => Some(handshake.client_version()),
            _ => None,
        }
    }

    /// Counts of what was sent.
    pub fn send_statistics(&self) -> SendStatistics {
        self.sender.statistics()
    }

    /// Counts of what was received.
    pub fn receive_statistics(&self) -> ReceiveStatistics {
        self.statistics
    }

    fn end(&mut self, event: Event) {
        self.ended = true;
        self.events.push_back(event);
    }

    fn has_room(&self) -> bool {
        self.event_bytes < self.config.receive_buffer && self.events.len() < MAX_WAITING
    }

    fn role(&self) -> Role {
        match self.side {
            Side::Client(_) => Role::Client,
            Side::Agent { .. } => Role::Agent,
        }
    }
}

/// Counts only: what a session carries and the keys that protect it belong into no log.
impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel")
            .field("role", &self.role())
            .field("gate", &self.gate.name())
            .field("connected", &self.connected)
            .field("paused", &self.paused)
            .field("ended", &self.ended)
            .field("encrypted", &self.cipher.is_some())
            .field("buffered", &self.buffered())
            .field("window", &self.window())
            .field("acknowledgements", &self.acknowledgements.len())
            .field("events", &self.events.len())
            .field("sent", &self.send_statistics())
            .field("received", &self.statistics)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
