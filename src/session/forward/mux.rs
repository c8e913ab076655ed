//! Many connections over one session.
//!
//! One task owns the channel; it and the tasks of the connections share the multiplexer under a lock that is never held
//! across a wait. The multiplexer is asked for frames only when the channel can put them on the wire at once
//! ([`Outlet`](crate::channel::Outlet)), so that a keystroke on one connection never queues behind the bulk data of
//! another for longer than one message. What waits is bounded by the multiplexer's own limits: 256 KiB to send and
//! 8 MiB to read for each connection, 4 MiB and 32 MiB for all together. At the limits a connection that sends is no
//! longer read, and a connection that does not read stops the others, for as long as [`stall`](super::stall) says.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::sleep_until;

use super::observer::{TunnelEvent, TunnelObserver};
use super::stall::{Limits, Streams, Verdict, Watch};
use super::stop::{Stop, farewell, reaches};
use super::tally::Tally;
use crate::channel::{Channel, ConnectionEvent, End, Input, Outlet, now};
use crate::protocol::smux::{self, KeepAlive, Mux, StreamId};
use crate::protocol::{Capabilities, Capability, Role};
use crate::session::event::{PortEvent, RESTARTED, next_port, try_next_port};
use crate::session::observer::Observer;

/// Events taken from the channel before the streams are looked after.
const BATCH: usize = 64;

/// What the tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Rung when there may be something to send, or room to receive.
    work: Notify,
    /// The connections that are carried, and whether anything moves.
    pub(super) tally: Arc<Tally>,
    /// The agent takes nothing, and new connections had better go elsewhere.
    mute: AtomicBool,
    /// Programs that have sent all they have to send get less time for an answer.
    pub(super) hurry: watch::Sender<bool>,
    /// The way into the session.
    carrier: OnceLock<Input>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) mux: Mux,
    pub(super) streams: Streams,
    waiting: BTreeMap<StreamId, Waiting>,
    /// The session is over: nothing is sent any more.
    pub(super) over: bool,
    /// Connections that the agent could not make.
    refused: u64,
}

/// The tasks that wait for a stream.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// Waits for nothing but the stream being cut.
    pub(super) cut: Option<Waker>,
}

impl Waiting {
    fn wake(self) {
        [self.reader, self.writer, self.cut].into_iter().flatten().for_each(Waker::wake);
    }
}

