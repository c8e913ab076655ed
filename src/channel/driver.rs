//! The task of a session: it stands between the owner, the protocol and the socket, and brings the socket back.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;

use super::clock::now;
use super::command::{Command, Deliveries};
use super::endings::Duty;
use super::event::{ConnectionEvent, End, Event};
use super::gateways;
use super::key::{KeyWork, make_key};
use super::mux::{Look, Multiplexer, Shared, StreamEvent, multiplexing_agent};
use super::open::Options;
use super::pacing::{Pacing, Past};
use super::reconnect::{Outage, Resuming, Socket, reconnect};
use super::silence::{Progress, START_TIMEOUT, Silence};
use super::socket::{Connection, Cut};
use super::stream_url::StreamUrl;
use super::terminate::terminate;
use super::watchdog::TICK;
use crate::aws::{Aws, Secret};
use crate::protocol::{self, Capability, DataChannel, Failure, Flag, Handshake, Size};

/// All that a session's task owns but the socket.
pub(super) struct Driver {
    pub(super) aws: Aws,
    pub(super) session_id: String,
    pub(super) target: String,
    pub(super) url: StreamUrl,
    pub(super) token: Secret,
    pub(super) channel: DataChannel,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) sizes: watch::Receiver<Option<Size>>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) duty: Duty,
    pub(super) options: Options,
    /// What stands above the channel where the agent multiplexes.
    pub(super) mux: Option<Multiplexer>,
    /// Set with [`Event::Ready`], before the owner reads it, where there is a multiplexer.
    pub(super) streams: Arc<OnceLock<Arc<Shared>>>,
    /// Turns true with [`Event::Ready`], before the owner reads it.
    pub(super) ready: Arc<AtomicBool>,
    /// Since when there is a connection.
    pub(super) connected: watch::Sender<Option<Instant>>,
}

/// A connection is reported as restored once it has brought something, or is still there after this time: a gateway that
/// does not know our token takes the WebSocket, and closes it when it has read the token.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// What a session may keep in memory for its data: its buffers (256 KiB each way, 16 MiB out of order), one frame of the
/// largest size beyond them, and what keeping a message costs.
const MOST_KEPT: usize = 34 << 20;

/// Why the driver has stopped driving a connection.
enum Stop {
    Ended(End),
    Lost(Cut),
}

/// Work that has begun and that outlives a connection.
struct Unfinished {
    /// Events that wait for room at the owner; never more than one of the protocol's and its message, the end and the
    /// beginning of one outage, those of one silence, and two for each stream.
    events: Vec<Event>,
    /// A command that waits for room in the channel.
    command: Option<Command>,
    deliveries: Deliveries,
    key: Option<KeyWork>,
    silence: Silence,
}

impl Unfinished {
    fn new() -> Self {
        Self {
            events: Vec::new(),
            command: None,
            deliveries: Deliveries::default(),
            key: None,
            silence: Silence::new(now()),
        }
    }

    /// Reports to the owner, now or when it has room: an owner that does not read must not hold up a reconnection. What
    /// is of no use later is dropped then.
    fn report(&mut self, event: ConnectionEvent, owner: &mpsc::Sender<Event>) {
        let passes = matches!(event, ConnectionEvent::Waiting(_));
        let event = Event::Connection(event);
        if !self.events.is_empty() {
            self.events.extend(Some(event).filter(|_| !passes));
        } else if let Err(mpsc::error::TrySendError::Full(event)) = owner.try_send(event)
            && !passes
        {
            self.events.push(event);
        }
    }
}

impl Driver {
    /// Runs the session to its end, and reports how it ended.
    pub(super) async fn run(mut self, socket: Socket) {
        let stop = self.duty.stop();
        let end = tokio::select! {
            end = self.live(socket) => end,
            () = stop.notified() => End::Terminated,
        };
        // Before anything else is waited for: programs hear of it at once.
        self.mux.take().into_iter().for_each(drop);
        tracing::info!(
            session_id = self.session_id,
            end = end.name(),
            sent = ?self.channel.send_statistics(),
            received = ?self.channel.receive_statistics(),
            "session ended"
        );
        // In every case nothing is left on the service.
        if matches!(end, End::Closed(_) | End::Expired) || terminate(&self.aws, &self.session_id).await {
            self.duty.fulfilled();
        } else {
            drop(self.duty);
        }
        let _ = self.events.send(Event::Ended(end)).await;
    }

