//! Many connections over one session.
//!
//! One task owns the channel; it and the tasks of the connections share the multiplexer under a lock that is never held
//! across a wait. The multiplexer is asked for frames only when the channel can put them on the wire at once
//! ([`Outlet`](crate::channel::Outlet)), so that a keystroke on one connection never queues behind the bulk data of
//! another for longer than one message. What waits is bounded by the multiplexer's own limits: 256 KiB to send and
//! 8 MiB to read for each connection, 4 MiB and 32 MiB for all together. At the limits a connection that sends is no
//! longer read, and a connection that does not read stops the others.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::sleep_until;

use super::observer::{TunnelEvent, TunnelObserver};
use super::stop::{farewell, is_set};
use crate::channel::{Channel, End, Outlet, now};
use crate::protocol::smux::{self, KeepAlive, Mux, StreamId};
use crate::protocol::{Capabilities, Capability, Role};
use crate::session::event::{PortEvent, RESTARTED, next_port, try_next_port};

/// Events taken from the channel before the streams are looked after.
const BATCH: usize = 64;

/// What the tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Rung when there may be something to send, or room to receive.
    work: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) mux: Mux,
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
}

impl Shared {
    /// A multiplexer for an agent that can do this.
    pub(super) fn new(agent: Capabilities) -> Arc<Self> {
        // Nothing is to time out here: the channel knows better whether the other end lives.
        let keep_alive = KeepAlive { timeout: Duration::from_hours(24), ..KeepAlive::default() };
        let keep_alive = (!agent.has(Capability::IdleMultiplexing)).then_some(keep_alive);
        let config = smux::Config { keep_alive, ..smux::Config::default() };
        let mux = Mux::new(Role::Client, config, now());
        let state = State { mux, waiting: BTreeMap::new(), over: false, refused: 0 };
        Arc::new(Self { state: Mutex::new(state), work: Notify::new() })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock was reported; the state is still whole enough to end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.work.notify_one();
    }

    /// Connections that the agent could not make so far.
    pub(super) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Carries the session until it ends or `stop` is set.
    pub(super) async fn run<O: TunnelObserver>(
        self: Arc<Self>,
        mut channel: Channel,
        observer: Arc<O>,
        mut stop: watch::Receiver<bool>,
    ) -> End {
        let mut outlet = channel.outlet();
        let driver = Driver { shared: &self, observer: &*observer };
        let end = tokio::select! {
            end = driver.run(&mut channel, &mut outlet) => Some(end),
            _ = is_set(&mut stop) => None,
        };
        self.lock().end();
        match end {
            Some(Ok(end)) => end,
            Some(Err(reason)) => {
                channel.terminate().await;
                End::Lost(reason)
            }
            None => {
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
        self.waiting.remove(&id);
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
        for waiting in mem::take(&mut self.waiting).into_values() {
            waiting.reader.into_iter().chain(waiting.writer).for_each(Waker::wake);
        }
    }
}

struct Driver<'a, O> {
    shared: &'a Shared,
    observer: &'a O,
}

impl<O: TunnelObserver> Driver<'_, O> {
    /// Carries bytes until the session ends.
    ///
    /// # Errors
    /// Why it makes no sense to go on with it.
    async fn run(&self, channel: &mut Channel, outlet: &mut Outlet) -> Result<End, String> {
        loop {
            let (can_receive, due) = {
                let mut state = self.shared.lock();
                state.mux.handle_timeout(now());
                state.dispatch();
                (state.mux.can_receive(), state.mux.poll_timeout())
            };
            self.transmit(outlet);
            tokio::select! {
                event = next_port(channel, self.observer), if can_receive => {
                    if let Some(end) = self.take_events(event, channel)? {
                        return Ok(end);
                    }
                }
                // When the session is over, an event says how it ended.
                Ok(()) = outlet.ready() => {}
                () = self.shared.work.notified() => {}
                () = sleep_until(due.unwrap_or_else(now).into()), if due.is_some() => {}
            }
        }
    }

    /// Sends what there is, if it is our turn.
    fn transmit(&self, outlet: &mut Outlet) {
        let Some(room) = outlet.granted() else { return };
        let bytes = {
            let mut state = self.shared.lock();
            let bytes = state.mux.poll_transmit(room);
            // What went out has made room for writers.
            state.dispatch();
            bytes
        };
        if let Some(bytes) = bytes {
            // A session that is over takes nothing. What arrived before its end, and how it ended, are events still.
            let _ = outlet.send(bytes);
        }
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
                let taken = self.shared.lock().mux.handle_data(now(), bytes);
                taken.map_err(|error| format!("the agent broke the protocol: {error}"))?;
            }
            PortEvent::Refused => {
                // The stream it is about gets its end right after this.
                self.shared.lock().refused += 1;
                self.observer.tunnel(&TunnelEvent::Refused);
            }
            PortEvent::Restarted => return Err(RESTARTED.to_owned()),
            PortEvent::Ended(end) => return Ok(Some(end)),
        }
        Ok(None)
    }
}
