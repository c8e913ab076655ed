//! The state machine of one session's data channel, for either role.
//!
//! [`DataChannel`] is handed frames and instants; it never blocks, reads no clock and does no IO. Its methods are of
//! four kinds, and stand in this order:
//!
//! - A. *Getters* take `&self` and change nothing.
//! - B. *`handle_*`* tell it what has happened: [`DataChannel::handle_connected`] and
//!   [`DataChannel::handle_disconnected`], [`DataChannel::handle_frame`], [`DataChannel::handle_timeout`].
//! - C. *Commands* are what its owner wants of it: [`DataChannel::write`] and everything else that is sent, and the
//!   answers to events, such as [`DataChannel::provide_sealed_key`].
//! - D. *`poll_*`* hand out what the others have caused: [`DataChannel::poll_event`], [`DataChannel::poll_transmit`],
//!   [`DataChannel::poll_sendable`], [`DataChannel::poll_timeout`].
//!
//! # Order of calls
//!
//! Whenever something has happened, in any number of calls of kinds B and C, the owner goes on like this:
//!
//! 1. [`DataChannel::poll_event`] until `None`, or as long as events can be passed on. Answers to events are commands,
//!    and may cause more events.
//! 2. [`DataChannel::poll_transmit`] until `None`, or until the connection takes no more. A multiplexer that decides late
//!    what to send asks [`DataChannel::poll_sendable`] then, writes no more than that, and transmits again.
//! 3. [`DataChannel::poll_timeout`]: [`DataChannel::handle_timeout`] has to be called at that instant. Any other call may
//!    have changed it.
//! 4. Frames are read from the connection, and handed in, while [`DataChannel::can_receive`].
//!
//! # Time
//!
//! Instants come from the owner only, in `now`, and are those of one clock that never goes back. Calling
//! [`DataChannel::handle_timeout`] early does nothing; calling it late, or not at all, delays what was due and breaks
//! nothing.
//!
//! # Limits
//!
//! | limit | at the limit |
//! |---|---|
//! | [`Config::send_buffer`] | [`DataChannel::write`] takes less than it was offered |
//! | 64 control messages | [`DataChannel::send_flag`] and [`DataChannel::send_exit_code`] return false |
//! | [`Config::max_window`], and the congestion window below it | [`DataChannel::poll_transmit`] returns no data until something is acknowledged |
//! | the pace, which spreads messages over the round trip | the same until [`DataChannel::poll_timeout`] |
//! | 10,000 messages from the oldest unacknowledged one on | the same |
//! | 16 KiB of early data | the same, until no handshake can come any more |
//! | 10 ms after a handshake, less a quarter of the round trip, but 2 ms | the same: the agent is about to start |
//! | [`Config::receive_buffer`], 4,096 events | [`DataChannel::can_receive`] turns false; data handed in all the same is not acknowledged, so that the peer repeats it |
//! | [`Config::reorder_buffer`], 10,000 messages out of order | what exceeds it is not acknowledged, so that the peer repeats it |
//! | 4,096 acknowledgements that wait to be sent | [`DataChannel::can_receive`] turns false; beyond twice as many they are left out, so that the peer repeats the message |
//! | 8 reports of an agent to the service | the oldest is forgotten |
//!
//! What a channel holds in memory for data is at most the sum of the buffers and the window, the reorder buffer
//! included, and one frame. Whatever is kept is a copy of its own size, never a part of a larger frame, and what keeping
//! a received message costs counts as well.

mod commands;
mod early_data;
mod handle;
mod handshake_steps;
mod lifecycle;
mod timers;
mod transmit;

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use early_data::EarlyData;
use lifecycle::Phase;
use timers::{Timer, TimerTable};

use super::handshake::{AgentHandshake, ClientHandshake};
use super::ids::Ids;
use super::message::{MessageType, PREFIX_LENGTH};
use super::mtu::{BASE_MTU, MTU_PROBE_TIMEOUT, MtuDiscovery, MtuProbe};
use super::receiver::{KEEPING, Receiver};
use super::send_queue::SendQueue;
use super::sender::{SendStatistics, Sender};
use super::{AgentConfig, Cipher, ClientConfig, Config, Event, Failure, ReceiveStatistics, Role};

/// Events and acknowledgements that wait at most before [`DataChannel::can_receive`] turns false.
const MAX_WAITING: usize = 4096;

/// How long a message of the agent may be missing while the agent is heard. Agents repeat the oldest message that is not
/// acknowledged at least every second.
const GAP_TIMEOUT: Duration = Duration::from_mins(1);

