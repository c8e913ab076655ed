//! The sessions that the connections of a SOCKS5 port share: one for each destination, and only so many at once.
//!
//! Each has a place here from its beginning until it is ended on the service. Whoever wants a connection takes a
//! [`Lease`] and keeps it for as long as the connection lasts. A place that nobody has a lease of is idle: it is given
//! up after a while, or at once when somebody waits for it; then the one that is idle for longest goes first.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::route::Call;
use crate::session::forward::endpoint::Destination;

/// All places.
pub(super) struct Pool {
    most: usize,
    /// Calls that may wait for one session.
    calls: usize,
    state: Mutex<State>,
    /// Rung when a place may have become free or idle.
    changed: Notify,
}

#[derive(Default)]
struct State {
    places: BTreeMap<Destination, Place>,
    /// Who waits for a place.
    waiting: usize,
    /// Places handed out so far.
    numbers: u64,
    stopped: bool,
}

struct Place {
    /// Tells it from one for the same destination before and after it.
    number: u64,
    calls: mpsc::Sender<Call>,
    leases: usize,
    idle_since: Instant,
    close: watch::Sender<bool>,
}

impl Place {
    fn is_closing(&self) -> bool {
        *self.close.borrow()
    }
}

/// Why there is no lease.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Pool {
    /// A pool of so many places.
    pub(super) fn new(most: usize, calls: usize) -> Arc<Self> {
        Arc::new(Self { most, calls, state: Mutex::default(), changed: Notify::new() })
    }

    /// Takes a lease of the destination's place. Where it has none, it gets one, for which the caller has to see.
    ///
    /// # Errors
    /// All places were taken until the deadline.
    pub(super) async fn lease(
        self: &Arc<Self>,
        destination: &Destination,
        deadline: Instant,
    ) -> Result<(Lease, Option<Seat>), NoRoom> {
        let mut waits = None;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on nothing that happens is missed.
            changed.as_mut().enable();
            if let Some(leased) = self.try_lease(destination) {
                return Ok(leased);
            }
            waits.get_or_insert_with(|| Waits::new(self));
            self.make_room();
            timeout_at(deadline, changed).await.map_err(|_| NoRoom)?;
        }
    }

    fn try_lease(self: &Arc<Self>, destination: &Destination) -> Option<(Lease, Option<Seat>)> {
        let mut state = self.lock();
        let state = &mut *state;
        if state.stopped {
            return None;
        }
        let free = state.places.len() < self.most;
        let lease = |place: &mut Place| {
            place.leases += 1;
            let (destination, number) = (destination.clone(), place.number);
            Lease { pool: Arc::clone(self), destination, number, calls: place.calls.clone() }
        };
        match state.places.get_mut(destination) {
            // It will be another one.
            Some(place) if place.is_closing() => None,
            Some(place) => Some((lease(place), None)),
            None if !free => None,
            None => {
                state.numbers += 1;
                let (calls, called) = mpsc::channel(self.calls);
                let (close, closed) = watch::channel(false);
                let number = state.numbers;
                let mut place = Place { number, calls, leases: 0, idle_since: Instant::now(), close };
                let lease = lease(&mut place);
                state.places.insert(destination.clone(), place);
                let (pool, destination) = (Arc::clone(self), destination.clone());
                Some((lease, Some(Seat { pool, destination, calls: called, closed })))
            }
        }
    }

    /// Has idle places given up, as many as somebody waits for.
    fn make_room(&self) {
        let state = self.lock();
        let closing = state.places.values().filter(|place| place.is_closing()).count();
        let idle = state.places.values().filter(|place| place.leases == 0 && !place.is_closing());
        if closing < state.waiting
            && let Some(oldest) = idle.min_by_key(|place| place.idle_since)
        {
            oldest.close.send_replace(true);
        }
    }

    /// Has all places given up, lets nobody in any more, and waits until they are gone.
    pub(super) async fn close(&self) {
        {
            let mut state = self.lock();
            state.stopped = true;
            for place in state.places.values() {
                place.close.send_replace(true);
            }
        }
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().places.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until nobody has had a lease of the place for so long, and gives it up.
    async fn expire(&self, destination: &Destination, after: Duration) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let idle_since = {
                let state = self.lock();
                let Some(place) = state.places.get(destination) else { return };
                let idle_since = (place.leases == 0).then_some(place.idle_since);
                if idle_since.is_some_and(|since| since.elapsed() >= after) {
                    place.close.send_replace(true);
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

/// Somebody who waits for a place.
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
pub(in crate::session::forward) struct Lease {
    pool: Arc<Pool>,
    destination: Destination,
    number: u64,
    calls: mpsc::Sender<Call>,
}

impl Lease {
    /// The way to who has the session.
    pub(super) fn calls(&self) -> mpsc::Sender<Call> {
        self.calls.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if let Some(place) = state.places.get_mut(&self.destination).filter(|place| place.number == self.number) {
            place.leases -= 1;
            place.idle_since = Instant::now();
        }
        drop(state);
        self.pool.changed.notify_waiters();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("destination", &self.destination).finish_non_exhaustive()
    }
}

/// A place, for who has its session. It is free again when this is dropped.
pub(super) struct Seat {
    pool: Arc<Pool>,
    destination: Destination,
    /// Those who want a connection.
    pub(super) calls: mpsc::Receiver<Call>,
    /// True when the session is to be ended.
    pub(super) closed: watch::Receiver<bool>,
}

impl Seat {
    /// Waits until nobody has had a lease for so long. From then on nobody gets one any more.
    pub(super) fn expires(&self, after: Duration) -> impl Future<Output = ()> + use<> {
        let (pool, destination) = (Arc::clone(&self.pool), self.destination.clone());
        async move { pool.expire(&destination, after).await }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.lock().places.remove(&self.destination);
        self.pool.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
