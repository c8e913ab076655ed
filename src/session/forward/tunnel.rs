//! Listeners that outlive sessions: accepts connections, and has a session for them when they come.
//!
//! While a session is being resumed its connections and new ones wait. When it has ended, its connections are reset,
//! and the next connection that comes makes another session start; until it is ready that one connection and those in
//! the system's queue of the listener wait, for [`REPLACE_TIMEOUT`] at most.
//!
//! A session that carries no more connections, for whatever reason, is retired: it goes on beside the next one until
//! its own connections have ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::accept::{accept, accept_waiting};
use super::incoming::Incoming;
use super::listener::Listener;
use super::observer::{Opener, TunnelEvent, TunnelObserver};
use super::session::{Session, connect};
use super::stop::{Stop, reaches};
use crate::backoff::Backoff;
use crate::channel::End;

/// How long a connection waits for another session before it is reset. The next connection after it makes us try again.
const REPLACE_TIMEOUT: Duration = Duration::from_mins(1);

/// The pause before the second attempt to start another session, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Retired sessions beside the one in use. Beyond it a session is ended at once.
const MOST_RETIRED: usize = 8;

/// How long connections that stand in the queue may wait to be carried when the tunnel is to finish.
const QUEUE_LIMIT: Duration = Duration::from_mins(1);

/// Carries the connections of all listeners until `stop` says otherwise, or its sender is gone. When it is to finish,
/// the connections that have come in go on to their end, as [`Session::finish`] says; then the session is ended on the
/// service. False when something was lost by the end. `session` is the first one.
pub(crate) async fn serve<O: Opener, V: TunnelObserver>(
    listeners: Vec<Listener>,
    session: Session,
    opener: O,
    observer: Arc<V>,
    mut stop: watch::Receiver<Stop>,
) -> bool {
    let retired = JoinSet::new();
    let stop_seen = stop.clone();
    let mut tunnel = Tunnel {
        listeners,
        session: Some(session),
        retired,
        opener,
        observer,
        next_listener: 0,
        stop: stop_seen,
        complete: true,
    };
    let mut finish = stop.clone();
    tokio::select! {
        biased;
        () = reaches(&mut stop, Stop::Now) => {}
        () = tunnel.run() => {}
        // What is open goes on below, but nothing more is accepted.
        () = async {
            reaches(&mut finish, Stop::Finish).await;
            sleep(QUEUE_LIMIT).await;
        } => {
            tunnel.complete = false;
            tunnel.observer.tunnel(&TunnelEvent::Left);
        }
    }
    // From here on no connection is accepted.
    tunnel.listeners.clear();
    let mut complete = tunnel.complete;
    if let Some(session) = tunnel.session {
        tunnel.retired.spawn(async move { session.finish(&mut stop, &*tunnel.observer).await });
    }
    while let Some(finished) = tunnel.retired.join_next().await {
        // A panic in the task was reported by the panic hook.
        complete &= finished.unwrap_or(false);
    }
    complete
}

struct Tunnel<O, V> {
    listeners: Vec<Listener>,
    session: Option<Session>,
    retired: JoinSet<bool>,
    opener: O,
    observer: Arc<V>,
    next_listener: usize,
    stop: watch::Receiver<Stop>,
    /// Nothing was lost so far of what programs have sent.
    complete: bool,
}

/// What happens next.
enum Next {
    Incoming(Incoming),
    /// The session is over.
    Over,
    /// The tunnel is to finish, and nothing more has come in.
    Finish,
}

impl<O: Opener, V: TunnelObserver> Tunnel<O, V> {
    /// Carries connections until the tunnel is to finish.
    async fn run(&mut self) {
        loop {
            while let Some(finished) = self.retired.try_join_next() {
                // A panic in the task was reported by the panic hook.
                self.complete &= finished.unwrap_or(false);
            }
            match self.next().await {
                Next::Finish => return,
                Next::Over => {
                    let Some(session) = self.session.take() else { continue };
                    let usual = session.is_used_up_as_usual();
                    let end = self.retire(session).await;
                    if !usual && let Some(end) = end {
                        self.observer.tunnel(&TunnelEvent::Ended(end));
                    }
                }
                Next::Incoming(incoming) => self.carry(incoming).await,
            }
        }
    }

