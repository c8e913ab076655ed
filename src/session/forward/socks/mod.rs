//! A port that speaks SOCKS5: each connection says itself where it leads.
//!
//! A session leads to one destination, so there is one for each that somebody has asked for: opened with the first
//! connection, shared by all of them, ended when it has been idle for a while, and only so many at once
//! ([`SocksOptions`]). Names are passed on as they are, for the instance to resolve.

pub(crate) mod pool;
pub(crate) mod request;
mod route;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::copy::is_set;
use super::endpoint::Destination;
use super::incoming::Local;
use super::listener::Listener;
use super::tunnel::{Note, Opener, Reporter, accept};
use pool::{NoRoom, Pool};
use request::{Refusal, Request};
use route::{Call, Line};

/// Connections that may wait for their answer at a time; further ones wait in the system's queue.
const MOST_WAITING: usize = 256;

/// How long a program may take to say what it wants.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);

/// How many sessions, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocksOptions {
    /// Sessions at a time, 1 at least.
    pub sessions: usize,
    /// A session without a connection is ended after so long.
    pub idle: Duration,
    /// How long a connection waits when all sessions are in use, before it is refused.
    pub patience: Duration,
}

/// Leads to any destination.
pub(crate) trait SocksRoutes: Send + Sync + 'static {
    /// Starts the sessions to one destination.
    type Opener: Opener;
    /// Hears what happens with them.
    type Reporter: Reporter;

    /// The way to a destination.
    fn to(&self, destination: &Destination) -> (Self::Opener, Arc<Self::Reporter>);

    /// What programs are told when no session can be started.
    fn refusal(error: &<Self::Opener as Opener>::Error) -> Refusal;
}

/// Carries the connections of a listener until `stop` becomes true, or its sender is gone; then all sessions are ended
/// on the service. `reporter` hears what has to do with no destination.
pub(crate) async fn serve_socks<S: SocksRoutes>(
    listener: Listener,
    routes: S,
    reporter: Arc<S::Reporter>,
    options: SocksOptions,
    mut stop: watch::Receiver<bool>,
) {
    let pool = Pool::new(options.sessions.max(1), MOST_WAITING);
    let server = Arc::new(Server { routes, reporter, options, pool: Arc::clone(&pool) });
    tokio::select! {
        () = server.run(listener) => {}
        _ = is_set(&mut stop) => {}
    }
    pool.close().await;
}

struct Server<S: SocksRoutes> {
    routes: S,
    reporter: Arc<S::Reporter>,
    options: SocksOptions,
    pool: Arc<Pool>,
}

impl<S: SocksRoutes> Server<S> {
    /// Lets everybody in. Dropping the future refuses those who still wait for a session.
    async fn run(self: &Arc<Self>, listener: Listener) {
        let listeners = [listener];
        let waiting = Arc::new(Semaphore::new(MOST_WAITING));
        let mut attended = JoinSet::new();
        loop {
            // Nobody closes the semaphore.
            let Ok(permit) = Arc::clone(&waiting).acquire_owned().await else { return };
            let local = accept(&listeners, &mut 0, &*self.reporter).await;
            while attended.try_join_next().is_some() {}
            let server = Arc::clone(self);
            attended.spawn(async move { server.attend(local, permit).await });
        }
    }

    /// From a connection that came in to the session that carries it.
    async fn attend(&self, local: Local, permit: OwnedSemaphorePermit) {
        let (request, destination) = match timeout(REQUEST_PATIENCE, Request::read(local)).await {
            Ok(Ok(read)) => read,
            Ok(Err(Some(reason))) => return self.reporter.note(&Note::Rejected(reason)),
            Ok(Err(None)) | Err(_) => return,
        };
        let deadline = Instant::now() + self.options.patience;
        let (lease, seat) = match self.pool.lease(&destination, deadline).await {
            Ok(leased) => leased,
            Err(NoRoom) => {
                self.routes.to(&destination).1.note(&Note::NoRoom);
                return request.refuse(Refusal::Failed).await;
            }
        };
        if let Some(seat) = seat {
            let (opener, reporter) = self.routes.to(&destination);
            let line = Line { opener, reporter, refusal: S::refusal, idle: self.options.idle, seat };
            // The pool knows when it has ended.
            tokio::spawn(line.run());
        }
        let calls = lease.calls();
        let call = Call { request, lease, deadline, permit };
        if let Err(unheard) = calls.try_send(call) {
            // There is room for all who may wait, so this can only be one that has failed.
            unheard.into_inner().request.refuse(Refusal::Failed).await;
        }
    }
}
