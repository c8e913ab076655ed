//! The remote terminal is as large as ours.

use super::{PROMPT, leave, open, shell};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

#[test]
fn the_remote_terminal_starts_with_our_size() {
    let sandbox = TestSandbox::start();
    for (cols, rows) in [(80, 24), (211, 63), (500, 2), (9, 100)] {
        let mut pty = Pty::spawn(shell(&sandbox), cols, rows);
        pty.wait_for_output(|output| output.ends_with(PROMPT.as_bytes()), "prompt");
        pty.send("echo size: $(stty size)\r");
        let size = format!("\r\nsize: {rows} {cols}\r\n");
        pty.wait_for_output(|output| String::from_utf8_lossy(output).contains(&size), &size);
        leave(pty);
    }
}

#[test]
fn the_very_first_program_sees_the_size() {
    let sandbox = TestSandbox::start();
    let mut command = shell(&sandbox);
    command.args(["--", "until [ \"$(stty size)\" = '41 123' ]; do sleep 0.01; done; echo right"]);
    let mut pty = Pty::spawn(command, 123, 41);
    pty.wait_for_text("right");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
}

#[test]
fn a_remote_program_hears_of_every_resize() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    pty.send("trap 'echo now: $(stty size)' WINCH; sleep 1000 & echo wai''ting; while kill -0 $!; do wait; done\r");
    pty.wait_for_text("waiting");
    for (cols, rows) in [(100, 30), (60, 20), (132, 43)] {
        pty.resize(cols, rows);
        pty.wait_for_text(&format!("now: {rows} {cols}"));
    }
    pty.send("\x03");
    pty.send("\rkill %1; stty si''ze\r");
    pty.wait_for_text("43 132");
    leave(pty);
}