    /// One connection after the other.
    async fn live(&mut self, mut socket: Socket) -> End {
        let mut unfinished = Unfinished::new();
        let mut outage: Option<Outage> = None;
        let mut pacing = Pacing::new();
        let mut lost_at = now();
        loop {
            let since = now();
            let before = Progress::of(&self.channel);
            self.channel.handle_connected(since);
            self.connected.send_replace(Some(since));
            unfinished.silence.connected(since, since.saturating_duration_since(lost_at));
            let driven = self.drive(Connection::new(socket), &mut unfinished, &mut outage).await;
            let Cut { reason, too_large, refused, failure } = match driven {
                Stop::Ended(end) => {
                    for event in unfinished.events {
                        let _ = self.events.send(event).await;
                    }
                    return end;
                }
                Stop::Lost(cut) => cut,
            };
            lost_at = now();
            self.channel.handle_disconnected();
            self.mux.iter_mut().for_each(Multiplexer::disconnected);
            self.connected.send_replace(None);
            if too_large {
                self.channel.handle_message_too_large();
                gateways::remember_mtu(&self.url.host, self.channel.mtu());
            }
            tracing::info!(session_id = self.session_id, %reason, "connection lost");
            if self.channel.has_ended() {
                return self.hand_out_the_rest(unfinished).await.unwrap_or(End::Lost(reason));
            }
            if let Some(failure) = failure {
                return self.hand_out_the_rest(unfinished).await.unwrap_or(End::Failed(failure));
            }
            let past = Past {
                reason: reason.clone(),
                lived: now().saturating_duration_since(since),
                progressed: Progress::of(&self.channel) != before,
                refused,
                oldest: self.channel.oldest_unacknowledged(),
                probing: self.channel.is_probing(),
            };
            let probing = past.probing;
            let outage = outage.get_or_insert_with(|| Outage::new(reason));
            let resumed = async {
                pacing.lost(past).inspect_err(|_| {
                    if probing {
                        gateways::remember_mtu(&self.url.host, self.channel.mtu());
                    }
                })?;
                let (aws, session_id, url, token) = (&self.aws, &self.session_id, &self.url, &mut self.token);
                let report = |event| unfinished.report(event, &self.events);
                reconnect(Resuming { aws, session_id, url, token }, outage, &mut pacing, report).await
            };
            socket = match resumed.await {
                Ok(socket) => socket,
                Err(end) => return self.hand_out_the_rest(unfinished).await.unwrap_or(end),
            };
        }
    }

    /// Drives one connection until it is lost or the session ends.
    async fn drive(
        &mut self,
        mut connection: Connection,
        unfinished: &mut Unfinished,
        outage: &mut Option<Outage>,
    ) -> Stop {
        let since = now();
        let before = Progress::of(&self.channel);
        let (mut next_check, mut was_quiet) = (since + TICK, false);
        loop {
            if let Err(end) = self.hand_out_events(unfinished) {
                return Stop::Ended(end);
            }
            if unfinished.events.is_empty()
                && (now() >= since + SETTLED_AFTER || Progress::of(&self.channel) != before)
                && let Some(over) = outage.take()
            {
                tracing::info!(session_id = self.session_id, "connection restored");
                let restored = over.reported_until(since).map(ConnectionEvent::Restored);
                unfinished.events.extend(restored.map(Event::Connection));
            }
            if unfinished.silence.is_reported() {
                self.look_for_the_agent(unfinished);
            }
            self.take_command(unfinished);
            unfinished.deliveries.report(&self.channel);
            let look_at = match self.look_after_streams(unfinished) {
                Ok(at) => at,
                Err(end) => return Stop::Ended(end),
            };
            let quiet = self.is_quiet(unfinished) && !connection.is_broken();
            if !quiet {
                if was_quiet {
                    unfinished.silence.rested(now());
                }
                next_check = next_check.min(now() + TICK);
            }
            was_quiet = quiet;
            debug_assert!(self.channel.buffered() <= MOST_KEPT, "{} bytes are kept", self.channel.buffered());
            let settled_at = (outage.is_some() && unfinished.events.is_empty()).then(|| since + SETTLED_AFTER);
            let others = [self.channel.poll_timeout(), look_at, settled_at, connection.paused_until()];
            let due = others.into_iter().flatten().fold(next_check, Instant::min);
            let ended = self.channel.has_ended();
            let listening = unfinished.events.is_empty() && self.has_room();
            let Unfinished { events, command, key, .. } = unfinished;
            let streams = self.mux.as_ref().map(Multiplexer::shared);
            let (channel, mux) = (&mut self.channel, &mut self.mux);
            // Every branch may be dropped without loss.
            tokio::select! {
                room = self.events.reserve(), if !events.is_empty() => match room {
                    Ok(room) => room.send(events.remove(0)),
                    Err(_) => return Stop::Ended(End::Terminated),
                },
                made = async { key.as_mut().expect("checked").await }, if key.is_some() => {
                    *key = None;
                    channel.provide_sealed_key(made);
                }
                Ok(()) = self.sizes.changed() => {
                    if let Some(size) = *self.sizes.borrow_and_update() {
                        channel.resize(size);
                    }
                }
                Some(next) = self.commands.recv(), if command.is_none() => *command = Some(next),
                () = async { streams.as_ref().expect("checked").has_work().await }, if streams.is_some() => {}
                // What goes out may set a timer that is due before all others: the pace of what follows.
                io = poll_fn(|cx| match connection.poll(cx, channel, mux.as_mut(), listening) {
                    Poll::Pending if channel.poll_timeout().is_some_and(|at| at < due) => Poll::Ready(Ok(())),
                    io => io,
                }), if !ended => {
                    if let Err(cut) = io {
                        return Stop::Lost(cut);
                    }
                }
                () = sleep_until(due.into()) => {
                    let now = now();
                    channel.handle_timeout(now);
                    if now >= next_check {
                        // Of a session that has ended nothing is read any more, and its silence means nothing.
                        if !ended && let Err(cut) = connection.check(now, channel) {
                            return Stop::Lost(cut);
                        }
                        if quiet {
                            // What goes out at this very instant is owed no answer yet.
                            unfinished.silence.rested(now);
                        }
                        self.look_for_the_agent(unfinished);
                        if !ended && unfinished.silence.is_hopeless(now, &self.channel) {
                            return Stop::Ended(End::Failed(Failure::NotStarted(START_TIMEOUT)));
                        }
                        next_check = if quiet { connection.next_check() } else { now + TICK };
                    }
                }
            }
        }
    }

