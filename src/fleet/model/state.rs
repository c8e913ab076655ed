//! [`TargetState`]: whether an instance can be reached.

use std::fmt;

use crate::aws::{InstanceState, PingStatus};

/// Whether an instance can be reached, as far as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetState {
    /// Its agent is in touch with Systems Manager.
    Online,
    /// It runs; its agent was not asked about.
    Running,
    /// It was named by its id, and nothing was asked.
    Unknown,
    /// Its agent was registered, and has not been heard from for a while.
    Offline,
    /// It runs, but Systems Manager does not know it: no agent, no permission for it, or no way out.
    Unmanaged,
    /// EC2 says that it does not run.
    Down(InstanceState),
}

impl TargetState {
    /// What the state that EC2 gives and the ping status that Systems Manager gives say together. `asked`: Systems
    /// Manager was asked.
    pub(crate) fn join(state: Option<InstanceState>, ping: Option<PingStatus>, asked: bool) -> Self {
        match (state, ping) {
            // Systems Manager calls an instance online for some minutes after it was stopped.
            (Some(state), _) if state != InstanceState::Running => Self::Down(state),
            (_, Some(PingStatus::Online)) => Self::Online,
            (_, Some(_)) => Self::Offline,
            (_, None) if asked => Self::Unmanaged,
            (_, None) => Self::Running,
        }
    }

    /// Whether a session can be expected to start.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Online | Self::Running)
    }

    /// The status in one word, for a column: `online`, `running` (its agent was not asked about), `unknown`, `offline`
    /// (the agent is), `unmanaged`, or the state that EC2 gives.
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Running => "running",
            Self::Unknown => "unknown",
            Self::Offline => "offline",
            Self::Unmanaged => "unmanaged",
            Self::Down(state) => state.as_str(),
        }
    }

    /// How likely a session is to start, best first.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Online => 0,
            Self::Running | Self::Unknown => 1,
            Self::Offline | Self::Unmanaged => 2,
            Self::Down(_) => 3,
        }
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Online => "online",
            Self::Running => "running",
            Self::Unknown => "status unknown",
            Self::Offline => "agent offline",
            Self::Unmanaged => "unknown to Systems Manager",
            Self::Down(state) => state.as_str(),
        })
    }
}
