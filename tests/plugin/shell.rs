//! Shells and commands in a terminal.

use rustix::process::Signal;

use super::play::{Play, Running};
use crate::support::command::run;
use crate::support::pty::Pty;

fn prompt(pty: &Pty) {
    pty.wait_for_text("[sandbox web-1] $");
}

#[test]
fn a_shell_has_the_terminal_to_itself() {
    let play = Play::new();
    let session = play.start(None, &[]);
    // As wide as the lines that are looked for.
    let mut pty = Pty::spawn(play.take_over_ignoring_keys(&session), 120, 24);
    pty.wait_for_text(&format!("Starting session with SessionId: {}", session.id));
    prompt(&pty);
    pty.wait_for_raw(true);

    pty.send("stty size\r");
    pty.wait_for_text("24 120");
    pty.resize(100, 30);
    for attempt in 0.. {
        pty.send(format!("stty size; echo asked-$(({attempt} + 1000))\r"));
        pty.wait_for_text(&format!("asked-{}", attempt + 1000));
        if pty.contents().contains("30 100") {
            break;
        }
        assert!(attempt < 1_000, "{pty:?}");
    }

    pty.send("sh -c 'echo beg\"\"un; exec sleep 600'; echo not\"\"this\r");
    pty.wait_for_text("begun");
    pty.send(b"\x03");
    pty.send("echo aft\"\"er\r");
    pty.wait_for_text("after");
    assert!(!pty.contents().contains("notthis"), "{pty:?}");

    // No escape keys here.
    pty.send("~.\x15echo still\"\"here\r");
    pty.wait_for_text("stillhere");
    play.cut();
    pty.send("echo res\"\"umed\r");
    pty.wait_for_text("resumed");
    pty.send("exit\r");
    assert!(pty.wait().success(), "{pty:?}");
    assert!(pty.contents().contains(&format!("Exiting session with sessionId: {}.", session.id)), "{pty:?}");
    pty.assert_restored();
    play.wait_until_over(&session.id);
}

#[test]
fn a_session_that_is_ended_elsewhere_gives_the_terminal_back() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut pty = Pty::spawn(play.take_over(&session), 120, 24);
    prompt(&pty);
    play.terminate(&session.id);
    assert!(pty.wait().success(), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn escape_keys_can_be_had() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut command = play.take_over(&session);
    command.env("SSMX_PLUGIN_ESCAPE", "~");
    let mut pty = Pty::spawn(command, 120, 24);
    prompt(&pty);
    pty.send("\r~.");
    assert!(pty.wait().success(), "{pty:?}");
    play.wait_until_over(&session.id);

    let session = play.start(None, &[]);
    let bad = run(play.take_over(&session).env("SSMX_PLUGIN_ESCAPE", "two"));
    insta::assert_snapshot!(bad.shown(), @"
    exit code: 2
    --- stderr
    error: `SSMX_PLUGIN_ESCAPE` in the environment: expected an ASCII character, `^` and a letter, or `none`
    ");
    play.wait_until_over(&session.id);
}

#[test]
fn a_termination_ends_the_session_on_the_service() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut pty = Pty::spawn(play.take_over(&session), 120, 24);
    prompt(&pty);
    pty.kill(Signal::TERM);
    assert_eq!(pty.wait().code(), Some(143), "{pty:?}");
    pty.assert_restored();
    play.wait_until_over(&session.id);
}

#[test]
fn an_interrupt_without_a_terminal_is_a_key_too() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let mut shell = Running::spawn(play.take_over_ignoring_keys(&session));
    shell.send("sh -c 'echo beg\"\"un; exec sleep 600'\n");
    shell.wait_for("begun");
    shell.kill(Signal::INT);
    // The terminal throws away what was typed before the interrupt is through.
    shell.wait_for("^C");
    shell.send("echo aft\"\"er; exit\n");
    shell.wait_for("after");
    let (status, _) = shell.wait();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn an_interactive_command_has_a_terminal() {
    let play = Play::new();
    let command = [("command", "tty && echo sum-$((40 + 2)); exit 5")];
    let session = play.start(Some("AWS-StartInteractiveCommand"), &command);
    let ran = run(&mut play.take_over(&session));
    assert!(ran.code() == 0 && ran.out().contains("/dev/") && ran.out().contains("sum-42"), "{ran:?}");
}