    /// Whether nobody waits for anything: then there is nothing to look for, other than whether the connection lives. Only
    /// of tunnels: before a shell sits a person, who sees what a machine that has slept has missed.
    fn is_quiet(&self, unfinished: &Unfinished) -> bool {
        let is_settled = self.channel.is_ready() && self.channel.is_flushed() && self.has_room();
        let is_idle = unfinished.events.is_empty() && unfinished.command.is_none() && unfinished.key.is_none();
        self.mux.is_some() && is_settled && is_idle && !unfinished.silence.is_reported()
    }

    /// Reports an agent that is silent, or is no longer.
    fn look_for_the_agent(&self, unfinished: &mut Unfinished) {
        // Without room, and while KMS is at work, an answer is not the agent's to give.
        let can_receive = unfinished.events.is_empty() && self.channel.can_receive() && self.has_room();
        let excused = !can_receive || unfinished.key.is_some();
        if !self.channel.has_ended()
            && let Some(event) = unfinished.silence.look(now(), &self.channel, excused)
        {
            tracing::info!(session_id = self.session_id, ?event, "agent");
            unfinished.report(event, &self.events);
        }
    }

    /// Whether the streams have room for what comes.
    fn has_room(&self) -> bool {
        self.mux.as_ref().is_none_or(Multiplexer::can_receive)
    }

    /// Does what is due for the streams, and reports those that hold up others. When to look again.
    ///
    /// # Errors
    /// How the session ends because of one of them.
    fn look_after_streams(&mut self, unfinished: &mut Unfinished) -> Result<Option<Instant>, End> {
        let Some(mux) = &mut self.mux else { return Ok(None) };
        loop {
            match mux.look(now()) {
                Look::Wait(at) => return Ok(at),
                Look::Tell(event) => unfinished.events.push(Event::Stream(event)),
                Look::GiveUp(stall) => {
                    unfinished.events.push(Event::Stream(StreamEvent::Cut(stall)));
                    return Err(End::Lost("a connection held up the others".to_owned()));
                }
            }
        }
    }

    /// Passes events on to the owner, as far as it has room, and data to the streams, as far as they have.
    ///
    /// # Errors
    /// How the session ended.
    fn hand_out_events(&mut self, unfinished: &mut Unfinished) -> Result<(), End> {
        while unfinished.events.is_empty()
            && self.has_room()
            && let Some(event) = self.channel.poll_event()
        {
            self.translate(event, unfinished)?;
            while !unfinished.events.is_empty() {
                match self.events.try_reserve() {
                    Ok(room) => room.send(unfinished.events.remove(0)),
                    Err(mpsc::error::TrySendError::Full(())) => break,
                    Err(mpsc::error::TrySendError::Closed(())) => return Err(End::Terminated),
                }
            }
        }
        Ok(())
    }

