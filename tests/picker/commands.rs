//! Commands without a target, and with one that several have.

use insta::assert_snapshot;

use super::{AtRest, line, selected, wait_for_selected, wait_until_idle, whole};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

fn start(sandbox: &TestSandbox, args: &[&str]) -> Pty {
    let mut command = sandbox.ssmx();
    command.args(args).env("TERM", "xterm-256color").env("NO_COLOR", "1");
    let pty = Pty::spawn(command, 80, 24);
    wait_until_idle(&pty);
    pty
}

#[test]
fn ssmx_alone_is_a_picker_and_then_a_shell() {
    let sandbox = TestSandbox::start();
    let mut pty = start(&sandbox, &[]);
    // What follows Enter is for the shell.
    pty.send("web-2\recho fr''om\r");
    pty.wait_for(|screen| !screen.alternate_screen(), "main screen");
    pty.wait_for_text("i-0a11ce0000000002b web-2 (online)");
    pty.wait_for_text("[sandbox web-2] $");
    pty.wait_for_text("from");
    pty.send("exit\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn leaving_it_starts_nothing() {
    let sandbox = TestSandbox::start();
    for args in [&[][..], &["shell"], &["fwd", "5432"], &["ssh"]] {
        let mut pty = start(&sandbox, args);
        pty.send("\x1b");
        assert_eq!(pty.wait().code(), Some(1), "{args:?} {pty:?}");
        pty.assert_restored();
        pty.wait_for_at_rest();
        assert_eq!(pty.contents().trim(), "", "{args:?}");
    }
    assert!(sandbox.active_sessions().is_empty());
}

#[test]
fn a_name_that_several_have_is_asked_about() {
    let sandbox = TestSandbox::start();
    let mut pty = start(&sandbox, &["shell", "web"]);
    let question = whole(&pty, |screen| selected(screen).is_some() && line(screen, 0).ends_with('3'), "question");
    assert_snapshot!(question, @"
    >  3 instances have `web` in their names                                       3
      NAME   ID                   STATUS  PLATFORM           ZONE        IP
    > web-1  i-0a11ce0000000001a  online  Amazon Linux 2023  us-east-1a  10.0.0.11
      web-2  i-0a11ce0000000002b  online  Amazon Linux 2023  us-east-1b  10.0.1.12
      web-3  i-0a11ce0000000003c  online  Amazon Linux 2023  us-east-1c  10.0.2.13















    ────────────────────────────────────────────────────────────────────────────────
    t3.small · us-east-1 · agent 3.3.3050.0 · launched 2026-09-09 14:13 UTC
    Env=prod  Role=web
    Enter choose  Ctrl-R refresh  Ctrl-Y copy id  Esc leave
    ");
    pty.send("\x1b[B\r");
    pty.wait_for_text("[sandbox web-2] $");
    pty.send("exit\r");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn a_command_runs_on_all_that_were_marked() {
    let sandbox = TestSandbox::start();
    let mut pty = start(&sandbox, &["exec", "--", "echo", "hello"]);
    pty.send("web");
    pty.wait_for(|screen| line(screen, 0).contains("3/8"), "three");
    wait_for_selected(&pty, "web-1");
    pty.send("\t\t\r");
    pty.wait_for(
        |screen| {
            let text = screen.contents();
            ["i-0a11ce0000000001a", "i-0a11ce0000000002b"]
                .iter()
                .all(|id| text.lines().any(|line| line.starts_with(id) && line.trim_end().ends_with("hello")))
        },
        "output of both",
    );
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn a_tunnel_without_a_target_asks_for_one() {
    let sandbox = TestSandbox::start();
    let mut pty = start(&sandbox, &["fwd", "0:22"]);
    pty.wait_for(|screen| selected(screen).is_some(), "picker");
    pty.send("db\r");
    pty.wait_for(|screen| !screen.alternate_screen() && screen.contents().contains("127.0.0.1:"), "tunnel");
    pty.send("\x03");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
}
