//! Waiting for what tells nobody that it has come, no longer than [`DEADLINE`].
//!
//! Output wakes whoever waits for it: see `Running` and `Pty`.

use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Often enough that no test is slower for it, and seldom enough to leave the processor to what is waited for.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks again and again until it is so, and panics when that takes too long.
///
/// Only for states of which nothing tells: the modes of a terminal, a port that another program opens, its files, a
/// process that is no child of ours, what the service lists.
#[track_caller]
pub(crate) fn poll_until(what: &str, is: impl FnMut() -> bool) {
    assert!(polled(is), "waited in vain for {what}");
}

/// The same for a caller who has more to say when it does not come: whether it came in time.
pub(crate) fn polled(mut is: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if is() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
}

/// The end of a child, if it comes in time.
#[cfg(unix)]
pub(crate) fn end_of(child: &mut Child) -> Option<ExitStatus> {
    use std::sync::mpsc;

    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let process = Pid::from_child(child);
    let (tell, told) = mpsc::channel();
    // A child cannot be waited for with a deadline, but a thread can. It leaves the exit status to `child`.
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(process), options));
        let _ = tell.send(());
    });
    told.recv_timeout(DEADLINE).ok()?;
    Some(child.wait().unwrap())
}

/// The end of a child, if it comes in time.
#[cfg(not(unix))]
pub(crate) fn end_of(child: &mut Child) -> Option<ExitStatus> {
    polled(|| child.try_wait().unwrap().is_some()).then(|| child.wait().unwrap())
}