    /// There is no further connection: what had arrived before is still the owner's. How the session ended, if that had
    /// arrived too.
    async fn hand_out_the_rest(&mut self, mut unfinished: Unfinished) -> Option<End> {
        loop {
            for event in unfinished.events.drain(..) {
                let _ = self.events.send(event).await;
            }
            let step = match self.look_after_streams(&mut unfinished) {
                Ok(at) if !self.has_room() => {
                    let streams = self.mux.as_ref().map(Multiplexer::shared).expect("without streams there is room");
                    let at = at.unwrap_or_else(|| now() + TICK);
                    // A program reads, or is cut.
                    let _ = tokio::time::timeout_at(at.into(), streams.has_work()).await;
                    continue;
                }
                Ok(_) => self.channel.poll_event().map(|event| self.translate(event, &mut unfinished))?,
                Err(end) => Err(end),
            };
            if let Err(end) = step {
                for event in unfinished.events {
                    let _ = self.events.send(event).await;
                }
                return Some(end);
            }
        }
    }

    /// Turns an event of the protocol into those of the channel, and does what is ours to do.
    ///
    /// # Errors
    /// How the session ended.
    fn translate(&mut self, event: protocol::Event, unfinished: &mut Unfinished) -> Result<(), End> {
        let mut emit = |event| unfinished.events.push(event);
        let message = |handshake: &Handshake| {
            Some(handshake.customer_message.clone()).filter(|text| !text.is_empty()).map(Event::AgentMessage)
        };
        match event {
            protocol::Event::Ready(handshake) => {
                tracing::info!(session_id = self.session_id, ?handshake, "ready");
                let agent = handshake.as_ref().and_then(Handshake::capabilities);
                if self.options.large_messages && agent.is_some_and(|agent| agent.has(Capability::LargeMessages)) {
                    self.channel.discover_mtu(gateways::mtu(&self.url.host).unwrap_or(usize::MAX));
                }
                if self.options.multiplexed
                    && let Some(agent) = handshake.as_ref().and_then(multiplexing_agent)
                {
                    let mux = self.mux.insert(Multiplexer::new(agent));
                    // It is ready once.
                    let _ = self.streams.set(mux.shared());
                }
                let message = handshake.as_ref().and_then(message);
                self.ready.store(true, Ordering::Relaxed);
                emit(Event::Ready(handshake));
                message.into_iter().for_each(emit);
            }
            protocol::Event::LateHandshake(handshake) => {
                tracing::info!(session_id = self.session_id, ?handshake, "late handshake");
                emit(Event::LateHandshake);
                message(&handshake).into_iter().for_each(emit);
            }
            protocol::Event::KeyNeeded(request) => {
                unfinished.key = Some(make_key(&self.aws, &self.session_id, &self.target, request));
            }
            protocol::Event::Output(bytes) => match &mut self.mux {
                Some(mux) => mux.receive(now(), bytes).map_err(End::Lost)?,
                None => emit(Event::Output(bytes)),
            },
            protocol::Event::Stderr(bytes) => emit(Event::Stderr(bytes)),
            protocol::Event::ExitCode(code) => emit(Event::ExitCode(code)),
            protocol::Event::Flag(flag) => {
                if flag == Flag::ConnectToPortError {
                    self.mux.iter_mut().for_each(Multiplexer::refused);
                }
                emit(Event::Flag(flag));
            }
            protocol::Event::Closed(closed) => return Err(End::Closed(closed.output)),
            protocol::Event::Failed(failure) => {
                if failure == Failure::LargeMessageUnanswered {
                    gateways::remember_mtu(&self.url.host, self.channel.mtu());
                }
                return Err(End::Failed(failure));
            }
            // These two come to agents.
            protocol::Event::KeyToDecrypt { .. } | protocol::Event::Size(_) => {}
        }
        Ok(())
    }

    /// Passes on what the user wants sent, as far as the channel has room.
    fn take_command(&mut self, unfinished: &mut Unfinished) {
        loop {
            match unfinished.command.take() {
                Some(Command::Write(mut bytes)) => {
                    let accepted = self.channel.write(&bytes);
                    if accepted < bytes.len() {
                        unfinished.command = Some(Command::Write(bytes.split_off(accepted)));
                        return;
                    }
                }
                Some(Command::Flag(flag)) if !self.channel.send_flag(flag) => {
                    unfinished.command = Some(Command::Flag(flag));
                    return;
                }
                Some(Command::Deliver(done)) => unfinished.deliveries.push(&self.channel, done),
                // A flush that was given up holds up nothing.
                Some(Command::Flush(done)) if !done.is_closed() => {
                    if !self.channel.is_flushed() {
                        unfinished.command = Some(Command::Flush(done));
                        return;
                    }
                    let _ = done.send(());
                }
                Some(Command::Flag(_) | Command::Flush(_)) | None => {}
            }
            match self.commands.try_recv() {
                Ok(command) => unfinished.command = Some(command),
                Err(_) => return,
            }
        }
    }
}
