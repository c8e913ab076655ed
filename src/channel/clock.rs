//! The time as the runtime has it, whose clock a simulation turns.

use std::time::{Instant, SystemTime};

/// Now, on the clock that timers follow.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Now, on the clock that runs on while the machine sleeps.
#[cfg(not(test))]
pub(super) fn wall() -> SystemTime {
    SystemTime::now()
}

/// A wall clock that keeps step with the runtime's.
#[cfg(test)]
pub(super) fn wall() -> SystemTime {
    thread_local!(static ORIGIN: Instant = now());
    SystemTime::UNIX_EPOCH + now().saturating_duration_since(ORIGIN.with(|origin| *origin))
}
