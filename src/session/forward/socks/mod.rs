//! A port that speaks SOCKS5: each connection says itself where it leads.
//!
//! A session leads to one destination, so there is a [route](super::route) for each that was asked for: opened with the
//! first connection, shared by all of them, ended when it has been idle for a while, and only so many at once
//! ([`SocksOptions`]). Names are passed on as they are, for the instance to resolve.

mod line;
mod pool;
pub(crate) mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::accept::{accept, accept_waiting};
use super::endpoint::Destination;
use super::incoming::Incoming;
use super::listener::Listener;
use super::observer::{Opener, TunnelEvent, TunnelObserver};
use super::stop::{Stop, reaches};
use line::Line;
use pool::{ConnectRequest, NoRoom, Pool};
use request::{Refusal, Request};

/// Connections that may wait for their answer at a time; further ones wait in the system's queue.
const MOST_WAITING: usize = 256;

/// How long a program may take to name its destination.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How many sessions, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocksOptions {
    /// Sessions at a time, 1 at least.
    pub sessions: usize,
    /// A session without a connection is ended after so long.
    pub idle: Duration,
    /// How long a connection waits when all sessions are in use, before it is refused.
    pub slot_timeout: Duration,
}

/// Leads to any destination.
pub(crate) trait SocksRoutes: Send + Sync + 'static {
    /// Starts the sessions to one destination.
    type Opener: Opener;
    /// Hears what happens with them.
    type Observer: TunnelObserver;

    /// The way to a destination.
    fn to(&self, destination: &Destination) -> (Self::Opener, Arc<Self::Observer>);

    /// The answer to programs when no session can be started.
    fn refusal(error: &<Self::Opener as Opener>::Error) -> Refusal;
}

/// Carries the connections of a listener until `stop` says otherwise, or its sender is gone; then all sessions are ended
/// on the service, when their connections have ended if it is to finish. False when something was lost by the end.
/// `observer` hears what no destination has to do with.
pub(crate) async fn serve_socks<S: SocksRoutes>(
    listener: Listener,
    routes: S,
    observer: Arc<S::Observer>,
    options: SocksOptions,
    mut stop: watch::Receiver<Stop>,
) -> bool {
    let pool = Pool::new(options.sessions.max(1), MOST_WAITING);
    let server = Arc::new(Server { routes, observer, options, pool: Arc::clone(&pool) });
    let finish = stop.clone();
    tokio::select! {
        () = server.run(listener, finish) => {}
        () = reaches(&mut stop, Stop::Now) => {}
    }
    pool.close(&mut stop).await
}

struct Server<S: SocksRoutes> {
    routes: S,
    observer: Arc<S::Observer>,
    options: SocksOptions,
    pool: Arc<Pool>,
}

impl<S: SocksRoutes> Server<S> {
    /// Accepts connections until it is to finish, and those that have come by then have their sessions. Dropping the
    /// future refuses those that still wait for one.
    async fn run(self: &Arc<Self>, listener: Listener, mut finish: watch::Receiver<Stop>) {
        let listeners = [listener];
        let waiting = Arc::new(Semaphore::new(MOST_WAITING));
        let mut attended = JoinSet::new();
        loop {
            let mut next = 0;
            let next = async {
                // The semaphore is never closed.
                let permit = Arc::clone(&waiting).acquire_owned().await.ok()?;
                Some((accept(&listeners, &mut next, &*self.observer, || false).await, permit))
            };
            let come = tokio::select! {
                come = next => come,
                // What has connected before is in the queue of the system, or was until now.
                () = reaches(&mut finish, Stop::Finish) => {
                    match accept_waiting(&listeners, &mut 0, &*self.observer).await {
                        // Each of those before it has its limits.
                        Some(incoming) => Arc::clone(&waiting).acquire_owned().await.ok().map(|permit| (incoming, permit)),
                        None => None,
                    }
                }
            };
            let Some((incoming, permit)) = come else { break };
            while attended.try_join_next().is_some() {}
            let server = Arc::clone(self);
            attended.spawn(async move { server.attend(incoming, permit).await });
        }
        drop(listeners);
        // Each has its own limits.
        while attended.join_next().await.is_some() {}
    }

    /// From a connection that came in to the session that carries it.
    async fn attend(&self, incoming: Incoming, permit: OwnedSemaphorePermit) {
        let (request, destination) = match timeout(REQUEST_TIMEOUT, Request::read(incoming)).await {
            Ok(Ok(read)) => read,
            Ok(Err(Some(reason))) => return self.observer.tunnel(&TunnelEvent::Rejected(reason)),
            Ok(Err(None)) | Err(_) => return,
        };
        let deadline = Instant::now() + self.options.slot_timeout;
        let (guard, slot) = match self.pool.guard(&destination, deadline).await {
            Ok(taken) => taken,
            Err(NoRoom) => {
                self.routes.to(&destination).1.tunnel(&TunnelEvent::NoRoom);
                return request.refuse(Refusal::Failed).await;
            }
        };
        if let Some(slot) = slot {
            let (opener, observer) = self.routes.to(&destination);
            let line = Line::new(opener, observer, S::refusal, self.options.idle, slot);
            // The pool knows when it has ended.
            tokio::spawn(line.run());
        }
        let requests = guard.requests();
        let connect = ConnectRequest { request, guard, deadline, permit };
        if let Err(unsent) = requests.try_send(connect) {
            // The queue has room for all that may wait, so this can only be a session that has failed.
            unsent.into_inner().request.refuse(Refusal::Failed).await;
        }
    }
}
