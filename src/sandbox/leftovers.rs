//! What a sandbox has left that was killed: its folders, and the programs that its agents ran.
//!
//! An orderly end removes both. A killed sandbox cannot, so the next one does, where it is certain whose they are: a
//! folder is that of a sandbox that is gone when nobody holds its lock, and a program is one of its agents' when its home
//! directory is in that folder, whose name nobody can guess.

use crate::files::leftovers;

/// How the names of all folders of sandboxes begin.
pub(crate) const PREFIX: &str = "ssmx-sandbox-";

/// Ends the programs of sandboxes that are gone, and removes their folders.
pub(super) fn clear() {
    for left in leftovers(PREFIX) {
        end_programs(left.path());
        left.remove();
    }
}

/// Kills the programs whose home directory is in a folder. A program that starts others meanwhile is looked for again.
#[cfg(target_os = "linux")]
fn end_programs(folder: &std::path::Path) {
    /// Generations of programs at most.
    const ROUNDS: usize = 10;

    for _ in 0..ROUNDS {
        if processes().filter(|process| end_program(*process, folder)).count() == 0 {
            return;
        }
    }
}

/// Other systems do not show the environment of a program without calls that are unsafe in Rust.
#[cfg(not(target_os = "linux"))]
fn end_programs(_: &std::path::Path) {}

#[cfg(target_os = "linux")]
fn processes() -> impl Iterator<Item = rustix::process::Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

/// Kills a program if its home directory is in the folder. True if there was one to kill.
#[cfg(target_os = "linux")]
fn end_program(process: rustix::process::Pid, folder: &std::path::Path) -> bool {
    use std::os::unix::ffi::OsStrExt;

    use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    // Held before it is looked at, so that it is not another one by then that has its number.
    let Ok(held) = pidfd_open(process, PidfdFlags::empty()) else { return false };
    // Of other users' programs it cannot be read; of one that is dead and not waited for it is empty.
    let Ok(environment) = std::fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())) else { return false };
    let home = environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(b"HOME="));
    // The folder may have been reached by another path.
    let mut above = home.into_iter().flat_map(|home| std::path::Path::new(std::ffi::OsStr::from_bytes(home)).iter());
    above.any(|name| Some(name) == folder.file_name()) && pidfd_send_signal(held, Signal::KILL).is_ok()
}
