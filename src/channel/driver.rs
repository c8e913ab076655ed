//! The task of a session: it stands between the owner, the protocol and the socket, and brings the socket back.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep_until;

use super::clock::now;
use super::endings::Duty;
use super::event::{ConnectionEvent, End, Event};
use super::gateways;
use super::open::terminate;
use super::outlet::TURN;
use super::pacing::{Pacing, Past};
use super::reconnect::{Outage, Resuming, Socket, reconnect};
use super::silence::{Progress, START_TIMEOUT, Silence};
use super::socket::{Connection, Cut};
use super::stream_url::StreamUrl;
use super::watchdog::TICK;
use crate::aws::{Aws, Secret};
use crate::protocol::{self, Capability, DataChannel, DataKey, Failure, Flag, Handshake, KeyRequest, SealedKey, Size};

/// What the user of a session asks of it.
#[derive(Debug)]
pub(crate) enum Command {
    Write(Bytes),
    /// Say when bytes would go out at once, and how many.
    Turn(oneshot::Sender<usize>),
    Flag(Flag),
    /// Say when everything before this is acknowledged; what comes after it waits.
    Flush(oneshot::Sender<()>),
    /// Say the same, but hold nothing back.
    Deliver(oneshot::Sender<()>),
}

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
    pub(super) large_messages: bool,
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

/// KMS at work on the session's key.
type KeyWork = Pin<Box<dyn Future<Output = Result<SealedKey, String>> + Send>>;

/// Somebody who waits until what was written before is acknowledged.
struct Delivery {
    /// Bytes written by then.
    written: u64,
    /// The number of the first message behind them, once all of them are in messages.
    before: Option<i64>,
    done: oneshot::Sender<()>,
}

/// Work that has begun and that outlives a connection.
struct Unfinished {
    /// Events that wait for room at the owner; never more than one of the protocol's and its message, the end and the
    /// beginning of one outage, and those of one silence.
    events: Vec<Event>,
    /// A command that waits for room in the channel.
    command: Option<Command>,
    /// The multiplexer that waits for a turn to send.
    turn: Option<oneshot::Sender<usize>>,
    /// Those who wait until what was written before is acknowledged; as many as there are streams at most.
    deliveries: Vec<Delivery>,
    key: Option<KeyWork>,
    silence: Silence,
}

