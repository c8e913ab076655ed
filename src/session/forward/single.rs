//! One listener for one session, which ends with it: for sessions that another program started, and that cannot be
//! replaced here.

use std::future::Future;

use super::accept::accept;
use super::listener::Listener;
use super::observer::TunnelObserver;
use super::session::Session;
use crate::channel::End;

/// Why the listener is closed.
#[derive(Debug)]
pub(crate) enum Served<T> {
    /// The session has ended.
    Ended(End),
    /// `stop` resolved, to this; the session is ended on the service.
    Stopped(T),
}

/// Carries the connections of the listener until the session ends or `stop` resolves. `connected` is called for each of
/// them.
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
                end = ended => return Served::Ended(end),
                reason = &mut stop => Err(reason),
                incoming = async {
                    vacancy.await;
                    accept(&listeners, &mut 0, observer).await
                } => Ok(incoming),
            }
        };
        match incoming {
            Ok(incoming) => {
                connected();
                if let Err(incoming) = session.carry(incoming) {
                    incoming.reset();
                    return Served::Ended(session.end().await);
                }
            }
            Err(reason) => {
                drop(listeners);
                session.terminate().await;
                return Served::Stopped(reason);
            }
        }
    }
}
