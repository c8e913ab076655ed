//! [`Target`]: what a session needs to know of an instance.

use std::fmt;

use super::state::TargetState;
use crate::aws::Platform;

/// What a session is started on.
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
