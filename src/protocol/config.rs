//! What a data channel is told when it is made.

use std::time::{Duration, Instant};

use super::{AgentHandshakeConfig, CLIENT_VERSION};

/// Which end of the channel this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that asked for the session.
    Client,
    /// The end on the instance.
    Agent,
}

/// The limits of a data channel and what it cannot know by itself. A size of zero counts as one.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bulk data is cut into payloads of this many bytes, or of fewer where the line is slow. They have to be known to get
    /// through; [`super::DataChannel::discover_mtu`] tries larger ones.
    pub message_size: usize,
    /// Bytes that are accepted for sending before they fit the window; at the limit [`super::DataChannel::write`] takes
    /// less than it was offered.
    pub send_buffer: usize,
    /// Bytes that may be sent and unacknowledged at most; the window decides below it.
    pub max_window: usize,
    /// Received bytes that wait for the reader; at the limit [`super::DataChannel::can_receive`] turns false, and data
    /// handed in all the same is not acknowledged, so that its sender repeats it.
    pub receive_buffer: usize,
    /// Bytes of messages that arrived out of order; beyond it they are not acknowledged.
    pub reorder_buffer: usize,
    /// Seeds the ids of messages.
    pub seed: u64,
    /// The time of day in milliseconds since the Unix epoch at the instant `started`.
    pub epoch_ms: u64,
    /// When the channel was made.
    pub started: Instant,
}

impl Config {
    /// The usual limits.
    pub fn new(started: Instant, epoch_ms: u64, seed: u64) -> Self {
        Self {
            message_size: 1024,
            send_buffer: 256 * 1024,
            max_window: 4 << 20,
            receive_buffer: 1 << 20,
            reorder_buffer: 16 << 20,
            seed,
            epoch_ms,
            started,
        }
    }

    pub(super) fn at_least_one(self) -> Self {
        Self {
            message_size: self.message_size.max(1),
            send_buffer: self.send_buffer.max(1),
            receive_buffer: self.receive_buffer.max(1),
            ..self
        }
    }
}

/// What only a client is told.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The version that the client states in the handshake.
    pub version: String,
    /// How long after the connection data is held back for a handshake that may not come. Agents shake hands in port
    /// and non-interactive sessions always, in others only when a KMS key is configured, and the client is not told.
    /// `None`: until the handshake is complete or output arrives.
    pub handshake_grace: Option<Duration>,
    /// Where the nonces of a cipher begin; random.
    pub nonce: u128,
}

impl ClientConfig {
    /// A client that waits `handshake_grace` for a handshake.
    pub fn new(handshake_grace: Option<Duration>, nonce: u128) -> Self {
        Self { version: CLIENT_VERSION.to_owned(), handshake_grace, nonce }
    }
}

/// What only an agent is told.
#[derive(Debug)]
pub struct AgentConfig {
    /// The session, for the messages in which the agent reports its state.
    pub session_id: String,
    /// The handshake, in sessions that have one.
    pub handshake: Option<AgentHandshakeConfig>,
}