/// An agent that was heard within this time goes on.
const RECENTLY: Duration = Duration::from_secs(5);

enum Side {
    Client {
        handshake: ClientHandshake,
        /// How long data waits for a handshake after the first connection; `None`: until there was one.
        grace: Option<Duration>,
        always_handshake: bool,
        /// Without encryption the session ends.
        require_encryption: bool,
    },
    Agent {
        config: AgentConfig,
        handshake: Option<Box<AgentHandshake>>,
        accepting: bool,
        /// How long after the handshake what arrives is thrown away still, and until when that is.
        unsettled: Duration,
        settled_at: Instant,
    },
}

/// One session's data channel, of either role. See the [module](self) for how to drive it.
pub struct DataChannel {
    config: Config,
    side: Side,
    phase: Phase,
    ready: bool,
    early_data: EarlyData,
    timers: TimerTable,
    cipher: Option<Cipher>,
    ids: Ids,
    /// The newest instant that was handed in.
    latest: Instant,
    /// The newest instant at which the peer itself was heard, and not the service.
    peer_heard: Instant,
    /// When it was heard again after a silence.
    peer_back: Instant,
    /// Bytes have travelled in the clear, either way.
    plain: bool,
    queue: SendQueue,
    written: u64,
    sender: Sender,
    receiver: Receiver,
    mtu: MtuDiscovery,
    acks: VecDeque<Ack>,
    /// The acknowledgements sent last, in case they are lost with the connection.
    recent_acks: VecDeque<Ack>,
    /// Messages of an agent to the service.
    reports: VecDeque<Bytes>,
    events: VecDeque<Event>,
    event_bytes: usize,
    statistics: ReceiveStatistics,
    frame_buffer: BytesMut,
    ack_buffer: BytesMut,
}

/// A stream message of the peer that is to be acknowledged.
#[derive(Clone, Copy)]
struct Ack {
    message_type: MessageType,
    id: Uuid,
    sequence: i64,
}

impl DataChannel {
    /// A channel of the end that asked for the session.
    pub fn client(config: Config, client: ClientConfig) -> Self {
        let handshake = ClientHandshake::new(client.version, client.nonce);
        let side = Side::Client {
            handshake,
            grace: client.handshake_grace,
            always_handshake: client.always_handshake,
            require_encryption: client.require_encryption,
        };
        Self::new(config, side, EarlyData::Blocked)
    }

    /// A channel of the agent's end. It starts the handshake when it is first connected, if the session has one.
    pub fn agent(config: Config, agent: AgentConfig) -> Self {
        let early_data = if agent.handshake.is_some() { EarlyData::Blocked } else { EarlyData::Confirmed };
        let settled_at = config.started;
        let side =
            Side::Agent { config: agent, handshake: None, accepting: true, unsettled: Duration::ZERO, settled_at };
        Self::new(config, side, early_data)
    }

    fn new(config: Config, side: Side, early_data: EarlyData) -> Self {
        let config = config.at_least_one();
        Self {
            side,
            phase: Phase::Idle,
            ready: false,
            early_data,
            timers: TimerTable::default(),
            cipher: None,
            ids: Ids::new(config.seed),
            latest: config.started,
            peer_heard: config.started,
            peer_back: config.started,
            plain: false,
            queue: SendQueue::new(config.send_buffer),
            written: 0,
            sender: Sender::new(config.max_window),
            receiver: Receiver::new(config.reorder_buffer),
            mtu: MtuDiscovery::fixed(config.message_size),
            acks: VecDeque::new(),
            recent_acks: VecDeque::new(),
            reports: VecDeque::new(),
            events: VecDeque::new(),
            event_bytes: 0,
            statistics: ReceiveStatistics::default(),
            frame_buffer: BytesMut::new(),
            ack_buffer: BytesMut::new(),
            config,
        }
    }

    // A. Getters.

    /// Whether the session is over; see [`Event::Closed`] and [`Event::Failed`].
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether the next frame should be read from the connection. It turns false while too much waits for the reader
    /// of events or for [`DataChannel::poll_transmit`].
    pub fn can_receive(&self) -> bool {
        self.has_room() && self.acks.len() < MAX_WAITING
    }

    /// Bytes that [`DataChannel::write`] would accept now.
    pub fn writable(&self) -> usize {
        self.queue.room()
    }

