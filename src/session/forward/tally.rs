//! What a session carries at the moment, for those who wait for the end of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

use crate::channel::Streams;

/// Open connections, and whether anything moves.
#[derive(Debug)]
pub(super) struct Tally {
    open: watch::Sender<usize>,
    moved: AtomicU64,
    /// Its streams, if it has any.
    streams: Option<Streams>,
    /// The session has ended before all that was sent had arrived.
    lost: AtomicBool,
}

/// One open connection; dropped when it is closed.
#[derive(Debug)]
pub(super) struct Open(Arc<Tally>);

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
        let (open, moved, lost) = (watch::Sender::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { open, moved, streams, lost })
    }

    /// Counts a connection for as long as what is returned is kept.
    pub(super) fn enter(self: &Arc<Self>) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(Arc::clone(self))
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
        self.0.lose();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.moved();
        self.0.open.send_modify(|open| *open -= 1);
    }
}
