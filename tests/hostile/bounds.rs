//! What a program used: its memory, measured by its parent.

use std::process::Command;

use crate::support::command::{Finished, run};

/// Runs the command in the interpreter's arms, which writes the largest resident size in KiB behind the last line of
/// standard error.
const MEASURE: &str = "
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
";

/// Runs a command to its end, and returns its largest resident size in MiB as well.
pub(super) fn measured(command: &Command) -> (Finished, u64) {
    let mut python = Command::new("python3");
    python.args(["-c", MEASURE]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    let mut ran = run(&mut python);
    let text = ran.err();
    let (said, size) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    let size: u64 = size.parse().unwrap_or_else(|_| panic!("no size in {text:?}"));
    ran.stderr = said.as_bytes().to_vec();
    (ran, size / 1024)
}