    /// Whether everything accepted for sending has been acknowledged.
    pub fn is_flushed(&self) -> bool {
        self.queue.is_empty() && self.sender.is_idle()
    }

    /// Whether something that was sent is not acknowledged yet.
    pub fn awaits_acknowledgement(&self) -> bool {
        !self.sender.is_idle()
    }

    /// The sequence number of the oldest message that was sent and is not acknowledged.
    pub fn oldest_unacknowledged(&self) -> Option<i64> {
        self.sender.oldest()
    }

    /// The number of the next message that has none yet.
    pub fn next_sequence(&self) -> i64 {
        self.sender.next_sequence()
    }

    /// Bytes accepted for sending so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes of them that are in no message yet.
    pub fn unsent(&self) -> u64 {
        self.queue.bytes() as u64
    }

    /// Whether the agent has answered, and it is only waited for whether it asks for a handshake.
    pub fn awaits_request(&self) -> bool {
        matches!(self.early_data, EarlyData::Probing(_)) && self.sender.is_acknowledged()
    }

    /// Whether the message in flight is one that shows whether its size gets through.
    pub fn is_probing(&self) -> bool {
        self.mtu.is_probing()
    }

    /// Whether data may flow; see [`Event::Ready`].
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Bytes in flight, and the congestion window for them.
    pub fn window(&self) -> (usize, usize) {
        (self.sender.in_flight(), self.sender.window())
    }

    /// Bytes held for the session: waiting to be sent, waiting to be read, received out of order. Each message that was
    /// received counts with what keeping it costs beside its payload.
    pub fn buffered(&self) -> usize {
        self.queue.bytes() + self.event_bytes + self.receiver.out_of_order_bytes()
    }

    /// Payload bytes of the largest message that is known to get through.
    pub fn mtu(&self) -> usize {
        self.mtu.proven()
    }

    /// The smoothed round trip to the peer; `None` until it was measured on this connection.
    pub fn round_trip(&self) -> Option<Duration> {
        self.sender.round_trip()
    }

    /// The version that the client has stated to an agent; empty until its response has arrived, `None` at a client and
    /// without a handshake.
    pub fn client_version(&self) -> Option<&str> {
        match &self.side {
            Side::Agent { handshake: Some(handshake), .. } => Some(handshake.client_version()),
            _ => None,
        }
    }

    /// Counts of stream messages sent, repeated and timed out.
    pub fn send_statistics(&self) -> SendStatistics {
        self.sender.statistics()
    }

    /// Counts of messages received, and of those that were left out.
    pub fn receive_statistics(&self) -> ReceiveStatistics {
        self.statistics
    }

    // B. What has happened; `handle_frame` is in handle.rs.

