//! The escape keys.

use std::process::Command;

use super::{PROMPT, leave, open, run_raw, shell, started};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

#[test]
fn tilde_dot_ends_the_session() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    pty.send("sleep 1000\r");
    pty.send("~.");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
    let screen = pty.text();
    insta::assert_snapshot!(screen.lines().last().unwrap(), @"Session ended");
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn tilde_question_mark_lists_the_keys_and_the_session_goes_on() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    pty.send("\r~?");
    pty.wait_for_text("~~   send ~");
    let screen = pty.text();
    let (_, help) = screen.split_once("Escape keys").unwrap();
    let (help, _) = help.split_once("~~   send ~").unwrap();
    insta::assert_snapshot!(format!("Escape keys{help}~~   send ~"), @"
    Escape keys, recognised at the start of a line:
     ~.   end the session
     ~^Z  suspend ssmx
     ~?   this help
     ~~   send ~
    ");
    pty.send("echo o''n\r");
    pty.wait_for_text("on\n[");
    leave(pty);
}

#[test]
fn two_tildes_are_one_and_elsewhere_a_tilde_is_a_tilde() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    run_raw(&mut pty, "dd bs=1 count=9 2>/dev/null | od -An -tx1");
    // The line before ended with a carriage return.
    pty.send("~~a~.\r~b~?");
    pty.wait_for_text("7e 61 7e 2e 0d 7e 62 7e 3f");
    pty.wait_for_text("over");
    leave(pty);
}

#[test]
fn another_escape_character_leaves_the_tilde_alone() {
    let sandbox = TestSandbox::start();
    let mut command = shell(&sandbox);
    command.args(["--escape", "^]"]);
    let mut pty = started(command);
    run_raw(&mut pty, "dd bs=1 count=2 2>/dev/null | od -An -tx1");
    pty.send("~.");
    pty.wait_for_text("7e 2e");
    pty.wait_for_text("over");
    pty.send("\r\x1d.");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn tilde_ctrl_z_suspends_us_and_fg_goes_on() {
    let sandbox = TestSandbox::start();
    let mut local = Command::new("sh");
    local.arg("-i").env("PS1", "local> ").env("NO_COLOR", "1").env_remove("ENV");
    local.envs(sandbox.environment().iter().cloned());
    let mut pty = Pty::spawn(local, 80, 24);
    pty.wait_for_text("local>");
    pty.send(format!("{} shell web-1; echo co''de $?\n", sandbox.ssmx().get_program().display()));
    pty.wait_for_text(PROMPT.trim_end());

    pty.send("~\x1a");
    pty.wait_for(|screen| screen.contents().trim_end().ends_with("local>"), "local prompt");
    pty.wait_for_raw(false);
    pty.resize(90, 20);
    pty.send("echo he''re\n");
    pty.wait_for_text("here");

    pty.send("fg\n");
    pty.wait_for_raw(true);
    pty.send("echo the''re $(stty size)\r");
    pty.wait_for_text("there 20 90");
    pty.send("exit\r");
    pty.wait_for_raw(false);
    pty.wait_for(|screen| screen.contents().trim_end().ends_with("local>"), "local prompt at the end");
    pty.send("exit 7\n");
    assert_eq!(pty.wait().code(), Some(7), "{pty:?}");
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn tilde_dot_works_while_there_is_no_connection() {
    let mut sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    sandbox.stop();
    pty.wait_for_text("connection lost");
    pty.send("typed into nothing\r~.");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
}

#[test]
fn tilde_dot_works_while_the_remote_program_reads_nothing() {
    let sandbox = TestSandbox::start();
    let mut pty = open(&sandbox);
    run_raw(&mut pty, "sleep 1000");
    // More than the remote terminal, the agent and the window hold.
    pty.send(vec![b'x'; 600_000]);
    pty.send("\r~.");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
    sandbox.wait_until_no_session_is_left();
}
