//! Whether messages above the usual size get through.
//!
//! Agents take messages of any size; what the service in between takes is written nowhere. So the first large message
//! goes alone: nothing follows it until it is acknowledged. Where the service refuses it, nothing of it has arrived and
//! it can be cut anew.

use std::time::Instant;

use bytes::Bytes;

use super::PayloadType;

/// What the official client sends, and every service takes.
pub(super) const USUAL: usize = 1024;

/// What is known.
#[derive(Default)]
pub(super) enum Large {
    /// Nothing was sent that is larger than usual.
    #[default]
    Untried,
    /// The first one is under way.
    Trying { sequence: i64, since: Instant, payload_type: PayloadType, payload: Bytes },
    /// They get through.
    Proven,
}

impl Large {
    /// A message goes out for the first time.
    pub(super) fn sent(&mut self, now: Instant, sequence: i64, payload_type: PayloadType, payload: &Bytes) {
        if payload.len() > USUAL && matches!(self, Self::Untried) {
            *self = Self::Trying { sequence, since: now, payload_type, payload: payload.clone() };
        }
    }

    pub(super) fn acknowledged(&mut self, acknowledged: i64) {
        if matches!(self, Self::Trying { sequence, .. } if *sequence == acknowledged) {
            *self = Self::Proven;
        }
    }

    /// The trial begins anew on another connection.
    pub(super) fn connected(&mut self, now: Instant) {
        if let Self::Trying { since, .. } = self {
            *since = now;
        }
    }

    pub(super) fn trying_since(&self) -> Option<Instant> {
        match self {
            Self::Trying { since, .. } => Some(*since),
            _ => None,
        }
    }
}
