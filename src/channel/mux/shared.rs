//! What the session's task and the tasks of connections share.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;

use super::stall::{Ledger, Limits};
use crate::channel::clock::now;
use crate::protocol::smux::{self, KeepAlive, Mux, StreamId};
use crate::protocol::{Capabilities, Capability, Role};

/// The multiplexer, and who waits for it.
#[derive(Debug)]
pub(in crate::channel) struct Shared {
    state: Mutex<State>,
    /// Rung when there may be something to send, or room to receive.
    pub(super) work: Notify,
    /// Goes up when a program has taken something.
    pub(super) taken: AtomicU64,
    /// The agent takes nothing, and new connections had better go elsewhere.
    pub(super) mute: AtomicBool,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) mux: Mux,
    pub(super) ledger: Ledger,
    pub(super) limits: Limits,
    waiting: BTreeMap<StreamId, Waiting>,
    /// The tasks that wait until all that was written to a stream is on its way.
    pub(super) draining: BTreeMap<StreamId, Waker>,
    /// Waits until no stream is left.
    pub(super) emptied: Option<Waker>,
    /// The session is over: nothing is sent any more, and nothing is received.
    pub(super) over: bool,
    /// It was over before all that programs had sent was at its destination, for all that can be seen.
    pub(super) lost: bool,
    /// Connections that the agent could not make.
    pub(super) refused: u64,
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
    pub(super) fn new(agent: Capabilities) -> Self {
        // Nothing is to time out here: the channel knows better whether the other end lives.
        let keep_alive = KeepAlive { timeout: Duration::from_hours(24), ..KeepAlive::default() };
        let keep_alive = (!agent.has(Capability::IdleMultiplexing)).then_some(keep_alive);
        let config = smux::Config { keep_alive, ..smux::Config::default() };
        let state = State {
            mux: Mux::new(Role::Client, config, now()),
            ledger: Ledger::default(),
            limits: Limits::default(),
            waiting: BTreeMap::new(),
            draining: BTreeMap::new(),
            emptied: None,
            over: false,
            lost: false,
            refused: 0,
        };
        let (work, taken, mute) = (Notify::new(), AtomicU64::new(0), AtomicBool::new(false));
        Self { state: Mutex::new(state), work, taken, mute }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock was reported; the state is still whole enough to end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the multiplexer, and rings for the session's task where that has to know. While something
    /// waits to be sent it does not: it asks for more when the wire has room.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (changed, ring) = {
            let mut state = self.lock();
            let before = (state.mux.has_unsent(), state.mux.can_receive());
            let changed = change(&mut state);
            let after = (state.mux.has_unsent(), state.mux.can_receive());
            (changed, (!before.0 && after.0) || (!before.1 && after.1))
        };
        if ring {
            self.work.notify_one();
        }
        changed
    }

    pub(super) fn note_taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }
}

impl State {
    pub(super) fn wait(&mut self, id: StreamId) -> &mut Waiting {
        self.waiting.entry(id).or_default()
    }

    pub(super) fn close(&mut self, id: StreamId) {
        self.mux.close(id);
        self.ledger.closed(id, &self.mux);
        self.waiting.remove(&id);
        self.draining.remove(&id);
        self.report_empty();
    }

    /// Lets go of a stream on which nothing moves; its task hears of it.
    pub(super) fn cut(&mut self, id: StreamId) {
        self.mux.close(id);
        self.ledger.cut(id);
        if let Some(waiting) = self.waiting.remove(&id) {
            waiting.wake();
        }
        self.report_empty();
    }

    /// Wakes the tasks that have news.
    pub(super) fn dispatch(&mut self) {
        while let Some(event) = self.mux.poll_event() {
            let waker = match event {
                smux::Event::Readable(id) | smux::Event::Finished(id) => self.waker(id, |waiting| &mut waiting.reader),
                smux::Event::Writable(id) => self.waker(id, |waiting| &mut waiting.writer),
                smux::Event::Opened(_) | smux::Event::Closed(_) => None,
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        self.report_empty();
    }

    /// Wakes those whose last byte has left.
    pub(super) fn report_drained(&mut self) {
        let mux = &self.mux;
        let drained = self.draining.extract_if(.., |id, _| mux.queued(*id) == 0);
        drained.for_each(|(_, waker)| waker.wake());
    }

    /// Whether no stream is left, here and at the agent, which closes its own when it has handed over all that was sent
    /// to it. That it has acknowledged something says less.
    pub(super) fn is_empty(&self) -> bool {
        self.mux.streams().len() == 0 && !self.mux.awaits_ends()
    }

    /// Whether something that programs have sent may not be at its destination.
    pub(super) fn has_undelivered(&self) -> bool {
        self.mux.has_unsent() || self.mux.awaits_ends()
    }

    /// The session is over, for everybody. Said again it changes nothing.
    pub(super) fn end(&mut self) {
        if !mem::replace(&mut self.over, true) {
            self.lost = self.has_undelivered();
        }
        mem::take(&mut self.waiting).into_values().for_each(Waiting::wake);
        mem::take(&mut self.draining).into_values().for_each(Waker::wake);
        self.emptied.take().into_iter().for_each(Waker::wake);
    }

    fn waker(&mut self, id: StreamId, which: impl Fn(&mut Waiting) -> &mut Option<Waker>) -> Option<Waker> {
        which(self.waiting.get_mut(&id)?).take()
    }

    fn report_empty(&mut self) {
        if self.emptied.is_some() && self.is_empty() {
            self.emptied.take().into_iter().for_each(Waker::wake);
        }
    }
}
