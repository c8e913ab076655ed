//! What is sent before it is certain that a session has no handshake; TLS has the same and calls it early data.
//!
//! An agent that wants a handshake throws away everything that arrives before it, and acknowledges it all the same; and
//! what it throws away has travelled in the clear, although the handshake may ask for encryption. So a client first
//! sends nothing but a terminal size, which is never encrypted, until the agent acknowledges it. An agent that wants a
//! handshake has asked for it before it can do that. Then the client sends a little data and keeps a copy, until it is
//! certain.
//!
//! The end of a handshake is not the beginning of the program: for a moment the agent still throws away what arrives,
//! and may acknowledge it. So a client settles for some milliseconds before its first data.

use bytes::Bytes;

use crate::protocol::payload::PayloadType;

/// Bytes that are sent while a handshake may still come; more wait until it cannot.
const MAX_TENTATIVE: usize = 16 * 1024;

/// Whether data may go out before a handshake.
pub(super) enum EarlyData {
    /// No: a handshake may come, is in progress, or has failed.
    Blocked,
    /// Not yet: the handshake is complete, and the agent is about to start what the session is for.
    Settling,
    /// Nothing but a size, to find out whether the agent is there.
    Probing(Tentative),
    /// Yes, but a handshake may still come.
    Tentative(Tentative),
    /// Yes: the handshake is complete, or none will come.
    Confirmed,
}

/// Copies of what was sent while a handshake may still come.
#[derive(Default)]
pub(super) struct Tentative {
    sent: Vec<(PayloadType, Bytes)>,
    bytes: usize,
}

impl Tentative {
    fn has_room(&self) -> bool {
        self.bytes < MAX_TENTATIVE
    }
}

impl EarlyData {
    /// Whether data may go out now.
    pub(super) fn is_allowed(&self) -> bool {
        match self {
            Self::Blocked | Self::Settling | Self::Probing(_) => false,
            Self::Tentative(tentative) => tentative.has_room(),
            Self::Confirmed => true,
        }
    }

    /// Whether a size may go out now.
    pub(super) fn allows_size(&self) -> bool {
        match self {
            Self::Blocked | Self::Settling => false,
            Self::Probing(tentative) | Self::Tentative(tentative) => tentative.has_room(),
            Self::Confirmed => true,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Settling => "settling",
            Self::Probing(_) => "probing",
            Self::Tentative(_) => "tentative",
            Self::Confirmed => "confirmed",
        }
    }

    /// Notes that a stream message goes out for the first time.
    pub(super) fn on_sent(&mut self, payload_type: PayloadType, payload: &Bytes) {
        if let Self::Probing(tentative) | Self::Tentative(tentative) = self {
            tentative.bytes += payload.len();
            tentative.sent.push((payload_type, payload.clone()));
        }
    }

    /// A handshake has begun. Returns what was sent before it, oldest first: the agent has thrown it away.
    pub(super) fn block(&mut self) -> Vec<(PayloadType, Bytes)> {
        match std::mem::replace(self, Self::Blocked) {
            Self::Probing(tentative) | Self::Tentative(tentative) => tentative.sent,
            Self::Blocked | Self::Settling | Self::Confirmed => Vec::new(),
        }
    }
}
