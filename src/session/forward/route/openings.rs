//! Lanes that are being opened beside those that there are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::lane::{Lane, Permit};
use super::together::Ear;
use crate::backoff::Backoff;
use crate::session::forward::observer::{Opener, TunnelObserver};
use crate::session::forward::session::connect_unless;
use crate::session::forward::stop::Stop;

/// Lanes that are opened at a time: StartSession is throttled for the whole account.
const SIDE_BY_SIDE: usize = 4;

/// How long no lane is opened after one could not be had, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Lanes on their way.
pub(super) struct Openings<V: TunnelObserver> {
    tasks: JoinSet<Result<Option<Lane<V>>, String>>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl<V: TunnelObserver> Openings<V> {
    pub(super) fn new() -> Self {
        Self { tasks: JoinSet::new(), backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE), not_before: None }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Whether one more may be opened now.
    pub(super) fn may_begin(&self) -> bool {
        self.len() < SIDE_BY_SIDE && self.not_before.is_none_or(|at| at <= Instant::now())
    }

    /// Begins to open one.
    pub(super) fn begin<O: Opener>(
        &mut self,
        opener: &Arc<O>,
        ear: Arc<Ear<V>>,
        permit: Permit,
        mut stop: watch::Receiver<Stop>,
    ) {
        let opener = Arc::clone(opener);
        self.tasks.spawn(async move {
            let channel = opener.open_beside().await.map_err(|error| error.to_string())?;
            let session = connect_unless(channel, &ear, opener.limits(), &mut stop).await;
            let session = session.map_err(|error| error.to_string())?;
            Ok(session.map(|session| Lane::new(session, ear, Some(permit))))
        });
    }

    /// Waits for one of them; `None` where it could not be had. Then no other is opened for a while, and those that are
    /// being opened go on. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Lane<V>> {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(Some(lane)))) => {
                if self.not_before.is_none_or(|at| at <= Instant::now()) {
                    self.backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
                }
                Some(lane)
            }
            Some(Ok(Err(reason))) => {
                let pause = self.backoff.peek();
                if self.not_before.is_none_or(|at| at <= Instant::now()) {
                    self.not_before = Some(Instant::now() + self.backoff.next_pause());
                    tracing::info!(reason, ?pause, "no further session beside those that there are");
                }
                None
            }
            // It was to stop, or a panic in the task was reported by the panic hook.
            Some(Ok(Ok(None)) | Err(_)) => None,
        }
    }
}
