//! A connection in memory, for simulations.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// Bytes on their way each way.
const CAPACITY: usize = 64 * 1024;

/// Our end of a connection.
#[derive(Debug)]
pub(super) struct Pipe {
    stream: Mutex<DuplexStream>,
    reset: Reset,
}

/// Whether a connection was reset by our end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reset(Arc<AtomicBool>);

impl Reset {
    pub(crate) fn was_reset(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

pub(super) fn pipe() -> (DuplexStream, Pipe, Reset) {
    let (near, far) = tokio::io::duplex(CAPACITY);
    let reset = Reset::default();
    (near, Pipe { stream: Mutex::new(far), reset: reset.clone() }, reset)
}

impl Pipe {
    pub(super) fn stream(&mut self) -> &mut DuplexStream {
        self.stream.get_mut().expect("no panic")
    }

    pub(super) fn reset(&self) {
        self.reset.0.store(true, Ordering::SeqCst);
    }

    pub(super) async fn read(&self, chunk: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(chunk);
        poll_fn(|cx| Pin::new(&mut *self.stream.lock().expect("no panic")).poll_read(cx, &mut buffer)).await?;
        Ok(buffer.filled().len())
    }

    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *self.stream.lock().expect("no panic")).poll_write(cx, bytes)).await
    }

    /// Whether the program has dropped its end.
    pub(super) fn is_orphaned(&self) -> bool {
        let written = poll_fn(|cx| Pin::new(&mut *self.stream.lock().expect("no panic")).poll_write(cx, &[]));
        written.now_or_never().is_some_and(|written| written.is_err())
    }

    pub(super) fn finish(&self) -> io::Result<()> {
        let finished = poll_fn(|cx| Pin::new(&mut *self.stream.lock().expect("no panic")).poll_shutdown(cx));
        finished.now_or_never().unwrap_or(Ok(()))
    }
}
