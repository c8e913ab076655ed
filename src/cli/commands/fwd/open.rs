//! The first sessions of tunnels, opened side by side.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use super::Entry;
use super::observer::UiTunnelObserver;
use super::opener::TunnelOpener;
use crate::backoff::Backoff;
use crate::cli::advice;
use crate::cli::error::{CliError, ErrorKind};
use crate::session::forward::{Probe, Route, RouteError, Session, Stop};

/// Sessions that are opened at a time: StartSession is throttled for the whole account.
const SIDE_BY_SIDE: usize = 4;

/// The pause after the first question whether the destination accepts, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A destination whose session is to be opened.
pub(crate) struct Starting {
    pub(crate) entries: Vec<Entry>,
    pub(crate) opener: TunnelOpener,
    pub(crate) observer: Arc<UiTunnelObserver>,
    /// Whether the destination must accept connections first.
    pub(crate) wait: bool,
}

/// A destination whose first session is open.
pub(crate) struct Opened {
    pub(crate) entries: Vec<Entry>,
    pub(crate) route: Route<TunnelOpener, UiTunnelObserver>,
}

/// Opens all sessions, and waits until they carry data, or until the destinations accept. `None` when `stopped` is set.
/// Without all of them there are none: those that are open are ended again.
///
/// # Errors
/// A session cannot be opened: the first of those that failed.
pub(crate) async fn open_all(
    starts: impl Iterator<Item = Starting>,
    stopped: &mut watch::Receiver<bool>,
) -> Result<Option<Vec<Opened>>, CliError> {
    let (halt, halted) = watch::channel(Stop::Not);
    let mut opening =
        stream::iter(starts).map(|starting| open(starting, halted.clone())).buffer_unordered(SIDE_BY_SIDE);
    let (mut open, mut failure) = (Vec::new(), None);
    let mut complete = true;
    loop {
        tokio::select! {
            opened = opening.next() => match opened {
                None => break,
                Some(Ok(Some(opened))) => open.push(opened),
                Some(Ok(None)) => complete = false,
                Some(Err(error)) => {
                    failure.get_or_insert(error);
                    halt.send_replace(Stop::Now);
                }
            },
            _ = stopped.wait_for(|stop| *stop), if *halt.borrow() == Stop::Not => drop(halt.send_replace(Stop::Now)),
        }
    }
    if complete && failure.is_none() {
        return Ok(Some(open));
    }
    let ending: stream::FuturesUnordered<_> = open.into_iter().map(|one| one.route.terminate()).collect();
    ending.collect::<()>().await;
    failure.map_or(Ok(None), Err)
}

/// Opens one session. `None` when `stopped` is set.
async fn open(starting: Starting, mut stopped: watch::Receiver<Stop>) -> Result<Option<Opened>, CliError> {
    if *stopped.borrow() != Stop::Not {
        return Ok(None);
    }
    let Starting { entries, opener, observer, wait } = starting;
    let mut route = Route::new(opener, observer, stopped.clone());
    // What has begun to start is seen through, or a session would be left behind; ending waits for that.
    if !route.open().await? {
        return Ok(None);
    }
    if wait && !until_accepted(&route, &mut stopped).await {
        if *stopped.borrow() != Stop::Not {
            route.terminate().await;
            return Ok(None);
        }
        let failure = route.end().await.and_then(advice::failure);
        return Err(failure.unwrap_or_else(|| CliError::new(ErrorKind::Lost, "the session has ended")));
    }
    Ok(Some(Opened { entries, route }))
}

/// False when the session has ended instead, or `stopped` is set.
async fn until_accepted(route: &Route<TunnelOpener, UiTunnelObserver>, stopped: &mut watch::Receiver<Stop>) -> bool {
    let (opener, observer) = (route.opener(), route.observer());
    let Some(session) = route.session() else { return false };
    let _waiting = opener.ui.waiting(format!("Waiting for {} to accept connections", observer.destination()));
    observer.hush(true);
    let accepts = tokio::select! {
        accepts = accepts(session) => accepts,
        _ = stopped.wait_for(|stop| *stop != Stop::Not) => false,
    };
    observer.hush(false);
    accepts
}

async fn accepts(session: &Session) -> bool {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match session.probe().await {
            Probe::Accepts | Probe::Unknown => return true,
            Probe::Over => return false,
            Probe::Refuses => {}
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

impl From<RouteError<Self>> for CliError {
    fn from(error: RouteError<Self>) -> Self {
        match error {
            RouteError::Start(error) => error,
            RouteError::Ready(error) => error.into(),
        }
    }
}
