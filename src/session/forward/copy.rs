//! One connection and its stream: copies both ways, and ends both as well as agents allow.
//!
//! The end of what the program sends is held back as [`half_close`](super::half_close) says, unless the program is gone
//! altogether. When the remote side is done, the program gets all that has arrived and then an orderly end.

use std::time::Duration;

use futures_util::future::{FusedFuture, FutureExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::half_close::HalfClose;
use super::incoming::Incoming;
use super::remains::send_off;
use super::stop::is_set;
use super::tally::Open;
use crate::channel::{SessionOver, Stream};

/// How long the program may take to close after the remote side has. What it still sends goes nowhere, but closing at
/// once would let the system discard what the program has not read yet.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// Why copying has ended.
enum Ended {
    /// The remote side is done, and the program has all it sent.
    Remote,
    /// The program is gone.
    Local,
    /// The session is over, or the stream was cut.
    Session,
}

/// Serves a connection to its end, and counts it as `open` until then. `half_close` is how long the end of what the
/// program sends is held back at least, unless there is a hurry.
pub(super) async fn serve(
    incoming: Incoming,
    stream: Stream,
    half_close: Duration,
    hurry: watch::Receiver<bool>,
    open: Open,
) {
    let (finished, finished_seen) = watch::channel(false);
    let (arrived, all_arrived) = watch::channel(false);
    let ended = {
        let up = up(&incoming, &stream, &open, finished, arrived).fuse();
        let end = HalfClose::new(all_arrived.clone(), hurry, half_close, incoming.shows_when_gone());
        let down = down(&incoming, &stream, &open, end.over(stream.connected()));
        let mut finished = finished_seen.clone();
        tokio::pin!(up, down);
        let ended = tokio::select! {
            ended = &mut down => ended,
            // Otherwise the program has sent all it has to send, or nothing more of it is taken: what has arrived for it
            // is still its own, and so is an orderly end.
            Some(ended) = &mut up => ended,
            () = is_gone(&incoming, finished_seen.clone()) => Ended::Local,
            () = stream.is_cut() => Ended::Session,
        };
        if matches!(ended, Ended::Local) && !up.is_terminated() && !*finished.borrow() {
            let sending = async {
                tokio::select! {
                    // Nothing more is taken of it: that is not a loss unless the session is over.
                    sent = &mut up => if sent.is_none() && stream.is_over() { open.lose() },
                    _ = is_set(&mut finished) => {}
                    () = stream.is_cut() => open.lose(),
                    () = discard(&stream) => {}
                }
            };
            if !send_off(sending, open.tally(), stream.connected()).await {
                open.lose();
            }
        }
        ended
    };
    match ended {
        Ended::Remote => {
            open.ends();
            drop(stream);
            // Then it has had its time.
            let _ = timeout(LINGER_TIMEOUT, incoming.linger()).await;
        }
        Ended::Local => {}
        Ended::Session => {
            // A program that is gone is not told by a reset. It may have gone just now.
            if !*all_arrived.borrow() && incoming.discard().is_some() {
                open.lose();
            }
            incoming.reset();
        }
    }
    drop(incoming);
    drop(open);
}

/// From the program to the stream. `None` when the program has sent all it has to send, or the session takes no more.
async fn up(
    incoming: &Incoming,
    stream: &Stream,
    open: &Open,
    finished: watch::Sender<bool>,
    arrived: watch::Sender<bool>,
) -> Option<Ended> {
    loop {
        open.may_send().await;
        match incoming.read().await {
            Ok(bytes) if bytes.is_empty() => {
                finished.send_replace(true);
                open.ends();
                if stream.delivered().await.is_ok() {
                    arrived.send_replace(true);
                }
                return None;
            }
            Ok(bytes) => {
                open.sent(bytes.len());
                if stream.write(bytes).await.is_err() {
                    return None;
                }
            }
            Err(_) => return Some(Ended::Local),
        }
    }
}

/// From the stream to the program, until the remote side is done.
async fn down(incoming: &Incoming, stream: &Stream, open: &Open, mut end: HalfClose) -> Ended {
    loop {
        tokio::select! {
            bytes = stream.read() => match bytes {
                Ok(Some(bytes)) => {
                    open.received(bytes.len());
                    open.handing(true);
                    if incoming.write(&bytes).await.is_err() {
                        return Ended::Local;
                    }
                    open.handing(false);
                    stream.taken();
                    end.heard();
                }
                Ok(None) => return Ended::Remote,
                Err(SessionOver) => return Ended::Session,
            },
            () = end.due() => stream.finish(),
        }
    }
}

/// Takes what comes for a program that is gone, so that it holds up nobody, until the remote side is done.
async fn discard(stream: &Stream) {
    while let Ok(Some(_)) = stream.read().await {
        stream.taken();
    }
    if stream.is_over() {
        // The other direction tells what is lost.
        std::future::pending::<()>().await;
    }
}

/// Waits until the program has reset the connection, or has closed it for both directions.
async fn is_gone(incoming: &Incoming, mut finished: watch::Receiver<bool>) {
    let closed = async {
        if !is_set(&mut finished).await {
            return std::future::pending().await;
        }
        incoming.is_gone().await;
    };
    tokio::select! {
        () = incoming.is_reset() => {}
        () = closed => {}
    }
}
