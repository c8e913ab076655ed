//! The streams of a multiplexed session, as those who carry connections hold them.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use super::shared::Shared;
use super::stall::Limits;
use super::stream::Stream;
use crate::channel::clock::now;
use crate::channel::input::Input;
use crate::protocol::smux::OpenError;

/// The streams of one session.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    shared: Arc<Shared>,
    input: Input,
}

impl Streams {
    pub(in crate::channel) fn new(shared: Arc<Shared>, input: Input) -> Self {
        Self { shared, input }
    }

    /// Opens a stream; `name` is what a person knows it by.
    ///
    /// # Errors
    /// The session is over, has as many streams as it can have, or has no number left for another one.
    pub(crate) fn open(&self, name: String) -> Result<Stream, OpenError> {
        let id = self.shared.change(|state| {
            let opened = state.mux.open();
            if let Ok(id) = opened {
                state.ledger.opened(id, name, now());
            }
            opened
        })?;
        Ok(Stream::new(Arc::clone(&self.shared), self.input.clone(), id))
    }

    /// What one stream may do to the others; [`Limits::default`] otherwise.
    pub(crate) fn limit(&self, limits: Limits) {
        self.shared.lock().limits = limits;
    }

    /// Connections that the agent could not make so far.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.lock().refused
    }

    /// Whether the agent takes nothing any more, because of a connection whose destination does not read.
    pub(crate) fn is_mute(&self) -> bool {
        self.shared.mute.load(Ordering::Relaxed)
    }

    /// Goes up when something was sent, received or taken.
    pub(crate) fn moved(&self) -> u64 {
        self.shared.lock().mux.progress() + self.shared.taken.load(Ordering::Relaxed)
    }

    /// Whether nothing is on its way that can be seen from here.
    pub(crate) fn is_settled(&self) -> bool {
        let state = self.shared.lock();
        self.input.is_connected() && !state.has_undelivered() && state.mux.unread_total() == 0
    }

    /// Whether the session was over before all that programs had sent was at its destination, for all that can be seen.
    pub(crate) fn has_lost(&self) -> bool {
        self.shared.lock().lost
    }

    /// Waits until there is no stream, here or at the agent, or until the session is over. One waits at a time.
    pub(crate) async fn emptied(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.over || state.is_empty() {
                return Poll::Ready(());
            }
            state.emptied = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Lets go of all streams: nothing is sent any more, and their tasks hear that it is over.
    pub(crate) fn end(&self) {
        self.shared.lock().end();
    }
}
