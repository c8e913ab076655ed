//! Signals that were ignored when the sandbox was started: by `nohup`, or in the background of a script.
//!
//! Programs inherit what is ignored, but those of an agent must not: the real agent is started by the system and ignores
//! nothing. A signal with a handler, in contrast, is back at its default in a new program. So each ignored signal gets a
//! handler that does nothing. For the sandbox itself that is the same as ignoring it.

use std::fs;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// The signals that get a handler. A handler for SIGTTIN or SIGTTOU would not be the same as ignoring it: the kernel
/// repeats a system call that such a signal has interrupted, for ever. The standard library resets SIGPIPE by itself.
const SIGNALS: [Signal; 9] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::TERM,
    Signal::TSTP,
    Signal::XFSZ,
];

/// Ensures that programs start with the default action of each signal. Needs a tokio runtime.
///
/// Only Linux shows what is ignored without a system call that is unsafe in Rust; elsewhere this changes nothing.
pub(crate) fn reset_ignored() {
    let ignored = ignored();
    for number in SIGNALS.map(Signal::as_raw).into_iter().filter(|number| ignored & (1 << (number - 1)) != 0) {
        // The handler stays when the listener is dropped.
        if let Err(error) = signal(SignalKind::from_raw(number)) {
            tracing::warn!(number, %error, "cannot reset a signal that the sandbox ignores, so programs on its instances ignore it too");
        }
    }
}

/// The signals that this process ignores: bit 0 stands for signal 1.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
