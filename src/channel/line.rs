//! A byte stream that is read to its end even when nothing can be written to it any more.
//!
//! A peer that has said all it has to say may close its socket, or drop it, while we are not reading: what it said is
//! here all the same. The WebSocket above gives up at the first error of either direction, so it is told of none when
//! writing: what is written to a line that is broken is dropped, and reading finds the end of what had arrived.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::aws::BoxedStream;

/// The stream of one connection.
pub(super) struct Line {
    stream: BoxedStream,
    broken: Option<io::Error>,
}

impl Line {
    pub(super) fn new(stream: BoxedStream) -> Self {
        Self { stream, broken: None }
    }

    /// Why nothing can be written any more.
    pub(super) fn broken(&self) -> Option<&io::Error> {
        self.broken.as_ref()
    }

    /// Passes a success on, and keeps a failure.
    fn keep<T>(&mut self, written: io::Result<T>, instead: T) -> io::Result<T> {
        written.or_else(|error| {
            self.broken = Some(error);
            Ok(instead)
        })
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        Poll::Ready(self.keep(written, buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        Poll::Ready(self.keep(flushed, ()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_had_arrived_is_read_although_writing_fails() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut line = Line::new(Box::new(ours));
        theirs.write_all(b"last words").await.unwrap();
        drop(theirs);
        line.write_all(b"an answer").await.unwrap();
        line.flush().await.unwrap();
        assert_eq!(line.broken().map(io::Error::kind), Some(io::ErrorKind::BrokenPipe));
        let mut read = Vec::new();
        line.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"last words");
    }
}
