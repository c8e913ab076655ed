//! What a session carries at the moment, for those who wait for the end of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::gauge::Gauge;
use super::meter::{Load, Meter};
use crate::channel::Streams;

/// The agent has closed what a program has closed within this time, unless it cannot hand over what it has.
const CLOSING: Duration = Duration::from_secs(1);

/// How often to look whether a connection may send again.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Open connections, and whether anything moves.
#[derive(Debug)]
pub(super) struct Tally {
    open: watch::Sender<usize>,
    moved: AtomicU64,
    /// Its streams, if it has any.
    streams: Option<Streams>,
    /// The session has ended before all that was sent had arrived.
    lost: AtomicBool,
    /// What the open connections move.
    meters: Mutex<Meters>,
    /// Of the route that the session belongs to, if it belongs to one.
    gauge: OnceLock<Arc<Gauge>>,
}

#[derive(Debug)]
struct Meters {
    open: BTreeMap<u64, Arc<Mutex<Meter>>>,
    /// Connections so far.
    numbers: u64,
    /// When the last one was closed, or the session began.
    closed_at: Instant,
}

/// One open connection; dropped when it is closed.
#[derive(Debug)]
pub(super) struct Open {
    tally: Arc<Tally>,
    number: u64,
    meter: Arc<Mutex<Meter>>,
}

impl Tally {
    /// Of a session whose connections follow one another.
    pub(super) fn new() -> Arc<Self> {
        Self::with(None)
    }

    /// Of a session whose connections are streams.
    pub(super) fn of(streams: Streams) -> Arc<Self> {
        Self::with(Some(streams))
    }

    fn with(streams: Option<Streams>) -> Arc<Self> {
        Arc::new(Self {
            open: watch::Sender::new(0),
            moved: AtomicU64::new(0),
            streams,
            lost: AtomicBool::new(false),
            meters: Mutex::new(Meters { open: BTreeMap::new(), numbers: 0, closed_at: now() }),
            gauge: OnceLock::new(),
        })
    }

    /// Counts a connection for as long as what is returned is kept.
    pub(super) fn enter(self: &Arc<Self>) -> Open {
        self.open.send_modify(|open| *open += 1);
        let meter = Arc::new(Mutex::new(Meter::new(now())));
        let mut meters = lock(&self.meters);
        meters.numbers += 1;
        let number = meters.numbers;
        meters.open.insert(number, Arc::clone(&meter));
        Open { tally: Arc::clone(self), number, meter }
    }

    /// Has the route know when something changes.
    pub(super) fn report_to(&self, gauge: &Arc<Gauge>) {
        // A session belongs to one route.
        let _ = self.gauge.set(Arc::clone(gauge));
    }

    /// What it carries of late; `settled`: nothing of it is on its way.
    pub(super) fn load(&self, settled: bool) -> Load {
        let (now, answer) = (now(), self.gauge.get().map(|gauge| gauge.answer()).unwrap_or_default());
        let mut load = Load::default();
        let meters = lock(&self.meters);
        for meter in meters.open.values() {
            load.add(&lock(meter), now, answer);
        }
        let is_over = meters.numbers > 0 && meters.open.is_empty();
        if is_over && now.saturating_duration_since(meters.closed_at) >= CLOSING && !settled {
            load.stopped += 1;
        }
        load
    }

    /// Since when no connection is open, if none is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let meters = lock(&self.meters);
        meters.open.is_empty().then_some(meters.closed_at)
    }

    fn changed(&self) {
        if let Some(gauge) = self.gauge.get() {
            gauge.has_changed();
        }
    }

    /// Open connections.
    pub(super) fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until none is open.
    pub(super) async fn none_open(&self) {
        // The sender is ours.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Something was sent, received or taken.
    pub(super) fn moved(&self) {
        self.moved.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether nothing is lost when open connections are closed now: not known to be so is taken for no.
    pub(super) fn is_settled(&self) -> bool {
        self.streams.as_ref().is_some_and(Streams::is_settled)
    }

    /// The session is over, and something that was sent may not have arrived.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Whether that is so.
    pub(super) fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Another number when something has moved, or a connection was closed.
    pub(super) fn mark(&self) -> u64 {
        self.moved.load(Ordering::Relaxed) + self.streams.as_ref().map_or(0, Streams::moved)
    }
}

impl Open {
    /// What the program has sent, and then closed, may not have arrived.
    pub(super) fn lose(&self) {
        self.tally.lose();
    }

    /// All of its session.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The program has sent so many bytes.
    pub(super) fn sent(&self, bytes: usize) {
        if lock(&self.meter).sent(bytes, now()) {
            self.tally.changed();
        }
    }

    /// Waits until more of what the program sends can be of use, as far as is known.
    pub(super) async fn may_send(&self) {
        while !lock(&self.meter).may_send(now()) {
            sleep(LOOK_EVERY).await;
        }
    }

    /// So many bytes have come for the program.
    pub(super) fn received(&self, bytes: usize) {
        if lock(&self.meter).received(bytes, now()) {
            self.tally.changed();
        }
    }

    /// One end of it is done.
    pub(super) fn ends(&self) {
        lock(&self.meter).ends();
    }

    /// The program is handed what has come for it, or has taken it.
    pub(super) fn handing(&self, begins: bool) {
        lock(&self.meter).handing(begins, now());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.tally.moved();
        {
            let mut meters = lock(&self.tally.meters);
            meters.open.remove(&self.number);
            meters.closed_at = now();
        }
        if let Some(gauge) = self.tally.gauge.get() {
            gauge.answered(lock(&self.meter).answer());
        }
        self.tally.open.send_modify(|open| *open -= 1);
        self.tally.changed();
    }
}

/// Now, on the runtime's clock.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock was reported; figures are all there is in it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
