//! What the sessions of a route have to tell it: that something has changed, and how much connections ask for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// What an agent sends of a session in a millisecond.
const PACE: u64 = 1024;

/// The least and the most that a connection counts for, in bytes. The most is also what is assumed at first: more would
/// have connections wait longer than it takes to open another session.
const LEAST: u64 = 1024;
const MOST: u64 = 256 * 1024;

/// Between the sessions of a route and the route.
#[derive(Debug)]
pub(super) struct Gauge {
    changed: Notify,
    /// Bytes that connections get all in all, the latest half of it.
    answer: AtomicU64,
}

impl Gauge {
    pub(super) fn new() -> Self {
        Self { changed: Notify::new(), answer: AtomicU64::new(MOST) }
    }

    /// A connection has closed, or weighs on others from now on.
    pub(super) fn has_changed(&self) {
        self.changed.notify_one();
    }

    /// Waits until something has changed since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A connection has ended that got so many bytes.
    pub(super) fn answered(&self, bytes: u64) {
        // Two at the same instant may count as one.
        let before = self.answer.load(Ordering::Relaxed);
        self.answer.store(u64::midpoint(before, bytes.clamp(LEAST, MOST)), Ordering::Relaxed);
    }

    /// For how long a connection may be expected to keep an agent busy.
    pub(super) fn answer(&self) -> Duration {
        Duration::from_millis(self.answer.load(Ordering::Relaxed) / PACE)
    }
}
