//! A connection to the message gateway that is made while the instance is looked up and the service starts the session:
//! it spares the round trips of TCP and TLS.
//!
//! Where the gateway is only the answer to StartSession says. This is a guess, which costs a connection where it is
//! wrong. Nothing is said on it before the answer has confirmed it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::clock::now;
use super::stream_url::{Policy, StreamUrl};
use crate::aws::{self, Aws, BoxedStream};

/// A connection on which nothing was said for so long is not used: servers close those.
const FRESH: Duration = Duration::from_secs(5);

/// The one that was begun before there was a session to be started, if it is still of use to one.
static EARLY: Mutex<Option<Ahead>> = Mutex::new(None);

/// Where a connection leads: whether it is TLS, the host, the port.
pub(super) type Place = (bool, String, u16);

/// A connection that is made, or being made. It is given up when this is dropped.
pub(super) struct Ahead {
    aws: Aws,
    place: Place,
    begun: Instant,
    task: JoinHandle<Result<BoxedStream, aws::Error>>,
}

/// Begins to connect for the session that is about to be started.
pub(crate) fn connect_ahead(aws: &Aws) {
    let ahead = Ahead::begin(aws);
    *EARLY.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
}

impl Ahead {
    /// The connection for a session that is being started; `None` where nothing can be guessed.
    pub(super) fn of(aws: &Aws) -> Option<Self> {
        let early = EARLY.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_ours = |early: &Self| early.aws.is_same(aws) && early.is_fresh();
        early.filter(is_ours).or_else(|| Self::begin(aws))
    }

    fn begin(aws: &Aws) -> Option<Self> {
        let place = Policy::of(aws).likely(aws.likely_gateway())?;
        let (net, (tls, host, port)) = (aws.net().clone(), place.clone());
        let task = tokio::spawn(async move { net.connect(&host, port, tls).await });
        Some(Self { aws: aws.clone(), place, begun: now(), task })
    }

    fn is_fresh(&self) -> bool {
        now().saturating_duration_since(self.begun) < FRESH
    }

    /// The connection, if it leads where the session is. It may have been closed since.
    pub(super) async fn take(mut self, url: &StreamUrl) -> Option<BoxedStream> {
        if self.place != url.place() || !self.is_fresh() {
            tracing::debug!(host = self.place.1, "the connection that was made ahead is of no use");
            return None;
        }
        // A failure shows again at the connection that is made then, which reports it.
        (&mut self.task).await.ok()?.ok()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}
