//! One listener for one session, which ends with it: for sessions that somebody else started, so that nobody here can
//! start another.

use std::future::Future;
use std::time::Duration;

use super::listener::Listener;
use super::session::Session;
use super::tunnel::{Reporter, accept};
use crate::channel::End;

/// How long a session that takes no connection any more may take to say how it ended.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Why the listener is closed.
#[derive(Debug)]
pub enum Served<T> {
    /// The session has ended.
    Ended(End),
    /// We were told to stop, so; the session is ended on the service.
    Stopped(T),
}

/// Carries the connections of the listener until the session ends or `stop` resolves. `connected` is called for each of
/// them.
pub async fn serve_one<R: Reporter, T>(
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
                    return Served::Ended(end(session).await);
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

/// How a session ended that takes no connection any more.
async fn end(mut session: Session) -> End {
    let ended = tokio::time::timeout(END_PATIENCE, session.split().0).await;
    match ended {
        Ok(end) => end,
        // It has no number left for another connection.
        Err(_) => {
            session.terminate().await;
            End::Terminated
        }
    }
}
