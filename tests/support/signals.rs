//! Programs under test start with the default action of each signal, also in a test run that ignores some.

use std::fs;
use std::sync::Once;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// Gives the signals that were ignored at the start (under `nohup`, or in the background of a script) a handler that
/// does nothing: what is ignored is inherited, what has a handler is back at its default in a new program.
pub(crate) fn reset_ignored() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        for number in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM].map(Signal::as_raw) {
            if ignored & (1 << (number - 1)) != 0 {
                // The handler outlives the listener and the runtime.
                drop(signal(SignalKind::from_raw(number)).unwrap());
            }
        }
    });
}
