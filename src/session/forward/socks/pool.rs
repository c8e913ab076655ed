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
use crate::session::forward::route::Permit;
use crate::session::forward::stop::{Stop, reaches};

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
    /// Sessions beside the first one of a slot. They take the room of slots that nobody needs.
    spare: usize,
    /// Slots handed out so far.
    numbers: u64,
    stopped: bool,
    /// A session has ended before all that it carried had arrived.
    lost: bool,
}

struct SlotState {
    /// Tells it from one for the same destination before and after it.
    number: u64,
    requests: mpsc::Sender<ConnectRequest>,
    guards: usize,
    idle_since: Instant,
    close: watch::Sender<Stop>,
}

impl SlotState {
    fn is_closing(&self) -> bool {
        *self.close.borrow() != Stop::Not
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
                let (close, closed) = watch::channel(Stop::Not);
                let number = state.numbers;
                let mut slot = SlotState { number, requests, guards: 0, idle_since: Instant::now(), close };
                let guard = guard(&mut slot);
                state.slots.insert(destination.clone(), slot);
                if state.slots.len() + state.spare > self.most {
                    self.changed.notify_waiters();
                }
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
            oldest.close.send_replace(Stop::Finish);
        }
    }

    /// Has all slots given up in the way of `stop`, hands out no more, and waits until they are gone. False when
    /// something was lost by that.
    pub(super) async fn close(&self, stop: &mut watch::Receiver<Stop>) -> bool {
        let how = *stop.borrow();
        self.close_all(how.max(Stop::Finish));
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let state = self.lock();
                if state.slots.is_empty() {
                    return !state.lost;
                }
            }
            tokio::select! {
                () = changed => {}
                () = reaches(stop, Stop::Now), if how != Stop::Now => {
                    self.close_all(Stop::Now);
                    // It stays so.
                    return self.gone().await;
                }
            }
        }
    }

    async fn gone(&self) -> bool {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().slots.is_empty() {
                return false;
            }
            changed.await;
        }
    }

    fn close_all(&self, how: Stop) {
        let mut state = self.lock();
        state.stopped = true;
        for slot in state.slots.values() {
            slot.close.send_if_modified(|old| how > std::mem::replace(old, how.max(*old)));
        }
    }

    /// Whether connections wait for a slot, so that sessions should soon be idle.
    pub(super) fn is_wanted(&self) -> bool {
        self.lock().waiting > 0
    }

    /// The right to one session more than one for a destination, if there is room for it.
    fn permit(self: &Arc<Self>) -> Option<SparePermit> {
        let mut state = self.lock();
        let has_room = !state.stopped && state.waiting == 0 && state.slots.len() + state.spare < self.most;
        has_room.then(|| {
            state.spare += 1;
            SparePermit(Arc::clone(self))
        })
    }

    /// Whether there are more sessions than there should be.
    fn is_crowded(&self) -> bool {
        let state = self.lock();
        state.slots.len() + state.spare > self.most
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
                    slot.close.send_if_modified(|old| std::mem::replace(old, Stop::Finish.max(*old)) == Stop::Not);
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
        pool.changed.notify_waiters();
        Self(pool)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
        self.0.changed.notify_waiters();
    }
}

/// The right to one session more than one for a destination, given back when dropped.
struct SparePermit(Arc<Pool>);

impl Drop for SparePermit {
    fn drop(&mut self) {
        self.0.lock().spare -= 1;
        self.0.changed.notify_waiters();
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
    /// Whether and how the session is to be ended.
    pub(super) closed: watch::Receiver<Stop>,
}

impl Slot {
    /// Waits until the slot has had no guard for so long. From then on it gives out none.
    pub(super) fn expires(&self, after: Duration) -> impl Future<Output = ()> + use<> {
        let (pool, destination) = (Arc::clone(&self.pool), self.destination.clone());
        async move { pool.expire(&destination, after).await }
    }

    /// Waits until connections to other destinations wait for a slot, or none do any more, and says which.
    pub(super) fn wanted(&self, but: bool) -> impl Future<Output = bool> + use<> {
        let pool = Arc::clone(&self.pool);
        async move {
            loop {
                let mut changed = std::pin::pin!(pool.changed.notified());
                changed.as_mut().enable();
                if pool.is_wanted() != but {
                    return !but;
                }
                changed.await;
            }
        }
    }

    /// Waits until other destinations need the sessions of those that have more than one; for ever where this one has
    /// no `spare`.
    pub(super) fn crowded(&self, spare: bool) -> impl Future<Output = ()> + use<> {
        let pool = Arc::clone(&self.pool);
        async move {
            while !spare || !pool.is_crowded() {
                let mut changed = std::pin::pin!(pool.changed.notified());
                changed.as_mut().enable();
                if !spare || !pool.is_crowded() {
                    changed.await;
                }
            }
        }
    }

    /// Gives rights to sessions beside the first one.
    pub(super) fn permits(&self) -> impl Fn() -> Option<Permit> + Send + Sync + use<> {
        let pool = Arc::clone(&self.pool);
        move || Some(Box::new(pool.permit()?))
    }

    /// A session of this slot has ended before all that it carried had arrived.
    pub(super) fn lost(&self) {
        self.pool.lock().lost = true;
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
