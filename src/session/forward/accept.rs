//! Takes turns among listeners to accept their connections.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::incoming::Incoming;
use super::listener::Listener;
use super::observer::{TunnelEvent, TunnelObserver};

/// A pause when the system cannot hand out a connection, for example for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the system may take to hand out a connection that stands in its queue already.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(20);

/// File descriptors that are left for the session to go on after its connection was cut: for sockets, a look-up of the
/// name, credentials out of files and programs. Where few are allowed at all it is a quarter of them.
const RESERVE: u64 = 16;

/// What a look at the listeners comes to.
enum Turn {
    Accepted(io::Result<Incoming>),
    /// The connection to the service is cut.
    Cut,
    /// So many files may be open, and only the reserve is left of them.
    Full(u64),
}

/// Accepts the next connection of any listener; `next` is the listener whose turn it is. While `is_cut` says that there
/// is no connection to the service, and while nothing but the reserve of descriptors is left, those that come wait in
/// the system's queue. Dropping the future loses no connection.
pub(super) async fn accept<O: TunnelObserver>(
    listeners: &[Listener],
    next: &mut usize,
    observer: &O,
    is_cut: impl Fn() -> bool,
) -> Incoming {
    accept_if(listeners, next, observer, is_cut, false).await
}

/// One that has come already, if there is one, cut or not: it is the last chance of those that wait.
pub(super) async fn accept_waiting<O: TunnelObserver>(
    listeners: &[Listener],
    next: &mut usize,
    observer: &O,
) -> Option<Incoming> {
    timeout(QUEUE_TIMEOUT, accept_if(listeners, next, observer, || false, true)).await.ok()
}

async fn accept_if<O: TunnelObserver>(
    listeners: &[Listener],
    next: &mut usize,
    observer: &O,
    is_cut: impl Fn() -> bool,
    always: bool,
) -> Incoming {
    let (mut reported, mut told) = (false, false);
    loop {
        let turn = {
            let mut accepts: Vec<_> = listeners.iter().map(|listener| Box::pin(listener.accept())).collect();
            let count = accepts.len();
            let any = poll_fn(|cx| {
                if is_cut() {
                    return Poll::Ready(Turn::Cut);
                }
                if let Some(limit) = limit_reached(listeners).filter(|_| !always) {
                    return Poll::Ready(Turn::Full(limit));
                }
                for offset in 0..count {
                    let index = (*next + offset) % count;
                    if let Poll::Ready(accepted) = accepts[index].as_mut().poll(cx) {
                        *next = index + 1;
                        return Poll::Ready(Turn::Accepted(accepted));
                    }
                }
                Poll::Pending
            });
            pin!(any).await
        };
        match turn {
            Turn::Accepted(Ok(incoming)) => return incoming,
            // Some failures are those of one connection that is gone again.
            Turn::Accepted(Err(error)) if is_of_connection(&error) => continue,
            Turn::Accepted(Err(error)) => {
                if !std::mem::replace(&mut reported, true) {
                    observer.tunnel(&TunnelEvent::Accept(error));
                }
            }
            Turn::Full(limit) => {
                if !std::mem::replace(&mut told, true) {
                    observer.tunnel(&TunnelEvent::Full(limit));
                }
            }
            Turn::Cut => {}
        }
        sleep(PAUSE).await;
    }
}

/// The limit of open files, if only the reserve is left of it.
#[cfg(unix)]
fn limit_reached(listeners: &[Listener]) -> Option<u64> {
    use std::os::fd::AsRawFd;

    #[cfg(test)]
    if let Some((limit, open)) = listeners.first()?.files().map(super::listener::memory::Files::counts) {
        return (open >= most_accepted(limit)).then_some(limit);
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    let most = most_accepted(limit);
    // The system gives the lowest number that is free, so that all below it are in use.
    let free = rustix::io::fcntl_dupfd_cloexec(listeners.first()?.as_fd()?, 0);
    free.map_or(true, |free| u64::try_from(free.as_raw_fd()).is_ok_and(|free| free >= most)).then_some(limit)
}

/// As many files may be open before a connection is accepted.
#[cfg(unix)]
fn most_accepted(limit: u64) -> u64 {
    limit - RESERVE.min(limit / 4)
}

/// Handles are not limited like that on other systems.
#[cfg(not(unix))]
fn limit_reached(_listeners: &[Listener]) -> Option<u64> {
    None
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