    /// A connection is open, and the open message is on it. After the first one, everything that is unacknowledged
    /// goes out again, as the window allows.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.has_ended() {
            return;
        }
        self.phase.connect();
        self.sender.on_reconnected();
        if self.mtu.is_probing() {
            self.timers.set(Timer::MtuProbe, now + MTU_PROBE_TIMEOUT);
        }
        for ack in self.recent_acks.drain(..).rev() {
            self.acks.push_front(ack);
        }
        self.start_handshake(now);
        self.update_retransmission_timer();
    }

    /// The connection is gone. Nothing is sent and nothing is deemed lost until the next one.
    pub fn handle_disconnected(&mut self) {
        self.phase.disconnect();
        self.timers.stop(Timer::MtuProbe);
        self.stop_awaiting_request();
        self.update_retransmission_timer();
    }

    /// Frames may have arrived that are not read, because there is no room for them: what has not been heard until now
    /// may be among them, so that its time begins anew.
    pub fn handle_unread(&mut self, now: Instant) {
        for (timer, timeout) in [(Timer::MtuProbe, MTU_PROBE_TIMEOUT), (Timer::Gap, GAP_TIMEOUT)] {
            if self.timers.is_set(timer) {
                self.timers.set(timer, now + timeout);
            }
        }
    }

    /// The gateway has closed the connection because of the size of a message (close code 1009); this does not stand in
    /// for [`DataChannel::handle_disconnected`]. A probe that was in flight has not reached the peer: it is cut anew. No
    /// new message is larger from now on than [`DataChannel::mtu`]. The session fails if a size is refused that was
    /// acknowledged before: what is in flight may have arrived, and cannot be cut anew.
    pub fn handle_message_too_large(&mut self) {
        if self.has_ended() {
            return;
        }
        let proven = self.mtu.proven();
        if let Some(MtuProbe { sequence, payload_type, payload }) = self.mtu.on_refused() {
            self.timers.stop(Timer::MtuProbe);
            // Nothing has followed it, so it is the newest.
            if self.sender.withdraw(sequence) {
                self.queue.put_back(payload_type, payload);
            }
            self.update_retransmission_timer();
        } else if proven > BASE_MTU && self.sender.largest() > PREFIX_LENGTH + BASE_MTU {
            self.end(Event::Failed(Failure::LargeMessageRefused));
        }
    }

    /// Does what is due at `now`; harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.latest = self.latest.max(now);
        for timer in Timer::ALL {
            if !self.timers.expire(timer, now) {
                continue;
            }
            match timer {
                Timer::EarlyData => self.on_early_data_timeout(now),
                Timer::Handshake => {
                    if let Side::Agent { handshake: Some(handshake), .. } = &mut self.side {
                        let step = handshake.on_timeout();
                        self.take_agent_step(now, step);
                    }
                }
                Timer::Retransmission => self.sender.on_timeout(now),
                Timer::MtuProbe => {
                    self.mtu.on_refused();
                    self.end(Event::Failed(Failure::LargeMessageUnanswered));
                }
                // The owner asks again what may go out.
                Timer::Pace => {}
                Timer::Gap if !self.receiver.has_gap() => {}
                // An agent that is silent, or has just come back, may have the message yet; and without room or a
                // connection it does not get it to us.
                Timer::Gap if !self.hears_the_peer(now) => self.timers.set(Timer::Gap, now + RECENTLY),
                Timer::Gap => self.end(Event::Failed(Failure::MessageMissing)),
            }
            self.update_retransmission_timer();
        }
    }

    // C. The commands are in commands.rs.

    // D. What is to be done; `poll_transmit` and `poll_sendable` are in transmit.rs.

    /// The next event, if any.
    pub fn poll_event(&mut self) -> Option<Event> {
        let had_room = self.has_room();
        let event = self.events.pop_front()?;
        if let Event::Output(bytes) | Event::Stderr(bytes) = &event {
            self.event_bytes -= bytes.len() + KEEPING;
        }
        if !had_room {
            // What was received out of order may have waited for this room.
            self.take_what_is_in_order(self.latest);
        }
        Some(event)
    }

    /// When [`DataChannel::handle_timeout`] has to be called; `None`: never, as things stand.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next_timeout()
    }

    fn end(&mut self, event: Event) {
        self.phase = Phase::Ended;
        self.timers.stop_all();
        self.events.push_back(event);
    }

    fn update_retransmission_timer(&mut self) {
        match self.sender.next_timeout().filter(|_| self.phase == Phase::Connected) {
            Some(at) => self.timers.set(Timer::Retransmission, at),
            None => self.timers.stop(Timer::Retransmission),
        }
    }

    /// Gives a message of the agent time to come when later ones are here.
    fn watch_for_gap(&mut self, now: Instant) {
        if self.role() == Role::Client && self.receiver.has_gap() {
            self.timers.set(Timer::Gap, now + GAP_TIMEOUT);
        }
    }

    /// The peer itself is heard, and not the service.
    fn note_peer(&mut self, now: Instant) {
        if now.saturating_duration_since(self.peer_heard) > RECENTLY {
            self.peer_back = now;
        }
        self.peer_heard = now;
    }

    /// Whether the peer has been heard for a while, and all that it says can be taken.
    fn hears_the_peer(&self, now: Instant) -> bool {
        let since = |instant| now.saturating_duration_since(instant);
        let heard = since(self.peer_heard) <= RECENTLY && since(self.peer_back) >= 2 * RECENTLY;
        heard && self.phase == Phase::Connected && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.event_bytes < self.config.receive_buffer && self.events.len() < MAX_WAITING
    }

    fn role(&self) -> Role {
        match self.side {
            Side::Client { .. } => Role::Client,
            Side::Agent { .. } => Role::Agent,
        }
    }
}

/// Counts only: what a session carries and the keys that protect it belong into no log.
impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel")
            .field("role", &self.role())
            .field("phase", &self.phase)
            .field("early_data", &self.early_data.name())
            .field("encrypted", &self.cipher.is_some())
            .field("buffered", &self.buffered())
            .field("window", &self.window())
            .field("acks", &self.acks.len())
            .field("events", &self.events.len())
            .field("sent", &self.send_statistics())
            .field("received", &self.statistics)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
