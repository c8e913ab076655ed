//! What the tests share.

#[cfg(unix)]
pub(crate) mod cloud;
pub(crate) mod command;
#[cfg(unix)]
pub(crate) mod pty;
#[cfg(unix)]
pub(crate) mod sandbox;
#[cfg(unix)]
pub(crate) mod signals;
pub(crate) mod snapshot;
pub(crate) mod trace;
pub(crate) mod waiting;

use std::time::Duration;

/// How long a test waits for what must come: generous, for a loaded machine with two cores.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
