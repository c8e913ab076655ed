//! The ways out, and what is left to the shell.

use std::process::Command;

use super::{AtRest, ends_with, line, open, pick, wait_for_selected, wait_until_idle};
use crate::support::command::run;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

/// A bash in a pty in which `pick` is the picker of this sandbox.
fn bash(sandbox: &TestSandbox) -> Pty {
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "-i"]);
    command.envs(pick(sandbox, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PS1", "$ ").env("SSMX", env!("CARGO_BIN_EXE_ssmx"));
    let mut pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text("$ ");
    // Bracketed paste of bash's own would stand in the way of the looks at the terminal.
    pty.send("bind 'set enable-bracketed-paste off'; pick() { \"$SSMX\" pick \"$@\"; }; clear; echo re''ady\r");
    pty.wait_for_text("ready");
    pty
}

#[test]
fn escape_ctrl_c_and_the_end_of_an_empty_line_choose_nothing() {
    let sandbox = TestSandbox::start();
    for key in ["\x1b", "\x03", "\x07", "\x04"] {
        let mut pty = open(pick(&sandbox, &[]));
        pty.send(key);
        ends_with(&mut pty, 1);
        assert_eq!(pty.contents().trim(), "", "nothing is said");
    }
}

#[test]
fn a_shell_gets_the_id_and_nothing_else() {
    let sandbox = TestSandbox::start();
    let mut pty = bash(&sandbox);
    pty.send("id=$(pick web-2); echo \"<$id>\" \"code=$?\"\r");
    pty.wait_for(|screen| screen.alternate_screen(), "picker");
    wait_for_selected(&pty, "web-2");
    pty.send("\r");
    pty.wait_for_text("<i-0a11ce0000000002b> code=0");
    pty.send("id=$(pick); echo \"<$id>\" \"code=$?\"\r");
    pty.wait_for(|screen| screen.alternate_screen(), "picker");
    wait_until_idle(&pty);
    pty.send("\x1b");
    pty.wait_for_text("<> code=1");
    pty.send("exit\r");
    pty.wait();
}

#[test]
fn keys_typed_ahead_reach_the_picker_and_those_behind_it_the_shell() {
    let sandbox = TestSandbox::start();
    let mut pty = bash(&sandbox);
    // In one piece: the command, the query while nobody reads yet, and two commands for after the picker.
    // The echo of the command must not look like the prompt, which comes when the shell has left its line editor.
    pty.send("read -r -p 'wa''it ' x; id=$(pick)\r");
    pty.wait_for_text("wait ");
    pty.send("\rweb-3");
    pty.wait_for(|screen| screen.alternate_screen(), "picker");
    pty.wait_for(|screen| line(screen, 0).starts_with("> web-3"), "what was typed ahead");
    wait_for_selected(&pty, "web-3");
    pty.send("\recho \"<$id>\"; echo be''hind\recho al''so\r");
    pty.wait_for_text("<i-0a11ce0000000003c>");
    pty.wait_for_text("behind");
    pty.wait_for_text("also");
    pty.wait_for_at_rest();
    pty.send("exit\r");
    pty.wait();
}

#[test]
fn without_a_terminal_there_is_nobody_to_ask() {
    let sandbox = TestSandbox::start();
    for args in [&["pick"][..], &["shell"], &["fwd", "5432"]] {
        let finished = run(sandbox.ssmx().args(args));
        assert_eq!((finished.code(), finished.out().as_str()), (3, ""), "{args:?} {finished:?}");
        assert!(finished.err().contains("no target is named, and there is no terminal"), "{finished:?}");
        assert!(finished.err().contains("hint: name an instance"), "{finished:?}");
    }
    let finished = run(sandbox.ssmx().args(["exec", "--", "ls"]));
    assert_eq!(finished.code(), 255, "{finished:?}");
    // Alone it helps.
    let finished = run(&mut sandbox.ssmx());
    assert_eq!(finished.code(), 2, "{finished:?}");
}

#[test]
fn where_nothing_can_be_listed_the_reason_is_told_on_a_restored_terminal() {
    let sandbox = TestSandbox::start();
    let mut command = pick(&sandbox, &[]);
    command.env("AWS_SECRET_ACCESS_KEY", "another");
    let mut pty = Pty::spawn(command, 80, 24);
    ends_with(&mut pty, 5);
    assert!(pty.contents().contains("error: "), "{pty:?}");
}
