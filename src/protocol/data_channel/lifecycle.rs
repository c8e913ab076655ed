//! Where a channel is in its life.
//!
//! | phase | acknowledgements go out | stream messages go out | frames are taken | what follows |
//! |---|---|---|---|---|
//! | [`Phase::Idle`] | no | no | yes | `Connected`, `Ended` |
//! | [`Phase::Connected`] | yes | yes | yes | `Idle`, `Paused`, `Ended` |
//! | [`Phase::Paused`] | yes | no | yes | `Idle`, `Connected`, `Ended` |
//! | [`Phase::Ended`] | no | no | no | nothing |
//!
//! Only agents pause. Two facts stand beside the phase because they outlast a connection:
//!
//! - *ready*: [`Event::Ready`](super::Event::Ready) was reported. It turns true once, in any phase but `Ended`; a
//!   client's grace may end while it is `Idle`. A client that is not ready has its early data blocked; one that is
//!   ready has it blocked only while a late handshake is in progress.
//! - *accepting*, of an agent alone: its program takes data. It changes freely, and counts only once the handshake, if
//!   there is one, is complete.

/// Whether there is a connection, and what may go out on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not connected yet, or not at the moment.
    Idle,
    /// Connected, and everything may go out.
    Connected,
    /// Connected, but the service has asked an agent to hold its stream messages back.
    Paused,
    /// The session is over, for good.
    Ended,
}

impl Phase {
    /// Whether anything at all may go out.
    pub(super) fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Paused)
    }

    pub(super) fn connect(&mut self) {
        if *self != Self::Ended {
            *self = Self::Connected;
        }
    }

    pub(super) fn disconnect(&mut self) {
        if *self != Self::Ended {
            *self = Self::Idle;
        }
    }

    pub(super) fn pause(&mut self) {
        if *self == Self::Connected {
            *self = Self::Paused;
        }
    }

    pub(super) fn resume(&mut self) {
        if *self == Self::Paused {
            *self = Self::Connected;
        }
    }
}
