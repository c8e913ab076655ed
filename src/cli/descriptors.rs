//! How many files and connections this process may have open.
//!
//! Shells give programs 1,024, or 256 on macOS, because old ones cannot deal with more. A tunnel takes one for each
//! connection, so we take as many as we may have. The programs that we start get what we got.

#[cfg(unix)]
use std::sync::{Mutex, OnceLock, PoisonError};

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that this process was started with, if it was raised.
#[cfg(unix)]
static AT_START: OnceLock<Rlimit> = OnceLock::new();

/// What macOS takes where it says that there is no limit.
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Raises the limit to the one that the system allows this process.
pub(crate) fn raise() {
    #[cfg(unix)]
    {
        let limit = getrlimit(Resource::Nofile);
        if limit.current == limit.maximum {
            return;
        }
        let raised = |current| setrlimit(Resource::Nofile, Rlimit { current, ..limit });
        let most = limit.maximum.map_or(OPEN_MAX, |most| most.min(OPEN_MAX));
        let enough = limit.current.is_some_and(|current| current >= most);
        if raised(limit.maximum).is_ok() || !enough && raised(Some(most)).is_ok() {
            let _ = AT_START.set(limit);
        }
    }
}

/// Starts a program, which gets the limit that this process was started with.
pub(crate) fn as_at_start<T>(start: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let Some(at_start) = AT_START.get() else { return start() };
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let raised = getrlimit(Resource::Nofile);
        // There is no way to set it for the other process alone without code that is unsafe in Rust. What another thread
        // opens meanwhile fails only if more is open already than the limit of old.
        let lowered = setrlimit(Resource::Nofile, *at_start);
        let started = start();
        if lowered.is_ok() {
            let _ = setrlimit(Resource::Nofile, raised);
        }
        started
    }
    #[cfg(not(unix))]
    start()
}
