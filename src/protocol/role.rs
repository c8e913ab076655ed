//! The two ends of a session.

/// Which end of a session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that asked for the session. In a port session it opens the streams.
    Client,
    /// The end on the instance. In a port session it accepts streams, and opens none.
    Agent,
}