impl Unfinished {
    fn new() -> Self {
        Self {
            events: Vec::new(),
            command: None,
            turn: None,
            deliveries: Vec::new(),
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
                Stop::Ended(end) => return end,
                Stop::Lost(cut) => cut,
            };
            lost_at = now();
            self.channel.handle_disconnected();
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
        let mut next_check = since + TICK;
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
            self.grant_turn(unfinished);
            self.report_deliveries(unfinished);
            debug_assert!(self.channel.buffered() <= MOST_KEPT, "{} bytes are kept", self.channel.buffered());
            let mut due = self.channel.poll_timeout().map_or(next_check, |at| at.min(next_check));
            if outage.is_some() && unfinished.events.is_empty() {
                due = due.min(since + SETTLED_AFTER);
            }
            let Unfinished { events, command, key, .. } = unfinished;
            let (ended, listening) = (self.channel.has_ended(), events.is_empty());
            let channel = &mut self.channel;
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
                // What goes out may set a timer that is due before all others.
                io = poll_fn(|cx| match connection.poll(cx, channel, listening) {
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
                        next_check = now + TICK;
                        // Of a session that has ended nothing is read any more, and its silence means nothing.
                        if !ended && let Err(cut) = connection.check(now, channel) {
                            return Stop::Lost(cut);
                        }
                        self.look_for_the_agent(unfinished);
                        if !ended && unfinished.silence.is_hopeless(now, &self.channel) {
                            return Stop::Ended(End::Failed(Failure::NotStarted(START_TIMEOUT)));
                        }
                    }
                }
            }
        }
    }

    /// Reports an agent that is silent, or is no longer.
    fn look_for_the_agent(&self, unfinished: &mut Unfinished) {
        // Without room, and while KMS is at work, an answer is not the agent's to give.
        let excused = !unfinished.events.is_empty() || !self.channel.can_receive() || unfinished.key.is_some();
        if !self.channel.has_ended()
            && let Some(event) = unfinished.silence.look(now(), &self.channel, excused)
        {
            tracing::info!(session_id = self.session_id, ?event, "agent");
            unfinished.report(event, &self.events);
        }
    }

    /// Passes events on to the owner, as far as it has room.
    ///
    /// # Errors
    /// How the session ended.
    fn hand_out_events(&mut self, unfinished: &mut Unfinished) -> Result<(), End> {
        while unfinished.events.is_empty()
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
            let event = self.channel.poll_event()?;
            if let Err(end) = self.translate(event, &mut unfinished) {
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
                if self.large_messages && agent.is_some_and(|agent| agent.has(Capability::LargeMessages)) {
                    self.channel.discover_mtu(gateways::mtu(&self.url.host).unwrap_or(usize::MAX));
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
            protocol::Event::KeyNeeded(request) => unfinished.key = Some(self.make_key(request)),
            protocol::Event::Output(bytes) => emit(Event::Output(bytes)),
            protocol::Event::Stderr(bytes) => emit(Event::Stderr(bytes)),
            protocol::Event::ExitCode(code) => emit(Event::ExitCode(code)),
            protocol::Event::Flag(flag) => emit(Event::Flag(flag)),
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
                Some(Command::Turn(turn)) => unfinished.turn = Some(turn),
                Some(Command::Deliver(done)) => {
                    unfinished.deliveries.push(Delivery { written: self.channel.written(), before: None, done });
                }
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

    /// Tells those whose bytes are all acknowledged.
    fn report_deliveries(&self, unfinished: &mut Unfinished) {
        let channel = &self.channel;
        unfinished.deliveries.retain(|delivery| !delivery.done.is_closed());
        // A probe that is refused is cut anew, and gets other numbers.
        let cut = channel.written() - channel.unsent();
        for delivery in &mut unfinished.deliveries {
            if delivery.before.is_none() && cut >= delivery.written && !channel.is_probing() {
                delivery.before = Some(channel.next_sequence());
            }
        }
        let is_done = |delivery: &mut Delivery| {
            delivery.before.is_some_and(|before| channel.oldest_unacknowledged().is_none_or(|oldest| oldest >= before))
        };
        for delivery in unfinished.deliveries.extract_if(.., is_done) {
            // Who does not wait any more need not know.
            let _ = delivery.done.send(());
        }
    }

    /// Grants the turn that the multiplexer waits for, when it has come.
    fn grant_turn(&mut self, unfinished: &mut Unfinished) {
        if unfinished.turn.is_none() {
            return;
        }
        let sendable = self.channel.poll_sendable();
        if sendable > 0
            && let Some(turn) = unfinished.turn.take()
        {
            // A multiplexer that is gone has no use for it.
            let _ = turn.send(sendable.min(TURN));
        }
    }

    fn make_key(&self, request: KeyRequest) -> KeyWork {
        if self.target.is_empty() {
            // The agent ends the session with this text, so that it reaches the person.
            return Box::pin(std::future::ready(Err(NO_TARGET.to_owned())));
        }
        let mut context = BTreeMap::from([
            ("aws:ssm:SessionId".to_owned(), self.session_id.clone()),
            ("aws:ssm:TargetId".to_owned(), self.target.clone()),
        ]);
        if let Some(challenge) = request.challenge {
            context.insert("aws:ssm:RandomChallenge".to_owned(), challenge);
        }
        let aws = self.aws.clone();
        Box::pin(async move {
            let key = aws.generate_data_key(&request.key_id, &context).await.map_err(|error| error.to_string())?;
            let plaintext = DataKey::new(&key.plaintext).ok_or("KMS returned a key of the wrong length")?;
            Ok(SealedKey { plaintext, ciphertext: key.ciphertext })
        })
    }
}

/// Programs that name no target are those from before encryption.
const NO_TARGET: &str = "this session needs KMS encryption; update the AWS CLI that started it";