    async fn next(&mut self) -> Next {
        let Self { listeners, session, next_listener, observer, stop, .. } = self;
        let accept = async {
            tokio::select! {
                incoming = accept(listeners, next_listener, &**observer) => return Next::Incoming(incoming),
                () = reaches(stop, Stop::Finish) => {}
            }
            // What has connected before is in the queue of the system, or was until now.
            accept_waiting(listeners, next_listener, &**observer).await.map_or(Next::Finish, Next::Incoming)
        };
        let Some(session) = session else { return accept.await };
        let (ended, vacancy) = session.split();
        tokio::select! {
            () = ended => Next::Over,
            next = async {
                vacancy.await;
                accept.await
            } => next,
        }
    }

    async fn carry(&mut self, incoming: Incoming) {
        let session = self.session.take_if(|session| session.is_used_up());
        let usual = match session {
            Some(session) => {
                let usual = session.is_used_up_as_usual();
                self.retire(session).await;
                usual
            }
            None => false,
        };
        let Some(session) = &mut self.session else { return self.replace(incoming, usual).await };
        if let Err(incoming) = session.carry(incoming) {
            if let Some(session) = self.session.take() {
                // It has no number left for another connection, or is about to end.
                self.retire(session).await;
            }
            self.replace(incoming, false).await;
        }
    }

    /// Lets a session go on to the end of its connections. If it has ended already, how.
    async fn retire(&mut self, mut session: Session) -> Option<End> {
        let ended = session.ended();
        if self.retired.len() >= MOST_RETIRED {
            session.terminate().await;
        } else {
            let (mut stop, observer) = (self.stop.clone(), Arc::clone(&self.observer));
            self.retired.spawn(async move { session.retire(&mut stop, &*observer).await });
        }
        ended
    }

    /// Starts another session for the connection that waits for it; `usual`: as for every connection.
    async fn replace(&mut self, incoming: Incoming, usual: bool) {
        let deadline = Instant::now() + REPLACE_TIMEOUT;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut previous: Option<String> = None;
        loop {
            let reason = match timeout_at(deadline, self.open()).await {
                Ok(Ok(mut session)) => {
                    if !usual {
                        self.observer.tunnel(&TunnelEvent::Replaced(session.id().to_owned()));
                    }
                    session.vacancy().await;
                    if let Err(incoming) = session.carry(incoming) {
                        self.give_up(&incoming);
                    }
                    self.session = Some(session);
                    return;
                }
                Ok(Err(reason)) => reason,
                Err(_) => previous.take().unwrap_or_else(|| "timed out".to_owned()),
            };
            if Instant::now() + backoff.peek() >= deadline {
                self.observer.tunnel(&TunnelEvent::GaveUp(reason));
                self.give_up(&incoming);
                return;
            }
            if previous.as_ref() != Some(&reason) {
                self.observer.tunnel(&TunnelEvent::Waiting(reason.clone()));
                previous = Some(reason);
            }
            sleep(backoff.next_pause()).await;
        }
    }

    /// Resets a connection that was not carried. Its program may have sent all, and be gone: surely so when the tunnel is to
    /// finish.
    fn give_up(&mut self, incoming: &Incoming) {
        let is_lost = incoming.discard().is_some_and(|bytes| bytes > 0);
        self.complete &= *self.stop.borrow() == Stop::Not && !is_lost;
        incoming.reset();
    }

    async fn open(&self) -> Result<Session, String> {
        let channel = self.opener.open().await.map_err(|error| error.to_string())?;
        connect(channel, &self.observer, self.opener.limits()).await.map_err(|error| error.to_string())
    }
}
