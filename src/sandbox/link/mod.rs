//! The line between the gateway and an agent: frames in both directions, whatever is in them.
//!
//! A [`Lane`] carries the frames of one direction and outlives connections: while one side is away they wait in it.

mod event;
mod lane;
mod queue;

use std::sync::Arc;

use bytes::Bytes;

pub use event::{LinkClosed, LinkEvent};
pub(crate) use lane::Lane;

/// An agent's end of a session's data channel: whole frames in both directions.
///
/// Frames may be dropped, doubled, delayed and reordered on the way if the sandbox was asked for such faults, and
/// clients come and go; the line stays. Each direction buffers 16 MiB or 20,000 frames, whichever is reached first.
/// Clones are the same line.
#[derive(Clone, Debug)]
pub struct AgentLink {
    pub(crate) from_client: Arc<Lane>,
    pub(crate) to_client: Arc<Lane>,
}

impl AgentLink {
    /// The next event, or `None` once the session is over for the service (terminated, timed out): stop now.
    /// Dropping the future loses nothing. Only one clone may receive.
    pub async fn recv(&self) -> Option<LinkEvent> {
        self.from_client.next().await
    }

    /// Sends a frame, and waits for room while the buffer is full (a client that is away or slow).
    /// A waiting agent must go on receiving: where that is one task, use [`Self::writable`] and [`Self::try_send`].
    ///
    /// # Errors
    /// [`LinkClosed`] once the session is over.
    pub async fn send(&self, frame: Bytes) -> Result<(), LinkClosed> {
        if is_for_the_service(&frame) {
            return Ok(());
        }
        self.to_client.push(frame).await
    }

    /// Sends a frame if there is room now.
    ///
    /// # Errors
    /// The frame, when there is no room; [`LinkClosed`] once the session is over.
    pub fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>, LinkClosed> {
        if is_for_the_service(&frame) {
            return Ok(None);
        }
        self.to_client.try_push(frame)
    }

    /// Waits until [`Self::try_send`] has room, or the session is over. Dropping the future loses nothing.
    pub async fn writable(&self) {
        self.to_client.writable().await;
    }
}

/// Whether a frame reports the session's state to the service. It ends there; clients never see it.
fn is_for_the_service(frame: &[u8]) -> bool {
    frame.get(4..23) == Some(b"agent_session_state")
}
