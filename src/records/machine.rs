//! The machine on which a process runs, and when that began: a number is given to another process later, and a folder may
//! be shared by several machines.

use std::fs;

use serde::{Deserialize, Serialize};

/// Which machine it was, and which start of a process. What a system does not tell is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    host: Option<String>,
    /// Of this run of the machine.
    boot: Option<String>,
    /// When the process was started, in the ticks of this run.
    process_start: Option<u64>,
}

impl Machine {
    /// This machine, with a process on it.
    pub(super) fn with(pid: u32) -> Self {
        let line = |path: &str| Some(fs::read_to_string(path).ok()?.trim().to_owned()).filter(|line| !line.is_empty());
        Self {
            host: line("/proc/sys/kernel/hostname"),
            boot: line("/proc/sys/kernel/random/boot_id"),
            process_start: process_start(pid),
        }
    }

    /// Whether it is this machine, now or before it was started again. Containers of one machine are one: what they share
    /// is the kernel, which has the locks.
    pub(super) fn is_this(&self) -> bool {
        let this = Self::with(0);
        self.boot == this.boot || self.host == this.host
    }

    /// Whether the process runs, and not another one with its number, as far as can be seen from here.
    pub(super) fn runs(&self, pid: u32) -> bool {
        let same_run = self.boot == Self::with(0).boot;
        same_run && self.process_start.is_some() && process_start(pid) == self.process_start
    }
}

/// When a process was started: the 22nd field of `stat`, which are counted behind the name in parentheses.
fn process_start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let pid = std::process::id();
        let this = Machine::with(pid);
        assert!(this.is_this() && this.runs(pid));
        let earlier = Machine { process_start: this.process_start.map(|start| start - 1), ..this.clone() };
        assert!(earlier.is_this() && !earlier.runs(pid));
        let restarted = Machine { boot: Some("other".to_owned()), ..this.clone() };
        assert!(restarted.is_this() && !restarted.runs(pid));
        let other = Machine { host: Some("other".to_owned()), ..restarted };
        assert!(!other.is_this());
        assert!(!Machine { process_start: None, ..this }.runs(pid), "what is not known is not taken for granted");
    }
}
