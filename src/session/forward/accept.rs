//! Takes turns among listeners to accept their connections.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

use super::incoming::Incoming;
use super::listener::Listener;
use super::observer::{TunnelEvent, TunnelObserver};

/// A pause when the system cannot hand out a connection, for example for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts the next connection of any listener; `next` is the listener whose turn it is. Dropping the future loses no
/// connection.
pub(super) async fn accept<O: TunnelObserver>(listeners: &[Listener], next: &mut usize, observer: &O) -> Incoming {
    let mut reported = false;
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
            Ok(incoming) => return incoming,
            // Some failures are those of one connection that is gone again.
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut reported, true) {
                    observer.tunnel(&TunnelEvent::Accept(error));
                }
                sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
