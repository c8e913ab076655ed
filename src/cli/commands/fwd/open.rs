//! The first sessions of tunnels, opened side by side.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use super::observer::Tells;
use super::{Entry, Start};
use crate::backoff::Backoff;
use crate::cli::advice;
use crate::cli::error::{CliError, ErrorKind};
use crate::fleet::diagnose::Purpose;
use crate::session::forward::{self, Opener, Probe, Session, SessionError};

/// Sessions that are opened at a time: StartSession is throttled for the whole account.
const SIDE_BY_SIDE: usize = 4;

/// The pause after the first question whether the destination accepts, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A destination whose session is to be opened.
pub(crate) struct Starting {
    pub(crate) entries: Vec<Entry>,
    pub(crate) start: Start,
    pub(crate) tells: Arc<Tells>,
    /// Whether the destination must accept connections first.
    pub(crate) wait: bool,
}

/// A destination whose session is open.
pub(crate) struct Opened {
    pub(crate) entries: Vec<Entry>,
    pub(crate) session: Session,
    pub(crate) start: Start,
    pub(crate) tells: Arc<Tells>,
}

/// Opens all sessions, and waits until they carry data, or until the destinations accept. `None` when told to stop.
/// Without all of them there are none: those that are open are ended again.
///
/// # Errors
/// A session cannot be had: the first of those that failed.
pub(crate) async fn open_all(
    starts: impl Iterator<Item = Starting>,
    stopped: &mut watch::Receiver<bool>,
) -> Result<Option<Vec<Opened>>, CliError> {
    let (halt, halted) = watch::channel(false);
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
                    halt.send_replace(true);
                }
            },
            _ = stopped.wait_for(|stop| *stop), if !*halt.borrow() => drop(halt.send_replace(true)),
        }
    }
    if complete && failure.is_none() {
        return Ok(Some(open));
    }
    let ending: stream::FuturesUnordered<_> = open.into_iter().map(|one| one.session.terminate()).collect();
    ending.collect::<()>().await;
    failure.map_or(Ok(None), Err)
}

/// Opens one session. `None` when told to stop.
async fn open(starting: Starting, mut stopped: watch::Receiver<bool>) -> Result<Option<Opened>, CliError> {
    if *stopped.borrow() {
        return Ok(None);
    }
    let Starting { entries, start, tells, wait } = starting;
    // What has begun to start is seen through, or a session would be left behind; ending waits for that.
    let channel = start.open().await?;
    let session = match forward::connect_unless(channel, &tells, &mut stopped).await {
        Ok(Some(session)) => session,
        Ok(None) => return Ok(None),
        Err(SessionError::TimedOut) => {
            return Err(CliError::failed("the agent was not ready in time")
                .hint("look into the agent's log on the instance, or restart it"));
        }
        Err(SessionError::NoRemoteHosts(version)) => {
            return Err(CliError::failed(format!("agent {version} is too old to lead to other hosts"))
                .cause("it would connect to the instance itself")
                .hint(format!(
                    "update the agent to {} or newer, or forward through SSH: `ssmx ssh TARGET -- -L …`",
                    Purpose::RemotePort.needs()
                )));
        }
        Err(SessionError::Ended(end)) => {
            return Err(
                advice::failure(end).unwrap_or_else(|| CliError::failed("the session ended before it was ready"))
            );
        }
    };
    if wait && !until_accepted(&start, &session, &tells, &mut stopped).await {
        if *stopped.borrow() {
            session.terminate().await;
            return Ok(None);
        }
        let end = session.end().await;
        return Err(advice::failure(end).unwrap_or_else(|| CliError::new(ErrorKind::Lost, "the session has ended")));
    }
    Ok(Some(Opened { entries, session, start, tells }))
}

/// False when the session has ended instead, or we are told to stop.
async fn until_accepted(start: &Start, session: &Session, tells: &Tells, stopped: &mut watch::Receiver<bool>) -> bool {
    let _waiting = start.ui.waiting(format!("Waiting until {} accepts connections", tells.destination()));
    tells.hush(true);
    let accepts = tokio::select! {
        accepts = accepts(session) => accepts,
        _ = stopped.wait_for(|stop| *stop) => false,
    };
    tells.hush(false);
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
