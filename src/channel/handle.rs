//! One session as its user holds it.

use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::event::Event;
use super::input::Input;
use super::mux::{Shared, Streams};

/// Events that wait for the owner; at the limit the session's task stops reading the socket.
pub(super) const EVENTS: usize = 64;

/// One session: its events, and the way in. Dropping it ends the session on the service; [`Channel::terminate`] waits
/// for that.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(super) session_id: String,
    pub(super) input: Input,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) stop: Arc<Notify>,
    pub(super) task: JoinHandle<()>,
    /// Set before [`Event::Ready`] is handed out, where the agent multiplexes.
    pub(super) streams: Arc<OnceLock<Arc<Shared>>>,
}

impl Channel {
    /// The id that the service gave the session.
    pub(crate) fn session_id(&self) -> &str {
        &self.session_id
    }

    /// A way to write; there may be several.
    pub(crate) fn input(&self) -> Input {
        self.input.clone()
    }

    /// The streams of a session that is multiplexed; known from [`Event::Ready`] on. What they carry is no event, and
    /// nothing else is to be written.
    pub(crate) fn streams(&self) -> Option<Streams> {
        self.streams.get().map(|shared| Streams::new(Arc::clone(shared), self.input.clone()))
    }

    /// The next event if it is there already.
    #[cfg(test)]
    pub(crate) fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The next event; `None` after [`Event::Ended`]. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Ends the session on the service and waits until that is done, 5 s at most. Events that were not read are lost.
    pub(crate) async fn terminate(mut self) {
        self.stop.notify_one();
        self.events.close();
        // The task ends by itself within its own time limits; a panic in it was reported by the panic hook.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

#[cfg(test)]
mod doubles;
