//! One connection and its stream: copies both ways, and ends both as well as agents allow.
//!
//! Agents close a whole connection when one direction of its stream ends. So when the program here has sent all it has
//! to send, that is not passed on at once, which would cost it the answer: it is held back until the remote side is
//! done, or has been silent for [`GRACE`]. When the remote side is done, the program gets all that has arrived and then
//! an orderly end.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::incoming::Local;
use super::stream::Stream;
use crate::channel::SessionOver;

/// How long the remote side may be silent after the program has sent its last byte, before it is told so.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// How long the program may take to close after the remote side has. What it still sends goes nowhere, and closing at
/// once would let the system throw away what the program has not read yet.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes read from a program at a time.
const CHUNK: usize = 16 * 1024;

/// Why copying has ended.
enum Ended {
    /// The remote side is done, and all it said is with the program.
    Remote,
    /// The program is gone.
    Local,
    /// The session is.
    Session,
}

/// Serves a connection to its end; `grace` is [`GRACE`].
pub(super) async fn serve(local: Local, stream: Stream, grace: Duration) {
    let (mut reader, mut writer) = split(local);
    // When the program sent its last byte, and when the remote side was last heard of.
    let (finished, finished_seen) = watch::channel(false);
    let ended = {
        let up = up(&mut reader, &stream, finished);
        let down = down(&mut writer, &stream, finished_seen, grace);
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
async fn up(reader: &mut ReadHalf<Local>, stream: &Stream, finished: watch::Sender<bool>) -> Option<Ended> {
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

async fn read(reader: &mut ReadHalf<Local>) -> io::Result<Bytes> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    reader.read_buf(&mut buffer).await?;
    Ok(buffer.freeze())
}

/// From the stream to the program, until the remote side is done.
async fn down(
    writer: &mut WriteHalf<Local>,
    stream: &Stream,
    mut finished: watch::Receiver<bool>,
    grace: Duration,
) -> Ended {
    // The end of what the program sends is owed to the remote side from its last word on, at the earliest.
    let mut owed_at = None;
    let mut told = false;
    loop {
        tokio::select! {
            bytes = stream.read() => match bytes {
                Ok(Some(bytes)) => {
                    if writer.write_all(&bytes).await.is_err() {
                        return Ended::Local;
                    }
                    owed_at = owed_at.map(|_| Instant::now() + grace);
                }
                Ok(None) => return Ended::Remote,
                Err(SessionOver) => return Ended::Session,
            },
            true = is_set(&mut finished), if owed_at.is_none() && !told => {
                owed_at = Some(Instant::now() + grace);
            }
            () = sleep_until(owed_at.unwrap_or_else(Instant::now)), if owed_at.is_some() => {
                stream.finish();
                (owed_at, told) = (None, true);
            }
        }
    }
}

/// Waits until the flag is set; false when it never will be.
pub(super) async fn is_set(flag: &mut watch::Receiver<bool>) -> bool {
    flag.wait_for(|set| *set).await.is_ok()
}

/// Lets the program read its last bytes in peace.
async fn linger(reader: &mut ReadHalf<Local>, writer: &mut WriteHalf<Local>) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let drained = async { while read(reader).await.is_ok_and(|bytes| !bytes.is_empty()) {} };
    // Then it has had its time.
    let _ = timeout(LINGER, drained).await;
}
