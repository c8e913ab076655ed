//! The session: the table of streams, what their owner does with them, and the events for it.

mod receive;
mod transmit;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use bytes::Bytes;

use super::{
    Command, Config, Decoder, Header, OpenError, SessionError, StreamId, WriteError,
    keep_alive::Timer,
    scheduler::Scheduler,
    stream::{Stream, StreamEvent},
};
use crate::protocol::Role;

/// A stream may queue one part in so many of what is free of the session's buffer.
const SHARE: usize = 8;

/// Streams that are over here and not yet at the agent, of which so many are remembered at most.
const MOST_AWAITED: usize = 4_096;

/// One end of a smux session. See the [module](super) for how to drive it and for its limits.
#[derive(Debug)]
pub struct Mux {
    role: Role,
    config: Config,
    decoder: Decoder,
    streams: BTreeMap<StreamId, Stream>,
    /// Streams that we closed after having sent data, and that the agent has not finished.
    awaited: BTreeSet<StreamId>,
    /// The id of the next stream we open; `None` after the last one.
    next_id: Option<u32>,
    /// Frames without data; they go out before any data.
    control: VecDeque<Header>,
    nop_queued: bool,
    /// Streams of the peer beyond the limit, to be answered with a FIN.
    refused: VecDeque<StreamId>,
    scheduler: Scheduler,
    keep_alive: Option<Timer>,
    /// Streams with events for the owner.
    with_events: VecDeque<StreamId>,
    /// Streams that took less than they were offered, in the order in which they have room again.
    blocked: Vec<StreamId>,
    unread: usize,
    /// Streams with `receive_per_stream` unread bytes or more.
    full_streams: usize,
    queued: usize,
    ignored_frames: u64,
    progress: u64,
    closed: Option<SessionError>,
    close_unreported: bool,
}

/// What the owner of a [`Mux`] has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer opened a stream; at an agent only.
    Opened(StreamId),
    /// A stream without unread data has some now. Comes once, so [`Mux::read`] until `None`.
    Readable(StreamId),
    /// A stream that took less than was offered has room again.
    Writable(StreamId),
    /// The peer finished its direction, and all it sent was read.
    Finished(StreamId),
    /// The session is over, with all its streams. What had arrived can still be read; nothing more is sent.
    Closed(SessionError),
}

impl Mux {
    /// A session that begins now. `config` is taken with every zero replaced by one.
    pub fn new(role: Role, config: Config, now: Instant) -> Self {
        let config = config.at_least_one();
        Self {
            role,
            config,
            decoder: Decoder::default(),
            streams: BTreeMap::new(),
            awaited: BTreeSet::new(),
            next_id: Some(3),
            control: VecDeque::new(),
            nop_queued: false,
            refused: VecDeque::new(),
            scheduler: Scheduler::new(config.max_frame_data.into()),
            keep_alive: config.keep_alive.map(|keep_alive| Timer::new(keep_alive, now)),
            with_events: VecDeque::new(),
            blocked: Vec::new(),
            unread: 0,
            full_streams: 0,
            queued: 0,
            ignored_frames: 0,
            progress: 0,
            closed: None,
            close_unreported: false,
        }
    }

    /// Whether the channel is to be read; see the [limits](super#limits).
    pub fn can_receive(&self) -> bool {
        self.closed.is_none()
            && self.full_streams == 0
            && self.unread < self.config.receive_per_session
            && self.refused.len() < self.config.max_streams
    }

