//! One stream of a multiplexed session, as the task that serves its connection holds it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::sync::watch;
use tokio::time::sleep;

use super::mux::Shared;
use crate::channel::{Input, SessionOver, now};
use crate::protocol::smux::{OpenError, StreamId, WriteError};

/// How often to look whether the last bytes of a program have left the multiplexer.
const QUEUE_POLL: Duration = Duration::from_millis(50);

/// A stream. Dropping it lets go of it: what was written still goes out, what arrives is thrown away.
#[derive(Debug)]
pub(super) struct Stream {
    shared: Arc<Shared>,
    id: StreamId,
}

impl Stream {
    /// Opens a stream; `name` is what a person knows it by.
    ///
    /// # Errors
    /// The session is over, has as many streams as it can have, or has no number left for another one.
    pub(super) fn open(shared: &Arc<Shared>, name: String) -> Result<Self, OpenError> {
        let id = {
            let mut state = shared.lock();
            let id = state.mux.open()?;
            state.streams.opened(id, name, now());
            id
        };
        shared.wake();
        Ok(Self { shared: Arc::clone(shared), id })
    }

    /// The next bytes; `None` when the remote side has finished. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The session is over or the stream was cut, and all that had arrived was read.
    pub(super) async fn read(&self) -> Result<Option<Bytes>, SessionOver> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    fn poll_read(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, SessionOver>> {
        let mut state = self.shared.lock();
        let could_receive = state.mux.can_receive();
        if let Some(bytes) = state.mux.read(self.id) {
            state.streams.taken(self.id, now());
            self.shared.tally.moved();
            if !could_receive && state.mux.can_receive() {
                self.shared.wake();
            }
            return Poll::Ready(Ok(Some(bytes)));
        }
        // A stream that was cut looks finished, and one that was complete is so also when the session is over.
        if state.streams.is_cut(self.id) {
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
    }

    /// Writes all of it, and waits while there is no room.
    ///
    /// # Errors
    /// The session is over, or the stream was cut.
    pub(super) async fn write(&self, mut bytes: Bytes) -> Result<(), SessionOver> {
        while !bytes.is_empty() {
            poll_fn(|cx| self.poll_write(cx, &mut bytes)).await?;
        }
        Ok(())
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &mut Bytes) -> Poll<Result<(), SessionOver>> {
        let mut state = self.shared.lock();
        if state.over || state.streams.is_cut(self.id) {
            return Poll::Ready(Err(SessionOver));
        }
        match state.mux.write(self.id, bytes.clone()) {
            Ok(0) => {
                state.wait(self.id).writer = Some(cx.waker().clone());
                Poll::Pending
            }
            Ok(accepted) => {
                bytes.advance(accepted);
                state.streams.sent(self.id, accepted, now());
                self.shared.wake();
                Poll::Ready(Ok(()))
            }
            Err(WriteError::Session(_)) => Poll::Ready(Err(SessionOver)),
            // Our own code never writes after it has finished, and bytes written then would have no reader.
            Err(WriteError::UnknownStream | WriteError::Finished) => {
                bytes.clear();
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Waits until the stream is cut because it holds up others.
    pub(super) async fn is_cut(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.streams.is_cut(self.id) {
                return Poll::Ready(());
            }
            if !state.over {
                state.wait(self.id).cut = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Whether programs that have sent all they have to send get less time for an answer.
    pub(super) fn hurry(&self) -> watch::Receiver<bool> {
        self.shared.hurry.subscribe()
    }

    /// The program has taken something.
    pub(super) fn moved(&self) {
        self.shared.tally.moved();
    }

    /// Waits until the agent has acknowledged all that was written, however long that takes.
    ///
    /// # Errors
    /// The session is over.
    pub(super) async fn delivered(&self) -> Result<(), SessionOver> {
        // Nobody tells when the last byte leaves the multiplexer, and nobody is in a hurry.
        while self.shared.lock().mux.queued(self.id) > 0 {
            sleep(QUEUE_POLL).await;
        }
        match self.shared.carrier() {
            Some(input) => input.delivered().await,
            None => Ok(()),
        }
    }

    /// Since when the session has a connection.
    pub(super) fn connected(&self) -> Option<watch::Receiver<Option<Instant>>> {
        self.shared.carrier().map(Input::connected)
    }

    /// Ends our direction behind what was written.
    pub(super) fn finish(&self) {
        self.shared.lock().mux.finish(self.id);
        self.shared.wake();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.lock().close(self.id);
        self.shared.wake();
    }
}
