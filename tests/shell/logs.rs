//! What the log does to a terminal in raw mode: nothing.

use std::fs;

use super::{leave, open, shell, started};
use crate::support::sandbox::TestSandbox;

#[test]
fn the_log_is_kept_back_until_the_terminal_is_restored() {
    let sandbox = TestSandbox::start();
    let mut command = shell(&sandbox);
    command.arg("-vv");
    let mut pty = started(command);
    // What was logged before raw mode began scrolls away.
    pty.send("clear\r");
    pty.wait_for(|screen| screen.contents().starts_with("[sandbox") && screen.contents().len() < 40, "clear screen");
    pty.send("echo on''ly; stty size\r");
    pty.wait_for_text("24 80");
    let contents = pty.contents();
    assert!(!contents.contains("TRACE") && !contents.contains("DEBUG") && !contents.contains("INFO"), "{contents}");

    let before = pty.raw_output().len();
    pty.send("exit\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
    let after = String::from_utf8_lossy(&pty.raw_output()[before..]).into_owned();
    assert!(after.contains("TRACE") && after.contains("session ended"), "{after}");
}

#[test]
fn a_log_file_gets_all_of_it_and_the_terminal_nothing() {
    let sandbox = TestSandbox::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ssmx.log");
    let mut command = shell(&sandbox);
    command.args(["-vv", "--log-file"]).arg(&file);
    let mut pty = started(command);
    pty.send("echo on''ly\r");
    pty.wait_for_text("only");
    pty.send("exit\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    let contents = pty.contents();
    assert!(contents.starts_with("[sandbox web-1] $ ") && !contents.contains("TRACE"), "{contents}");

    let log = fs::read_to_string(&file).unwrap();
    assert!(log.contains("session started") && log.contains("session ended") && log.contains("TRACE"), "{log}");
    assert!(!log.contains("only"), "{log}");
    for (name, value) in sandbox.environment() {
        let is_secret = name.contains("SECRET") || name.contains("TOKEN");
        assert!(!is_secret || !log.contains(value.as_str()), "{name} is in the log");
    }
}

#[test]
fn without_flags_nothing_but_the_remote_side_is_on_the_screen() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    pty.send("echo h''i\r");
    pty.wait_for_text("\nhi\n[sandbox web-1] $");
    assert_eq!(pty.contents().trim_end(), "[sandbox web-1] $ echo h''i\nhi\n[sandbox web-1] $");
    leave(pty);
}
