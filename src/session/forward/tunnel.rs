//! Listeners that outlive sessions: accepts connections, and has a session for them when they come.
//!
//! While a session is being resumed its connections and new ones wait. When it has ended, its connections are reset,
//! and the next connection that comes makes another session start; until it is ready that one connection and those in
//! the system's queue of the listener wait, for [`REPLACE_PATIENCE`] at most.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::copy::is_set;
use super::incoming::Local;
use super::listener::Listener;
use super::session::{Session, SessionError, connect};
use crate::backoff::Backoff;
use crate::channel::{Channel, End};
use crate::session::Observer;

/// How long a connection waits for another session before it is reset. Whoever comes after it makes us try again.
const REPLACE_PATIENCE: Duration = Duration::from_secs(60);

/// The pause before the second attempt to start another session, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A pause when the system has no connection to give, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Starts sessions to one destination.
pub(crate) trait Opener: Send + Sync + 'static {
    /// Why there is none.
    type Error: fmt::Display + Send;

    /// Starts a session.
    fn open(&self) -> impl Future<Output = Result<Channel, Self::Error>> + Send;
}

/// Hears what a person should know while a tunnel is open.
pub(crate) trait Reporter: Observer + Send + Sync + 'static {
    /// Something happened to a connection or a session.
    fn note(&self, note: &Note);
}

/// What happens in a tunnel.
#[derive(Debug)]
pub(crate) enum Note {
    /// The destination did not accept a connection. It may come often.
    Refused,
    /// The session is over, and its connections with it. Another one follows when somebody connects.
    Ended(End),
    /// Another session cannot be started yet.
    Waiting(String),
    /// Another session carries connections; this is its id.
    Replaced(String),
    /// No other session could be started in time, and the connection that waited for it is reset.
    GaveUp(String),
    /// No session to the destination can be had, and the connections that wait for one are refused.
    NoSession(String),
    /// As many sessions as there may be all have connections; the one that waited for another is refused.
    NoRoom,
    /// A program asked for what cannot be had; the connection is refused.
    Rejected(String),
    /// The system does not hand out the connections that come in.
    Accept(io::Error),
}

/// Carries the connections of all listeners until `stop` becomes true, or its sender is gone; then the session is ended
/// on the service. `session` is the first one.
pub(crate) async fn serve<O: Opener, R: Reporter>(
    listeners: Vec<Listener>,
    session: Session,
    opener: O,
    reporter: Arc<R>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tunnel = Tunnel { listeners, session: Some(session), opener, reporter, next_listener: 0 };
    tokio::select! {
        () = tunnel.run() => {}
        _ = is_set(&mut stop) => {}
    }
    // From here on nobody is let in.
    tunnel.listeners.clear();
    if let Some(session) = tunnel.session {
        session.terminate().await;
    }
}

struct Tunnel<O, R> {
    listeners: Vec<Listener>,
    session: Option<Session>,
    opener: O,
    reporter: Arc<R>,
    next_listener: usize,
}

impl<O: Opener, R: Reporter> Tunnel<O, R> {
    async fn run(&mut self) {
        loop {
            let Some(session) = &mut self.session else {
                let local = accept(&self.listeners, &mut self.next_listener, &*self.reporter).await;
                self.replace(local).await;
                continue;
            };
            let (listeners, next, reporter) = (&self.listeners, &mut self.next_listener, &self.reporter);
            let local = {
                let (ended, vacancy) = session.split();
                tokio::select! {
                    end = ended => Err(end),
                    local = async {
                        vacancy.await;
                        accept(listeners, next, &**reporter).await
                    } => Ok(local),
                }
            };
            match local {
                Ok(local) => {
                    if let Err(local) = session.carry(local) {
                        if let Some(session) = self.session.take() {
                            // It has no number left for another connection, or is about to say how it ended.
                            session.terminate().await;
                        }
                        self.replace(local).await;
                    }
                }
                Err(end) => {
                    self.session = None;
                    self.reporter.note(&Note::Ended(end));
                }
            }
        }
    }

    /// Starts another session for the connection that waits for it.
    async fn replace(&mut self, local: Local) {
        let deadline = Instant::now() + REPLACE_PATIENCE;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut said: Option<String> = None;
        loop {
            let reason = match timeout_at(deadline, self.open()).await {
                Ok(Ok(mut session)) => {
                    self.reporter.note(&Note::Replaced(session.id().to_owned()));
                    session.vacancy().await;
                    if let Err(local) = session.carry(local) {
                        local.reset();
                    }
                    self.session = Some(session);
                    return;
                }
                Ok(Err(reason)) => reason,
                Err(_) => said.take().unwrap_or_else(|| "it takes too long".to_owned()),
            };
            if Instant::now() + backoff.peek() >= deadline {
                self.reporter.note(&Note::GaveUp(reason));
                local.reset();
                return;
            }
            if said.as_ref() != Some(&reason) {
                self.reporter.note(&Note::Waiting(reason.clone()));
                said = Some(reason);
            }
            sleep(backoff.next_pause()).await;
        }
    }

    async fn open(&self) -> Result<Session, String> {
        let channel = self.opener.open().await.map_err(|error| error.to_string())?;
        connect(channel, &self.reporter).await.map_err(|error| match error {
            SessionError::Ended(End::Closed(reason)) if !reason.trim().is_empty() => reason.trim().to_owned(),
            SessionError::Ended(_) => "the session ended before it was ready".to_owned(),
            SessionError::TimedOut => "the agent is not ready".to_owned(),
            SessionError::NoRemoteHosts(version) => format!("agent {version} is too old to lead to other hosts"),
        })
    }
}

/// The next connection of any listener, each in its turn.
pub(super) async fn accept<R: Reporter>(listeners: &[Listener], next: &mut usize, reporter: &R) -> Local {
    let mut said = false;
    loop {
        let accepted = {
            let mut accepts: Vec<_> = listeners.iter().map(|listener| Box::pin(listener.accept())).collect();
            let count = accepts.len();
            let any = poll_fn(|cx| {
                for offset in 0..count {
                    let index = (*next + offset) % count;
                    if let Poll::Ready(accepted) = accepts[index].as_mut().poll(cx) {
                        *next = index + 1;
                        return Poll::Ready(accepted);
                    }
                }
                Poll::Pending
            });
            pin!(any).await
        };
        match accepted {
            Ok(local) => return local,
            // Some failures are those of one connection that is gone again.
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut said, true) {
                    reporter.note(&Note::Accept(error));
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
