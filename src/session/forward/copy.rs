//! One connection and its stream: copies both ways, and ends both as well as agents allow.
//!
//! The end of what the program sends is held back as [`half_close`](super::half_close) says. When the remote side is
//! done, the program gets all that has arrived and then an orderly end.

use std::time::Duration;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::timeout;

use super::half_close::{HalfClose, read};
use super::incoming::Incoming;
use super::stream::Stream;
use crate::channel::SessionOver;

/// How long the program may take to close after the remote side has. What it still sends goes nowhere, but closing at
/// once would let the system discard what the program has not read yet.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// Why copying has ended.
enum Ended {
    /// The remote side is done, and the program has all it sent.
    Remote,
    /// The program is gone.
    Local,
    Session,
}

/// Serves a connection to its end. `half_close` is how long the end of what the program sends is held back at least.
pub(super) async fn serve(incoming: Incoming, stream: Stream, half_close: Duration) {
    let (mut reader, mut writer) = split(incoming);
    let (finished, finished_seen) = watch::channel(false);
    let ended = {
        let up = up(&mut reader, &stream, finished);
        let down = down(&mut writer, &stream, HalfClose::new(finished_seen, half_close));
        tokio::pin!(up, down);
        tokio::select! {
            ended = &mut down => ended,
            ended = &mut up => match ended {
                Some(ended) => ended,
                // The program has sent all it has to send.
                None => down.await,
            },
        }
    };
    match ended {
        Ended::Remote => {
            drop(stream);
            linger(&mut reader, &mut writer).await;
        }
        Ended::Local => {}
        Ended::Session => reader.unsplit(writer).reset(),
    }
}

/// From the program to the stream. `None` when the program has sent all it has to send.
async fn up(reader: &mut ReadHalf<Incoming>, stream: &Stream, finished: watch::Sender<bool>) -> Option<Ended> {
    loop {
        match read(reader).await {
            Ok(bytes) if bytes.is_empty() => {
                finished.send_replace(true);
                return None;
            }
            Ok(bytes) => {
                if stream.write(bytes).await.is_err() {
                    return Some(Ended::Session);
                }
            }
            Err(_) => return Some(Ended::Local),
        }
    }
}

/// From the stream to the program, until the remote side is done.
async fn down(writer: &mut WriteHalf<Incoming>, stream: &Stream, mut end: HalfClose) -> Ended {
    loop {
        tokio::select! {
            bytes = stream.read() => match bytes {
                Ok(Some(bytes)) => {
                    if writer.write_all(&bytes).await.is_err() {
                        return Ended::Local;
                    }
                    end.heard();
                }
                Ok(None) => return Ended::Remote,
                Err(SessionOver) => return Ended::Session,
            },
            () = end.due() => stream.finish(),
        }
    }
}

/// Lets the program read its last bytes in peace.
async fn linger(reader: &mut ReadHalf<Incoming>, writer: &mut WriteHalf<Incoming>) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let drained = async { while read(reader).await.is_ok_and(|bytes| !bytes.is_empty()) {} };
    // Then it has had its time.
    let _ = timeout(LINGER_TIMEOUT, drained).await;
}
