//! The speed of the agents.

/// How slow agents are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they can.
    #[default]
    Fast,
    /// As the real ones: a second before the first output, 1,024 bytes a message, a millisecond between two.
    Real,
}
