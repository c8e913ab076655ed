//! All ways out of a shell: the terminal is as it was, nothing is left on the service, and the exit code says what
//! happened.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, test_kill_process};
use ssmx::sandbox::{AgentSession, Outcome};

use super::{leave, open, shell};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::from_error;
use crate::support::waiting::poll_until;

/// What a full-screen program switches on.
const FULL_SCREEN: &str = r"\033[?1049h\033[?1000h\033[?1006h\033[?2004h\033[?1h\033=\033[?25l\033[Hfull screen";

/// The process id of the remote shell, which runs on this machine.
fn remote_shell(pty: &mut Pty) -> Pid {
    pty.send("echo pid''=$$=\r");
    pty.wait_for_text("pid=");
    let contents = pty.contents();
    let number = contents.rsplit_once("pid=").unwrap().1.split_once('=').unwrap().0.parse().unwrap();
    Pid::from_raw(number).unwrap()
}

#[track_caller]
fn wait_for_end_of(process: Pid) {
    poll_until("the end of the remote shell", || test_kill_process(process).is_err());
}

#[test]
fn exit_ends_us_with_success_whatever_the_shell_says() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    let remote = remote_shell(&mut pty);
    leave(pty);
    sandbox.wait_until_no_session_is_left();
    wait_for_end_of(remote);

    let mut pty = open(&sandbox);
    pty.send("exit 3\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn signals_leave_neither_a_full_screen_nor_a_session() {
    let sandbox = TestSandbox::start();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = open(&sandbox);
        let remote = remote_shell(&mut pty);
        pty.send(format!("printf '{FULL_SCREEN}'; sleep 1000\r"));
        pty.wait_for(|screen| screen.alternate_screen() && screen.contents().contains("full screen"), "full screen");
        pty.kill(signal);
        assert_eq!(pty.wait().code(), Some(code), "{signal:?} {pty:?}");
        pty.assert_restored();
        pty.wait_for(
            |screen| {
                !screen.alternate_screen()
                    && !screen.hide_cursor()
                    && !screen.bracketed_paste()
                    && !screen.application_cursor()
                    && !screen.application_keypad()
                    && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
            },
            "terminal at rest",
        );
        sandbox.wait_until_no_session_is_left();
        wait_for_end_of(remote);
    }
}

#[test]
fn a_signal_while_there_is_no_connection_ends_us_too() {
    let mut sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    sandbox.stop();
    pty.wait_for_text("connection lost");
    pty.kill(Signal::TERM);
    assert_eq!(pty.wait().code(), Some(143), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn a_session_that_somebody_else_ends_is_over() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    let remote = remote_shell(&mut pty);
    pty.send(format!("printf '{FULL_SCREEN}'; sleep 1000\r"));
    pty.wait_for(|screen| screen.alternate_screen(), "full screen");
    sandbox.terminate_sessions();
    // The service gives no reason, and does not tell this from the end of the shell.
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
    pty.wait_for(|screen| !screen.alternate_screen() && !screen.hide_cursor(), "terminal at rest");
    wait_for_end_of(remote);
}

#[test]
fn an_end_with_a_reason_is_a_failure_that_is_told() {
    let sandbox = TestSandbox::with(|options| {
        options.preferences.idle_timeout = Some(Duration::from_millis(300));
    });
    let mut pty = Pty::spawn(shell(&sandbox), 80, 24);
    assert_eq!(pty.wait().code(), Some(1), "{pty:?}");
    pty.assert_restored();
    // The prompt may or may not have come by then.
    insta::assert_snapshot!(from_error(&pty.text()), @"
    error: the session failed
    caused by: Your session timed out due to inactivity.
    ");
}

#[test]
fn an_agent_that_fails_is_quoted() {
    async fn fails(_: AgentSession) -> Outcome {
        Outcome::failed("Unable to start shell: Failed to start pty: no such user\n\n")
    }
    let sandbox = TestSandbox::with_agent(Arc::new(fails), |_| {});
    let mut pty = Pty::spawn(shell(&sandbox), 80, 24);
    assert_eq!(pty.wait().code(), Some(1), "{pty:?}");
    pty.assert_restored();
    insta::assert_snapshot!(from_error(&pty.text()), @"
    error: the session failed
    caused by: Unable to start shell: Failed to start pty: no such user
    ");
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn a_sandbox_ends_with_the_shell_in_it_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = super::shell_in_sandbox(&[]);
    command.env("TMPDIR", directory.path());
    let mut pty = super::started(command);
    let remote = remote_shell(&mut pty);
    pty.send("sleep 1000\r~.");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
    wait_for_end_of(remote);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
