//! The sessions that the connections of a SOCKS5 port share: one for each destination, and only so many at once.
//!
//! Each has a [`Slot`] here from its beginning until it is ended on the service. A connection takes a [`SlotGuard`] and
//! keeps it for as long as it lasts. A slot without guards is idle: it is given up after a while, or at once when a
//! connection waits for it; then the one that has been idle for longest goes first.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::request::Request;
use crate::session::forward::endpoint::Destination;

/// A connection that waits for its answer.
pub(super) struct ConnectRequest {
    pub(super) request: Request,
    pub(super) guard: SlotGuard,
    /// When it is refused, if it has to wait for another connection to end.
    pub(super) deadline: Instant,
    /// It counts as waiting until it is answered.
    pub(super) permit: OwnedSemaphorePermit,
}

pub(super) struct Pool {
    most: usize,
    /// Connections that may wait for one session.
    queue: usize,
    state: Mutex<State>,
    /// Rung when a slot may have become free or idle.
    changed: Notify,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<Destination, SlotState>,
    /// Connections that wait for a slot.
    waiting: usize,
    /// Slots handed out so far.
    numbers: u64,
    stopped: bool,
}

struct SlotState {
    /// Tells it from one for the same destination before and after it.
    number: u64,
    requests: mpsc::Sender<ConnectRequest>,
    guards: usize,
    idle_since: Instant,
    close: watch::Sender<bool>,
}

impl SlotState {
    fn is_closing(&self) -> bool {
        *self.close.borrow()
    }
}

/// All slots are in use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Pool {
    /// A pool of `most` slots, with a queue of so many requests each.
    pub(super) fn new(most: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self { most, queue, state: Mutex::default(), changed: Notify::new() })
    }

    /// Takes a guard of the destination's slot. Where it has none, it gets one, and the caller has to run its session.
    ///
    /// # Errors
    /// All slots were taken until the deadline.
    pub(super) async fn guard(
        self: &Arc<Self>,
        destination: &Destination,
        deadline: Instant,
    ) -> Result<(SlotGuard, Option<Slot>), NoRoom> {
        let mut waits = None;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on nothing that happens is missed.
            changed.as_mut().enable();
            if let Some(taken) = self.try_guard(destination) {
                return Ok(taken);
            }
            waits.get_or_insert_with(|| Waits::new(self));
            self.make_room();
            timeout_at(deadline, changed).await.map_err(|_| NoRoom)?;
        }
    }

    fn try_guard(self: &Arc<Self>, destination: &Destination) -> Option<(SlotGuard, Option<Slot>)> {
        let mut state = self.lock();
        let state = &mut *state;
        if state.stopped {
            return None;
        }
        let free = state.slots.len() < self.most;
        let guard = |slot: &mut SlotState| {
            slot.guards += 1;
            let (destination, number) = (destination.clone(), slot.number);
            SlotGuard { pool: Arc::clone(self), destination, number, requests: slot.requests.clone() }
        };
        match state.slots.get_mut(destination) {
            // It will be another one.
            Some(slot) if slot.is_closing() => None,
            Some(slot) => Some((guard(slot), None)),
            None if !free => None,
            None => {
                state.numbers += 1;
                let (requests, queue) = mpsc::channel(self.queue);
                let (close, closed) = watch::channel(false);
                let number = state.numbers;
                let mut slot = SlotState { number, requests, guards: 0, idle_since: Instant::now(), close };
                let guard = guard(&mut slot);
                state.slots.insert(destination.clone(), slot);
                let (pool, destination) = (Arc::clone(self), destination.clone());
                Some((guard, Some(Slot { pool, destination, requests: queue, closed })))
            }
        }
    }

    /// Has idle slots given up, as many as connections wait for.
    fn make_room(&self) {
        let state = self.lock();
        let closing = state.slots.values().filter(|slot| slot.is_closing()).count();
        let idle = state.slots.values().filter(|slot| slot.guards == 0 && !slot.is_closing());
        if closing < state.waiting
            && let Some(oldest) = idle.min_by_key(|slot| slot.idle_since)
        {
            oldest.close.send_replace(true);
        }
    }

    /// Has all slots given up, hands out no more, and waits until they are gone.
    pub(super) async fn close(&self) {
        {
            let mut state = self.lock();
            state.stopped = true;
            for slot in state.slots.values() {
                slot.close.send_replace(true);
            }
        }
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().slots.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until the slot has had no guard for so long, and gives it up.
    async fn expire(&self, destination: &Destination, after: Duration) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let idle_since = {
                let state = self.lock();
                let Some(slot) = state.slots.get(destination) else { return };
                let idle_since = (slot.guards == 0).then_some(slot.idle_since);
                if idle_since.is_some_and(|since| since.elapsed() >= after) {
                    slot.close.send_replace(true);
                    return;
                }
                idle_since
            };
            match idle_since {
                Some(since) => sleep_until(since + after).await,
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock was reported; what the state says is still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that waits for a slot.
struct Waits<'a>(&'a Pool);

impl<'a> Waits<'a> {
    fn new(pool: &'a Pool) -> Self {
        pool.lock().waiting += 1;
        Self(pool)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

/// The right of one connection to the session of its destination, given back when dropped.
pub(super) struct SlotGuard {
    pool: Arc<Pool>,
    destination: Destination,
    number: u64,
    requests: mpsc::Sender<ConnectRequest>,
}

impl SlotGuard {
    /// The queue of the slot.
    pub(super) fn requests(&self) -> mpsc::Sender<ConnectRequest> {
        self.requests.clone()
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if let Some(slot) = state.slots.get_mut(&self.destination).filter(|slot| slot.number == self.number) {
            slot.guards -= 1;
            slot.idle_since = Instant::now();
        }
        drop(state);
        self.pool.changed.notify_waiters();
    }
}

impl fmt::Debug for SlotGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotGuard").field("destination", &self.destination).finish_non_exhaustive()
    }
}

/// A slot, for the task that runs its session. It is free again when this is dropped.
pub(super) struct Slot {
    pool: Arc<Pool>,
    destination: Destination,
    /// Connections that wait for this session.
    pub(super) requests: mpsc::Receiver<ConnectRequest>,
    /// True when the session is to be ended.
    pub(super) closed: watch::Receiver<bool>,
}

impl Slot {
    /// Waits until the slot has had no guard for so long. From then on it gives out none.
    pub(super) fn expires(&self, after: Duration) -> impl Future<Output = ()> + use<> {
        let (pool, destination) = (Arc::clone(&self.pool), self.destination.clone());
        async move { pool.expire(&destination, after).await }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.lock().slots.remove(&self.destination);
        self.pool.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