impl Shared {
    /// A multiplexer for an agent that can do this.
    pub(super) fn new(agent: Capabilities) -> Arc<Self> {
        // Nothing is to time out here: the channel knows better whether the other end lives.
        let keep_alive = KeepAlive { timeout: Duration::from_hours(24), ..KeepAlive::default() };
        let keep_alive = (!agent.has(Capability::IdleMultiplexing)).then_some(keep_alive);
        let config = smux::Config { keep_alive, ..smux::Config::default() };
        let mux = Mux::new(Role::Client, config, now());
        let state = State { mux, streams: Streams::default(), waiting: BTreeMap::new(), over: false, refused: 0 };
        Arc::new(Self {
            state: Mutex::new(state),
            work: Notify::new(),
            tally: Tally::new(),
            mute: AtomicBool::new(false),
            hurry: watch::Sender::new(false),
            carrier: OnceLock::new(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock was reported; the state is still whole enough to end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.work.notify_one();
    }

    /// Says which session carries this.
    pub(super) fn carried_by(&self, input: Input) {
        // It is always the same one.
        let _ = self.carrier.set(input);
    }

    /// The way into the session, once it is carried.
    pub(super) fn carrier(&self) -> Option<&Input> {
        self.carrier.get()
    }

    /// Connections that the agent could not make so far.
    pub(super) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Whether something that programs have sent may not be at its destination.
    fn has_undelivered(&self) -> bool {
        let mux = &self.lock().mux;
        mux.has_unsent() || mux.awaits_ends()
    }

    /// Whether programs have all that came for them.
    pub(super) fn is_read(&self) -> bool {
        self.lock().mux.unread_total() == 0
    }

    /// Whether the agent takes nothing any more, because of a connection whose destination does not read.
    pub(super) fn is_mute(&self) -> bool {
        self.mute.load(Ordering::Relaxed)
    }

    /// Carries the session until it ends or is stopped. When it is to finish, it ends once no connection is open and
    /// all they sent has arrived.
    pub(super) async fn run<O: TunnelObserver>(
        self: Arc<Self>,
        mut channel: Channel,
        observer: Arc<O>,
        limits: Limits,
        mut stop: watch::Receiver<Stop>,
    ) -> End {
        let mut outlet = channel.outlet();
        self.carried_by(channel.input());
        let observer = Connected { observer: &*observer, connected: AtomicBool::new(true) };
        let mut driver = Driver { shared: &self, observer: &observer, watch: Watch::new(limits), finish: false };
        let end = tokio::select! {
            end = driver.run(&mut channel, &mut outlet, stop.clone()) => end,
            () = reaches(&mut stop, Stop::Now) => Ok(None),
        };
        if !matches!(end, Ok(None)) && self.has_undelivered() {
            self.tally.lose();
        }
        self.lock().end();
        match end {
            Ok(Some(end)) => end,
            Err(reason) => {
                channel.terminate().await;
                End::Lost(reason)
            }
            Ok(None) => {
                farewell(channel).await;
                End::Terminated
            }
        }
    }
}

impl State {
    pub(super) fn wait(&mut self, id: StreamId) -> &mut Waiting {
        self.waiting.entry(id).or_default()
    }

    pub(super) fn close(&mut self, id: StreamId) {
        self.mux.close(id);
        self.streams.closed(id, &self.mux);
        self.waiting.remove(&id);
    }

    /// Lets go of a stream on which nothing moves; its task hears of it.
    fn cut(&mut self, id: StreamId) {
        self.mux.close(id);
        self.streams.cut(id);
        if let Some(waiting) = self.waiting.remove(&id) {
            waiting.wake();
        }
    }

    /// Wakes the tasks that have news.
    fn dispatch(&mut self) {
        while let Some(event) = self.mux.poll_event() {
            let waker = match event {
                smux::Event::Readable(id) | smux::Event::Finished(id) => self.wait(id).reader.take(),
                smux::Event::Writable(id) => self.wait(id).writer.take(),
                smux::Event::Opened(_) | smux::Event::Closed(_) => None,
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn end(&mut self) {
        self.over = true;
        mem::take(&mut self.waiting).into_values().for_each(Waiting::wake);
    }
}

/// Passes on what happens, and knows whether there is a connection.
struct Connected<'a, O> {
    observer: &'a O,
    connected: AtomicBool,
}

impl<O: TunnelObserver> Observer for Connected<'_, O> {
    fn connection(&self, event: &ConnectionEvent) {
        if matches!(event, ConnectionEvent::Lost(_)) {
            self.connected.store(false, Ordering::Relaxed);
        } else if matches!(event, ConnectionEvent::Restored(_)) {
            self.connected.store(true, Ordering::Relaxed);
        }
        self.observer.connection(event);
    }

    fn agent_message(&self, text: &str) {
        self.observer.agent_message(text);
    }
}

struct Driver<'a, O> {
    shared: &'a Shared,
    observer: &'a Connected<'a, O>,
    watch: Watch,
    /// To end as soon as there is nothing more to carry.
    finish: bool,
}

impl<O: TunnelObserver> Driver<'_, O> {
    /// Carries bytes until the session ends, or until it is finished: `None`.
    ///
    /// # Errors
    /// Why it makes no sense to go on with it.
    async fn run(
        &mut self,
        channel: &mut Channel,
        outlet: &mut Outlet,
        mut stop: watch::Receiver<Stop>,
    ) -> Result<Option<End>, String> {
        loop {
            let (can_receive, mut due) = {
                let mut state = self.shared.lock();
                state.mux.handle_timeout(now());
                state.dispatch();
                (state.mux.can_receive(), state.mux.poll_timeout())
            };
            self.transmit(outlet);
            self.shared.tally.settle(self.is_settled());
            if self.finish && self.has_nothing_left() {
                return self.flush(channel).await;
            }
            if let Some(at) = self.look(outlet)? {
                due = Some(due.map_or(at, |due| due.min(at)));
            }
            let shared = self.shared;
            tokio::select! {
                event = next_port(channel, self.observer), if can_receive => {
                    if let Some(end) = self.take_events(event, channel)? {
                        return Ok(Some(end));
                    }
                }
                // When the session is over, an event says how it ended.
                Ok(()) = outlet.ready() => {}
                () = shared.work.notified() => {}
                () = sleep_until(due.unwrap_or_else(now).into()), if due.is_some() => {}
                () = reaches(&mut stop, Stop::Finish), if !self.finish => self.finish = true,
                () = shared.tally.none_open(), if self.finish && shared.tally.open() > 0 => {}
            }
        }
    }

    /// Whether nothing is on its way that can be seen from here.
    fn is_settled(&self) -> bool {
        let mux = &self.shared.lock().mux;
        let connected = self.observer.connected.load(Ordering::Relaxed);
        connected && !mux.has_unsent() && mux.unread_total() == 0 && !mux.awaits_ends()
    }

    /// Whether no connection is open, and the agent has closed all its own: it does so when it has handed over all that
    /// was sent to it. That it has acknowledged something says less.
    fn has_nothing_left(&self) -> bool {
        let state = self.shared.lock();
        self.shared.tally.open() == 0 && state.mux.streams().len() == 0 && !state.mux.awaits_ends()
    }

    /// Waits until the agent has acknowledged everything.
    async fn flush(&self, channel: &mut Channel) -> Result<Option<End>, String> {
        let input = channel.input();
        let flush = input.flush();
        tokio::pin!(flush);
        loop {
            tokio::select! {
                // A session that is over says how it ended.
                Ok(()) = &mut flush => return Ok(None),
                event = next_port(channel, self.observer) => {
                    if let Some(end) = self.take(event)? {
                        return Ok(Some(end));
                    }
                }
            }
        }
    }

    /// Looks whether one connection holds up the others, and does what is to be done about it. When to look again.
    ///
    /// # Errors
    /// Why it makes no sense to go on with the session.
    fn look(&mut self, outlet: &Outlet) -> Result<Option<Instant>, String> {
        loop {
            let verdict = {
                let mut state = self.shared.lock();
                let connected = self.observer.connected.load(Ordering::Relaxed);
                let mute = connected && outlet.granted().is_none() && state.mux.has_unsent();
                let verdict = self.watch.look(&state.mux, &state.streams, mute, now());
                if let Verdict::Cut(id, _) = &verdict {
                    state.cut(*id);
                }
                verdict
            };
            self.shared.mute.store(self.watch.is_mute(), Ordering::Relaxed);
            match verdict {
                Verdict::Wait(at) => return Ok(at),
                Verdict::Report(stall) => self.observer.observer.tunnel(&TunnelEvent::Stalled(stall)),
                Verdict::Cut(_, stall) => self.observer.observer.tunnel(&TunnelEvent::Cut(stall)),
                Verdict::GiveUp(stall) => {
                    self.observer.observer.tunnel(&TunnelEvent::Cut(stall));
                    return Err("a connection held up the others".to_owned());
                }
            }
        }
    }

    /// Sends what there is, if it is our turn.
    fn transmit(&self, outlet: &mut Outlet) {
        let Some(room) = outlet.granted() else { return };
        // Under the lock to the end: who sees a stream without bytes may take them for handed over.
        let mut state = self.shared.lock();
        if let Some(bytes) = state.mux.poll_transmit(room) {
            self.shared.tally.moved();
            // A session that is over takes nothing. What arrived before its end, and how it ended, are events still.
            let _ = outlet.send(bytes);
        }
        // What went out has made room for writers.
        state.dispatch();
    }

    fn take_events(&self, first: PortEvent, channel: &mut Channel) -> Result<Option<End>, String> {
        let mut event = first;
        for left in (0..BATCH).rev() {
            if let Some(end) = self.take(event)? {
                return Ok(Some(end));
            }
            // An event that is fetched is taken: one left over here would be lost.
            if left == 0 || !self.shared.lock().mux.can_receive() {
                break;
            }
            match try_next_port(channel, self.observer) {
                Some(next) => event = next,
                None => break,
            }
        }
        Ok(None)
    }

    fn take(&self, event: PortEvent) -> Result<Option<End>, String> {
        match event {
            PortEvent::Data(bytes) => {
                self.shared.tally.moved();
                let taken = self.shared.lock().mux.handle_data(now(), bytes);
                taken.map_err(|error| format!("the agent broke the protocol: {error}"))?;
            }
            PortEvent::Refused => {
                // The stream it is about gets its end right after this.
                self.shared.lock().refused += 1;
                self.observer.observer.tunnel(&TunnelEvent::Refused);
            }
            PortEvent::Restarted => return Err(RESTARTED.to_owned()),
            PortEvent::Ended(end) => return Ok(Some(end)),
        }
        Ok(None)
    }
}