    /// Does what is due at `now`. Harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Instant) {
        let can_receive = self.can_receive();
        let Some(timer) = self.keep_alive.as_mut().filter(|_| self.closed.is_none()) else { return };
        let due = timer.handle_timeout(now, can_receive);
        if due.timed_out {
            self.end(SessionError::TimedOut);
        } else if due.nop && !self.nop_queued {
            self.nop_queued = true;
            self.control.push_back(Header::control(Command::Nop, StreamId(0)));
        }
    }

    /// When [`Mux::handle_timeout`] is due; `None`: never, as things stand.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.keep_alive.as_ref().filter(|_| self.closed.is_none()).map(Timer::next)
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(&id) = self.with_events.front() {
            let event = self.streams.get_mut(&id).and_then(Stream::take_event);
            if event.is_none() {
                self.with_events.pop_front();
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.listed = false;
                }
            }
            self.remove(id);
            match event {
                Some(StreamEvent::Opened) => return Some(Event::Opened(id)),
                Some(StreamEvent::Readable) => return Some(Event::Readable(id)),
                Some(StreamEvent::Writable) => return Some(Event::Writable(id)),
                Some(StreamEvent::Finished) => return Some(Event::Finished(id)),
                None => {}
            }
        }
        std::mem::take(&mut self.close_unreported).then_some(())?;
        self.closed.map(Event::Closed)
    }

    /// Opens a stream. Its SYN goes out before any data.
    ///
    /// # Errors
    /// See [`OpenError`]; only [`OpenError::TooManyStreams`] can pass.
    pub fn open(&mut self) -> Result<StreamId, OpenError> {
        if let Some(error) = self.closed {
            return Err(error.into());
        }
        if self.role == Role::Agent {
            return Err(OpenError::NotClient);
        }
        if self.streams.len() >= self.config.max_streams {
            return Err(OpenError::TooManyStreams);
        }
        let id = self.next_id.ok_or(OpenError::IdsExhausted)?;
        self.next_id = id.checked_add(2);
        let id = StreamId(id);
        self.streams.insert(id, Stream::default());
        self.control.push_back(Header::control(Command::Syn, id));
        Ok(id)
    }

    /// Queues as much of `data`, from its beginning, as there is room for, and says how many bytes that is. After
    /// fewer than offered an [`Event::Writable`] follows when it is worth trying again.
    ///
    /// # Errors
    /// The stream, or the session, takes no more data at all.
    pub fn write(&mut self, id: StreamId, mut data: Bytes) -> Result<usize, WriteError> {
        if let Some(error) = self.closed {
            return Err(error.into());
        }
        let stream = self.streams.get_mut(&id).ok_or(WriteError::UnknownStream)?;
        if !stream.is_writable() {
            return Err(WriteError::Finished);
        }
        // Dynamic thresholds (Choudhury and Hahne, 1998): a queue may grow while it is shorter than a share of what
        // is free.
        let free = self.config.send_per_session - self.queued;
        let own = self.config.send_per_stream - stream.queued();
        let shared = free.saturating_sub(SHARE * stream.queued()).div_ceil(SHARE + 1);
        let (offered, accepted) = (data.len(), data.len().min(own).min(shared));
        if accepted < offered && !stream.blocked {
            stream.blocked = true;
            self.blocked.push(id);
        }
        if accepted > 0 {
            data.truncate(accepted);
            stream.write(data, offered);
            self.queued += accepted;
            self.scheduler.wake(id);
        }
        Ok(accepted)
    }

    /// Takes the next unread data of a stream, 16 KiB at most; `None` when there is none.
    pub fn read(&mut self, id: StreamId) -> Option<Bytes> {
        let stream = self.streams.get_mut(&id)?;
        let before = stream.unread();
        let data = stream.read()?;
        let after = stream.unread();
        self.account(before, after);
        self.queue_event(id);
        Some(data)
    }

    /// Ends our direction of a stream: a FIN follows what is queued. What the peer sends can still be read.
    pub fn finish(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.finish();
            self.queue_fin(id);
        }
    }

    /// Lets go of a stream: what is unread and what still arrives is dropped, what is queued goes out, a FIN follows.
    /// No more events follow for it. (smux has no frame that would make the peer stop, or that would say that data was
    /// lost.)
    pub fn close(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let before = stream.unread();
        stream.close();
        self.account(before, 0);
        self.queue_fin(id);
        self.remove(id);
    }

    /// Whether everything the peer sent on this stream was read and no more will come; also for unknown streams.
    pub fn is_finished(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_none_or(Stream::is_finished)
    }

    /// Bytes of a stream that wait to be read.
    pub fn unread(&self, id: StreamId) -> usize {
        self.streams.get(&id).map_or(0, Stream::unread)
    }

    /// Bytes of all streams that wait to be read.
    pub fn unread_total(&self) -> usize {
        self.unread
    }

    /// Bytes of a stream that wait to be sent, headers not counted.
    pub fn queued(&self, id: StreamId) -> usize {
        self.streams.get(&id).map_or(0, Stream::queued)
    }

    /// Bytes of all streams that wait to be sent, headers not counted.
    pub fn queued_total(&self) -> usize {
        self.queued
    }

    /// The streams, by id; also those we closed, until their FIN is sent.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = StreamId> {
        self.streams.keys().copied()
    }

    /// Whether the agent still has a stream on which we have sent data, be it one that we closed. Agents finish theirs
    /// when they have handed over everything, which they do at some time after they have acknowledged it.
    pub fn awaits_end(&self, id: StreamId) -> bool {
        self.awaited.contains(&id) || self.streams.get(&id).is_some_and(Stream::is_awaited)
    }

    /// Whether there is any such stream among those that we closed.
    pub fn awaits_ends(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Whether there is anything to send.
    pub fn has_unsent(&self) -> bool {
        self.queued > 0 || self.has_unsent_control()
    }

    /// Whether there are streams to be opened or finished, or a sign of life, to send.
    pub fn has_unsent_control(&self) -> bool {
        !self.control.is_empty() || !self.refused.is_empty()
    }

    /// Frames of the peer that had no effect: data and FINs of streams that we do not have or no longer read, data
    /// frames without data, SYNs of streams that exist and SYNs at a client.
    pub fn ignored_frames(&self) -> u64 {
        self.ignored_frames
    }

    /// Frames of streams so far, sent and received. Signs of life are no progress.
    pub fn progress(&self) -> u64 {
        self.progress
    }

    fn queue_event(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.listed) {
            stream.listed = true;
            self.with_events.push_back(id);
        }
    }

    fn account(&mut self, before: usize, after: usize) {
        let full = |unread| usize::from(unread >= self.config.receive_per_stream);
        self.full_streams = self.full_streams - full(before) + full(after);
        self.unread = self.unread - before + after;
    }

    /// Forgets a stream that is over.
    fn remove(&mut self, id: StreamId) {
        if !self.streams.get(&id).is_some_and(Stream::is_done) {
            return;
        }
        self.scheduler.forget(id);
        let Some(stream) = self.streams.remove(&id) else { return };
        if stream.listed {
            self.with_events.retain(|&other| other != id);
        }
        if self.role == Role::Client && stream.is_awaited() {
            self.awaited.insert(id);
            if self.awaited.len() > MOST_AWAITED {
                self.awaited.pop_first();
            }
        }
    }

    fn end(&mut self, error: SessionError) -> SessionError {
        self.closed = Some(error);
        self.close_unreported = true;
        error
    }
}

#[cfg(test)]
impl Mux {
    /// As if all ids before this one had been used.
    pub(super) fn skip_to(&mut self, id: u32) {
        self.next_id = Some(id);
    }
}
