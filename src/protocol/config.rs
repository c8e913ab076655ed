//! What a data channel has to know when it is made: limits, and what it cannot find out by itself.

use std::time::{Duration, Instant};

use super::{AgentHandshakeConfig, CLIENT_VERSION};

/// The limits of a data channel and what it cannot know by itself. A size of zero counts as one.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bulk data is cut into payloads of this many bytes, or of fewer where the line is slow. They have to be known to
    /// get through; [`super::DataChannel::discover_mtu`] tries larger ones.
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
    /// The limits that suit a client, with buffers of some 20 MiB together, and 16 MiB in flight at most: what a path of
    /// 200 ms holds at 80 MB/s.
    pub fn new(started: Instant, epoch_ms: u64, seed: u64) -> Self {
        Self {
            message_size: 1024,
            send_buffer: 256 * 1024,
            max_window: 16 << 20,
            receive_buffer: 1 << 20,
            reorder_buffer: 16 << 20,
            seed,
            epoch_ms,
            started,
        }
    }

    pub(super) fn at_least_one(mut self) -> Self {
        raise_zeros([&mut self.message_size, &mut self.send_buffer, &mut self.receive_buffer]);
        self
    }
}

/// Raises sizes of zero to one: with a zero nothing would ever move.
pub(super) fn raise_zeros<const N: usize>(sizes: [&mut usize; N]) {
    for size in sizes {
        *size = (*size).max(1);
    }
}

/// What only a client has to know.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The version that the client states in the handshake.
    pub version: String,
    /// How long after the connection data is held back for a handshake that may not come. Agents shake hands in port
    /// and non-interactive sessions always, in others only when a KMS key is configured, and the client cannot know.
    /// `None`: until the handshake is complete or output arrives.
    pub handshake_grace: Option<Duration>,
    /// Where the nonces of a cipher begin; random.
    pub nonce: u128,
    /// Whether agents shake hands in all sessions of this kind: then data waits until it is certain that the request for
    /// it, which may ask for encryption, was not just lost.
    pub always_handshake: bool,
    /// Whether the session ends where it would become ready without encryption, with
    /// [`Failure::EncryptionMissing`](super::Failure::EncryptionMissing). Nothing is sent before that but sizes of the terminal.
    pub require_encryption: bool,
}

impl ClientConfig {
    /// A client that waits `handshake_grace` for a handshake.
    pub fn new(handshake_grace: Option<Duration>, nonce: u128) -> Self {
        Self {
            version: CLIENT_VERSION.to_owned(),
            handshake_grace,
            nonce,
            always_handshake: false,
            require_encryption: false,
        }
    }
}

/// What only an agent has to know.
#[derive(Debug)]
pub struct AgentConfig {
    /// The session, for the messages in which the agent reports its state.
    pub session_id: String,
    /// The handshake, in sessions that have one.
    pub handshake: Option<AgentHandshakeConfig>,
}
