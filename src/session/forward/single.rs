//! One listener for one session, which ends with it: for sessions that somebody else started, so that nobody here can
//! start another.

use std::future::Future;

use super::listener::Listener;
use super::session::Session;
use super::tunnel::{Reporter, accept};
use crate::channel::End;

/// Why the listener is closed.
#[derive(Debug)]
pub(crate) enum Served<T> {
    /// The session has ended.
    Ended(End),
    /// We were told to stop, so; the session is ended on the service.
    Stopped(T),
}

/// Carries the connections of the listener until the session ends or `stop` resolves. `connected` is called for each of
/// them.
pub(crate) async fn serve_one<R: Reporter, T>(
    listener: Listener,
    mut session: Session,
    reporter: &R,
    mut connected: impl FnMut(),
    stop: impl Future<Output = T>,
) -> Served<T> {
    let listeners = [listener];
    let mut stop = std::pin::pin!(stop);
    loop {
        let local = {
            let (ended, vacancy) = session.split();
            tokio::select! {
                end = ended => return Served::Ended(end),
                told = &mut stop => Err(told),
                local = async {
                    vacancy.await;
                    accept(&listeners, &mut 0, reporter).await
                } => Ok(local),
            }
        };
        match local {
            Ok(local) => {
                connected();
                if let Err(local) = session.carry(local) {
                    local.reset();
                    return Served::Ended(session.end().await);
                }
            }
            Err(told) => {
                drop(listeners);
                session.terminate().await;
                return Served::Stopped(told);
            }
        }
    }
}
