//! What an agent gets from its link.

use bytes::Bytes;

/// What the gateway has for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A frame of the client, or one of the service's own (`start_publication`, `pause_publication`).
    Frame(Bytes),
    /// The agent's own connection was cut and is back: frames in flight to the agent were lost, so whatever is
    /// unacknowledged should be repeated now.
    Reconnected,
}

/// The session is over; nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct LinkClosed;
