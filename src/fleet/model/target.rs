//! What a person names when starting a session.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::aws::{Aws, InstanceState, PingStatus, Platform};
use crate::fleet::error::FleetError;
use crate::fleet::inventory::Options;
use crate::fleet::query::spec::TargetSpec;
use crate::fleet::resolve::{Found, Resolver};

/// An instance that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What Session Manager takes as target: `i-…`, `mi-…` or `ecs:…`.
    pub id: String,
    /// Its Name tag, if it is known.
    pub name: Option<String>,
    /// Its operating system, if it is known.
    pub platform: Option<Platform>,
    /// What is known about whether it can be reached.
    pub state: TargetState,
    /// What it was found for, if that was in the cache: then it may be gone, and have a successor.
    pub(crate) origin: Option<Arc<Origin>>,
}

/// How a target was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) spec: TargetSpec,
    pub(crate) options: Options,
    pub(crate) found: Found,
}

impl Target {
    /// The instance that took the place of this one, now that no session can be had on it: looked for without the cache.
    /// None if there is none, or this one was not out of the cache.
    ///
    /// # Errors
    ///
    /// If nothing is meant any more, several equally good instances are, or nobody answered.
    pub async fn successor(&self, aws: &Aws) -> Result<Option<Self>, FleetError> {
        let Some(origin) = &self.origin else { return Ok(None) };
        let now = Resolver::new(aws, &origin.options).again(&origin.spec, &origin.found).await?;
        Ok(now.map(|now| now.instance.target()))
    }
}

/// Whether an instance can be reached, as far as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TargetState {
    /// Its agent is in touch with Systems Manager.
    Online,
    /// It runs; its agent was not asked about.
    Running,
    /// It was named by its id, and nothing was asked.
    Unknown,
    /// Its agent was registered, and has not been heard of for a while.
    Offline,
    /// It runs, but Systems Manager does not know it: no agent, no permission for it, or no way out.
    Unmanaged,
    /// EC2 says that it does not run.
    Down(InstanceState),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match self.state {
            TargetState::Unknown => Ok(()),
            state => write!(f, " ({state})"),
        }
    }
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
            Self::Unknown => "not asked",
            Self::Offline => "agent offline",
            Self::Unmanaged => "not known to Systems Manager",
            Self::Down(state) => state.as_str(),
        })
    }
}
