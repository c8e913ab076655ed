//! `ssmx shell` in a real pty, against the sandbox, through every layer.

mod agents;
mod command;
mod cuts;
mod escape;
mod keys;
mod leaving;
mod logs;
mod network;
mod paste;
mod pipe;
mod refused;
mod screen;
mod size;

use std::process::Command;

use crate::support::command::ssmx;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::without_reasons;

/// The prompt of a remote shell.
const PROMPT: &str = "[sandbox web-1] $ ";

/// A terminal of 80 to 24 with a remote shell in it.
fn open(sandbox: &TestSandbox) -> Pty {
    started(shell(sandbox))
}

/// `ssmx shell web-1` in a sandbox of this test.
fn shell(sandbox: &TestSandbox) -> Command {
    let mut command = sandbox.ssmx();
    command.args(["shell", "web-1"]).env("NO_COLOR", "1");
    command
}

/// `ssmx sandbox FLAGS -- ssmx shell web-1`, which needs nothing of this test.
fn shell_in_sandbox(flags: &[&str]) -> Command {
    let mut command = ssmx();
    command.arg("sandbox").args(flags).args(["--", "ssmx", "shell", "web-1"]).env("NO_COLOR", "1");
    command
}

/// Starts it in a terminal of 80 to 24, and waits for the remote shell.
#[track_caller]
fn started(command: Command) -> Pty {
    let pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text(PROMPT.trim_end());
    pty
}

/// Makes the input of the remote terminal raw, so that a remote program reads every byte as it comes, and runs one. At
/// its end comes `over`.
#[track_caller]
fn run_raw(pty: &mut Pty, program: &str) {
    pty.send(format!("stty raw -echo opost; echo rea''dy; {program}; stty sane; echo ov''er\r"));
    pty.wait_for_text("ready");
}

/// Leaves the remote shell as one does, and looks at what is left.
#[track_caller]
fn leave(mut pty: Pty) {
    pty.send("exit\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

/// What the remote side wrote to the terminal, without the notices in between.
fn remote_output(pty: &Pty) -> String {
    let mut rest = String::from_utf8(pty.raw_output()).unwrap();
    let mut output = String::new();
    while let Some((before, from)) = rest.split_once("\r\nssmx: ") {
        output.push_str(before);
        rest = from.split_once("\r\n").map_or("", |(_, after)| after).to_owned();
    }
    output + &rest
}

/// The notices of ssmx, in the order in which they came.
fn notices(pty: &Pty) -> String {
    let output = String::from_utf8(pty.raw_output()).unwrap();
    let notices: Vec<_> = output.split("\r\n").filter(|line| line.starts_with("ssmx: ")).collect();
    without_reasons(&notices.join("\n"))
}

/// The lines that `seq FIRST LAST` writes to a terminal.
fn lines(first: u32, last: u32) -> String {
    (first..=last).map(|number| format!("{number}\r\n")).collect()
}
