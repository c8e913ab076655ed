//! The way into a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot, watch};

use super::command::Command;
use crate::protocol::{Flag, Size};

/// Commands that wait for the session's task; with [`CHUNK`] this bounds what is accepted and not yet in the send buffer.
pub(super) const COMMANDS: usize = 16;

/// Writes are handed to the session's task in pieces of this many bytes.
const CHUNK: usize = 32 * 1024;

/// The session is over, and takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub(crate) struct SessionOver;

/// The way into a session.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(super) ready: Arc<AtomicBool>,
    pub(super) connected: watch::Receiver<Option<Instant>>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) sizes: watch::Sender<Option<Size>>,
}

impl Input {
    /// Whether [`Event::Ready`] has come, or is about to.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Sends bytes, and waits while the session takes none. Dropping the future may lose what was not yet accepted.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn write(&self, mut bytes: Bytes) -> Result<(), SessionOver> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK));
            self.commands.send(Command::Write(chunk)).await.map_err(|_| SessionOver)?;
        }
        Ok(())
    }

    /// Waits until the session takes something. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn reserve(&self) -> Result<SendPermit<'_>, SessionOver> {
        self.commands.reserve().await.map(SendPermit).map_err(|_| SessionOver)
    }

    /// Sends a few bytes if there is room now.
    ///
    /// # Errors
    /// The bytes, when there is none or the session is over.
    pub(crate) fn try_write(&self, bytes: Bytes) -> Result<(), Bytes> {
        self.commands.try_send(Command::Write(bytes.clone())).map_err(|_| bytes)
    }

    /// Sends a flag behind everything written before it.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn flag(&self, flag: Flag) -> Result<(), SessionOver> {
        self.commands.send(Command::Flag(flag)).await.map_err(|_| SessionOver)
    }

    /// Waits until the agent has acknowledged everything written before, through any input; what is written meanwhile
    /// waits. It takes as long as the agent and the network take, reconnects included: put a limit on it.
    ///
    /// # Errors
    /// [`SessionOver`]; what was not acknowledged may not have arrived.
    pub(crate) async fn flush(&self) -> Result<(), SessionOver> {
        let (done, flushed) = oneshot::channel();
        self.commands.send(Command::Flush(done)).await.map_err(|_| SessionOver)?;
        flushed.await.map_err(|_| SessionOver)
    }

    /// Waits for the same, and holds up nothing that is written meanwhile.
    ///
    /// # Errors
    /// As those of [`Self::flush`].
    pub(crate) async fn delivered(&self) -> Result<(), SessionOver> {
        let (done, delivered) = oneshot::channel();
        self.commands.send(Command::Deliver(done)).await.map_err(|_| SessionOver)?;
        delivered.await.map_err(|_| SessionOver)
    }

    /// Whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.borrow().is_some()
    }

    /// Since when there is a connection; `None` while there is none.
    pub(crate) fn connected(&self) -> watch::Receiver<Option<Instant>> {
        self.connected.clone()
    }

    /// Sends the size of the terminal. Only the newest one is sent when several come quickly.
    pub(crate) fn resize(&self, size: Size) {
        self.sizes.send_replace(Some(size));
    }
}

/// Permission to send one more piece of input.
#[derive(Debug)]
pub(crate) struct SendPermit<'a>(mpsc::Permit<'a, Command>);

impl SendPermit<'_> {
    /// Sends what fits, and leaves the rest.
    pub(crate) fn write(self, bytes: &mut BytesMut) {
        let piece = bytes.split_to(bytes.len().min(CHUNK)).freeze();
        self.0.send(Command::Write(piece));
    }
}
