//! The speed of the agents.

/// How slow agents are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they can.
    #[default]
    Fast,
    /// As the real ones: a second before the first output of a terminal; of each session 1,024 bytes a message and a
    /// millisecond between two; and what is to go to the client in a row of 160 KiB, in which one connection of a session
    /// stands behind the other.
    Real,
}
