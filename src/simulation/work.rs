//! What the agents of a scenario do.

use std::time::Duration;

use bytes::Bytes;

use crate::protocol::{DataChannel, Flag, SessionType};

/// The work of a scenario.
pub(super) trait Work: Send + Sync {
    /// The part of one session's agent.
    fn begin(&self) -> Box<dyn Part>;
}

/// What one agent does in its session.
pub(super) trait Part: Send {
    /// The kind of session, and what its document says.
    fn handshake(&self) -> (SessionType, serde_json::Value);

    /// Data may flow.
    fn ready(&mut self);

    /// Bytes of the client.
    fn data(&mut self, bytes: Bytes);

    /// A flag of the client.
    fn flag(&mut self, flag: Flag);

    /// Does what can be done now, and returns when to look again.
    fn step(&mut self, channel: &mut DataChannel) -> Option<Duration>;

    /// Whether everything is done and sent.
    fn is_done(&self) -> bool;
}
