//! [`Target`]: what a session needs to know of an instance.

use std::fmt;

use super::state::TargetState;
use crate::aws::Platform;
use crate::text::printable;

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
        write!(f, "{}", printable(&self.id))?;
        if let Some(name) = &self.name {
            write!(f, " {}", printable(name))?;
        }
        match self.state {
            TargetState::Unknown => Ok(()),
            state => write!(f, " ({state})"),
        }
    }
}
