//! Listeners that outlive sessions: accepts connections, and has a session for them when they come.
//!
//! While a session is being resumed its connections and new ones wait. When it has ended, its connections are reset,
//! and the next connection that comes makes another session start; until it is ready that one connection and those in
//! the system's queue of the listener wait, for [`REPLACE_TIMEOUT`] at most.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::accept::accept;
use super::incoming::Incoming;
use super::listener::Listener;
use super::observer::{Opener, TunnelEvent, TunnelObserver};
use super::session::{Session, connect};
use super::stop::is_set;
use crate::backoff::Backoff;

/// How long a connection waits for another session before it is reset. The next connection after it makes us try again.
const REPLACE_TIMEOUT: Duration = Duration::from_mins(1);

/// The pause before the second attempt to start another session, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Carries the connections of all listeners until `stop` becomes true, or its sender is gone; then the session is ended
/// on the service. `session` is the first one.
pub(crate) async fn serve<O: Opener, V: TunnelObserver>(
    listeners: Vec<Listener>,
    session: Session,
    opener: O,
    observer: Arc<V>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tunnel = Tunnel { listeners, session: Some(session), opener, observer, next_listener: 0 };
    tokio::select! {
        () = tunnel.run() => {}
        _ = is_set(&mut stop) => {}
    }
    // From here on no connection is accepted.
    tunnel.listeners.clear();
    if let Some(session) = tunnel.session {
        session.terminate().await;
    }
}

struct Tunnel<O, V> {
    listeners: Vec<Listener>,
    session: Option<Session>,
    opener: O,
    observer: Arc<V>,
    next_listener: usize,
}

impl<O: Opener, V: TunnelObserver> Tunnel<O, V> {
    async fn run(&mut self) {
        loop {
            let Some(session) = &mut self.session else {
                let incoming = accept(&self.listeners, &mut self.next_listener, &*self.observer).await;
                self.replace(incoming).await;
                continue;
            };
            let (listeners, next, observer) = (&self.listeners, &mut self.next_listener, &self.observer);
            let incoming = {
                let (ended, vacancy) = session.split();
                tokio::select! {
                    end = ended => Err(end),
                    incoming = async {
                        vacancy.await;
                        accept(listeners, next, &**observer).await
                    } => Ok(incoming),
                }
            };
            match incoming {
                Ok(incoming) => {
                    if let Err(incoming) = session.carry(incoming) {
                        if let Some(session) = self.session.take() {
                            // It has no number left for another connection, or is about to end.
                            session.terminate().await;
                        }
                        self.replace(incoming).await;
                    }
                }
                Err(end) => {
                    self.session = None;
                    self.observer.tunnel(&TunnelEvent::Ended(end));
                }
            }
        }
    }

    /// Starts another session for the connection that waits for it.
    async fn replace(&mut self, incoming: Incoming) {
        let deadline = Instant::now() + REPLACE_TIMEOUT;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut previous: Option<String> = None;
        loop {
            let reason = match timeout_at(deadline, self.open()).await {
                Ok(Ok(mut session)) => {
                    self.observer.tunnel(&TunnelEvent::Replaced(session.id().to_owned()));
                    session.vacancy().await;
                    if let Err(incoming) = session.carry(incoming) {
                        incoming.reset();
                    }
                    self.session = Some(session);
                    return;
                }
                Ok(Err(reason)) => reason,
                Err(_) => previous.take().unwrap_or_else(|| "timed out".to_owned()),
            };
            if Instant::now() + backoff.peek() >= deadline {
                self.observer.tunnel(&TunnelEvent::GaveUp(reason));
                incoming.reset();
                return;
            }
            if previous.as_ref() != Some(&reason) {
                self.observer.tunnel(&TunnelEvent::Waiting(reason.clone()));
                previous = Some(reason);
            }
            sleep(backoff.next_pause()).await;
        }
    }

    async fn open(&self) -> Result<Session, String> {
        let channel = self.opener.open().await.map_err(|error| error.to_string())?;
        connect(channel, &self.observer).await.map_err(|error| error.to_string())
    }
}
