//! One listener for one session, which ends with it: for sessions that another program started, and that cannot be
//! replaced here.

use std::future::Future;

use tokio::sync::watch;

use super::accept::accept;
use super::listener::Listener;
use super::observer::TunnelObserver;
use super::session::Session;
use super::stop::Stop;
use crate::channel::End;

/// Why the listener is closed.
#[derive(Debug)]
pub(crate) enum Served<T> {
    /// The session has ended, and whether programs have all that came before.
    Ended(End, bool),
    /// `stop` resolved, to this; the session is ended on the service.
    Stopped(T),
}

/// Carries the connections of the listener until the session ends or `stop` resolves. Programs have what came before
/// the end of the session, as long as they take some of it every minute. `connected` is called for each of them.
pub(crate) async fn serve_one<O: TunnelObserver, T>(
    listener: Listener,
    mut session: Session,
    observer: &O,
    mut connected: impl FnMut(),
    stop: impl Future<Output = T>,
) -> Served<T> {
    let listeners = [listener];
    let mut stop = std::pin::pin!(stop);
    loop {
        let incoming = {
            let (ended, vacancy) = session.split();
            tokio::select! {
                () = ended => None,
                reason = &mut stop => Some(Err(reason)),
                incoming = async {
                    vacancy.await;
                    accept(&listeners, &mut 0, observer, || false).await
                } => Some(Ok(incoming)),
            }
        };
        match incoming {
            None => {
                let end = session.ended().unwrap_or(End::Terminated);
                drop(listeners);
                return finish(session, end, observer, stop).await;
            }
            Some(Ok(incoming)) => {
                connected();
                if let Err(incoming) = session.carry(incoming) {
                    incoming.reset();
                    return Served::Ended(session.end().await, true);
                }
            }
            Some(Err(reason)) => {
                drop(listeners);
                session.terminate().await;
                return Served::Stopped(reason);
            }
        }
    }
}

/// What arrived before the end is still the programs'.
async fn finish<O: TunnelObserver, T>(
    session: Session,
    end: End,
    observer: &O,
    stop: impl Future<Output = T>,
) -> Served<T> {
    let (_not_stopped, mut not) = watch::channel(Stop::Not);
    tokio::select! {
        complete = session.finish(&mut not, observer) => Served::Ended(end, complete),
        reason = stop => Served::Stopped(reason),
    }
}
