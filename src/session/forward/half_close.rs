//! The end of what a program sends, held back for a while.
//!
//! Agents close a whole connection when one direction of its stream ends. So when the program here has sent all it has
//! to send, that is not passed on at once, which would cost it the answer: it is held back until the remote side is
//! done, or has been silent for a while.

use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::incoming::Incoming;
use super::stop::is_set;

/// How long the remote side may be silent after the program has sent its last byte, before the end is passed on.
pub(in crate::session) const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes read from a program at a time.
const CHUNK: usize = 16 * 1024;

/// Reads what the program sends; empty when it has sent its last byte.
pub(super) async fn read(reader: &mut ReadHalf<Incoming>) -> io::Result<Bytes> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    reader.read_buf(&mut buffer).await?;
    Ok(buffer.freeze())
}

/// The end of what one program sends.
pub(in crate::session) struct HalfClose {
    /// Whether the program has sent its last byte.
    finished: watch::Receiver<bool>,
    timeout: Duration,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Sending,
    /// The program is done, and the end is passed on then.
    HeldUntil(Instant),
    PassedOn,
}

impl HalfClose {
    /// `finished` becomes true when the program has sent its last byte.
    pub(in crate::session) fn new(finished: watch::Receiver<bool>, timeout: Duration) -> Self {
        Self { finished, timeout, state: State::Sending }
    }

    /// The remote side has sent something.
    pub(in crate::session) fn heard(&mut self) {
        if let State::HeldUntil(at) = &mut self.state {
            *at = Instant::now() + self.timeout;
        }
    }

    /// Resolves once, when the end is to be passed on. Dropping the future loses nothing.
    pub(in crate::session) async fn due(&mut self) {
        loop {
            match self.state {
                State::Sending => {
                    if !is_set(&mut self.finished).await {
                        return pending().await;
                    }
                    self.state = State::HeldUntil(Instant::now() + self.timeout);
                }
                State::HeldUntil(at) => {
                    sleep_until(at).await;
                    self.state = State::PassedOn;
                    return;
                }
                State::PassedOn => return pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_silence_and_comes_once() {
        let timeout = Duration::from_millis(30);
        let (finished, seen) = watch::channel(false);
        let mut end = HalfClose::new(seen, timeout);
        assert!(end.due().now_or_never().is_none(), "the program may still send");
        finished.send_replace(true);
        assert!(end.due().now_or_never().is_none(), "the remote side may still answer");
        end.heard();
        let heard_at = Instant::now();
        end.due().await;
        assert!(heard_at.elapsed() >= timeout - Duration::from_millis(1), "{:?}", heard_at.elapsed());
        assert!(end.due().now_or_never().is_none());
    }
}
