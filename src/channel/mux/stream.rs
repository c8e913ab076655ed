//! One stream of a multiplexed session, as the task that serves its connection holds it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes};
use tokio::sync::watch;

use super::shared::Shared;
use crate::channel::clock::now;
use crate::channel::input::{Input, SessionOver};
use crate::protocol::smux::{StreamId, WriteError};

/// A stream. Dropping it lets go of it: what was written still goes out, what arrives is thrown away.
#[derive(Debug)]
pub(crate) struct Stream {
    shared: Arc<Shared>,
    input: Input,
    id: StreamId,
}

impl Stream {
    pub(super) fn new(shared: Arc<Shared>, input: Input, id: StreamId) -> Self {
        Self { shared, input, id }
    }

    /// The next bytes; `None` when the remote side has finished. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The session is over or the stream was cut, and all that had arrived was read.
    pub(crate) async fn read(&self) -> Result<Option<Bytes>, SessionOver> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    fn poll_read(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, SessionOver>> {
        self.shared.change(|state| {
            if let Some(bytes) = state.mux.read(self.id) {
                state.ledger.taken(self.id, now());
                self.shared.note_taken();
                return Poll::Ready(Ok(Some(bytes)));
            }
            // A stream that was cut looks finished, and one that was complete is so also when the session is over.
            if state.ledger.is_cut(self.id) {
                return Poll::Ready(Err(SessionOver));
            }
            if state.mux.is_finished(self.id) {
                return Poll::Ready(Ok(None));
            }
            if state.over {
                return Poll::Ready(Err(SessionOver));
            }
            state.wait(self.id).reader = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Writes all of it, and waits while there is no room.
    ///
    /// # Errors
    /// The session is over, or the stream was cut.
    pub(crate) async fn write(&self, mut bytes: Bytes) -> Result<(), SessionOver> {
        while !bytes.is_empty() {
            poll_fn(|cx| self.poll_write(cx, &mut bytes)).await?;
        }
        Ok(())
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &mut Bytes) -> Poll<Result<(), SessionOver>> {
        self.shared.change(|state| {
            if state.over || state.ledger.is_cut(self.id) {
                return Poll::Ready(Err(SessionOver));
            }
            match state.mux.write(self.id, bytes.clone()) {
                Ok(0) => {
                    state.wait(self.id).writer = Some(cx.waker().clone());
                    Poll::Pending
                }
                Ok(accepted) => {
                    bytes.advance(accepted);
                    state.ledger.sent(self.id, accepted, now());
                    Poll::Ready(Ok(()))
                }
                Err(WriteError::Session(_)) => Poll::Ready(Err(SessionOver)),
                // Our own code never writes after it has finished, and bytes written then would have no reader.
                Err(WriteError::UnknownStream | WriteError::Finished) => {
                    bytes.clear();
                    Poll::Ready(Ok(()))
                }
            }
        })
    }

    /// Waits until the stream is cut because it holds up others.
    pub(crate) async fn is_cut(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.ledger.is_cut(self.id) {
                return Poll::Ready(());
            }
            if !state.over {
                state.wait(self.id).cut = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// The program has taken something.
    pub(crate) fn taken(&self) {
        self.shared.note_taken();
    }

    /// Waits until the agent has acknowledged all that was written, however long that takes.
    ///
    /// # Errors
    /// The session is over.
    pub(crate) async fn delivered(&self) -> Result<(), SessionOver> {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.over {
                return Poll::Ready(Err(SessionOver));
            }
            if state.mux.queued(self.id) == 0 {
                return Poll::Ready(Ok(()));
            }
            state.draining.insert(self.id, cx.waker().clone());
            Poll::Pending
        })
        .await?;
        self.input.delivered().await
    }

    /// Whether the session is over.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.lock().over
    }

    /// Since when the session has a connection.
    pub(crate) fn connected(&self) -> watch::Receiver<Option<Instant>> {
        self.input.connected()
    }

    /// Ends our direction behind what was written.
    pub(crate) fn finish(&self) {
        self.shared.change(|state| state.mux.finish(self.id));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.change(|state| state.close(self.id));
    }
}
