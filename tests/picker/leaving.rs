//! The ways out, and what is left to the shell.

use std::process::Command;

use insta::assert_snapshot;

use super::{AtRest, ends_with, line, open, pick, wait_for_selected, wait_until_idle};
use crate::support::command::run;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::cases;

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
    let commands = [&["pick"][..], &["shell"], &["fwd", "5432"], &["ssh"], &["exec", "--", "ls"]];
    let said = commands.map(|words| (words.join(" "), run(sandbox.ssmx().args(words)).shown()));
    assert_snapshot!(cases(said), @"
    === pick
    exit code: 3
    --- stderr
    error: no target given, and no terminal to choose one on
    hint: name an instance: its id (i-…, mi-…), its Name, or a tag like Role=web

    === shell
    exit code: 3
    --- stderr
    error: no target given, and no terminal to choose one on
    hint: name an instance: its id (i-…, mi-…), its Name, or a tag like Role=web

    === fwd 5432
    exit code: 3
    --- stderr
    error: no target given, and no terminal to choose one on
    hint: name an instance: its id (i-…, mi-…), its Name, or a tag like Role=web

    === ssh
    exit code: 255
    --- stderr
    error: no target given, and no terminal to choose one on
    hint: name an instance: its id (i-…, mi-…), its Name, or a tag like Role=web

    === exec -- ls
    exit code: 255
    --- stderr
    error: no target given, and no terminal to choose one on
    hint: name an instance: its id (i-…, mi-…), its Name, or a tag like Role=web
    ");
    // Alone it helps.
    let finished = run(&mut sandbox.ssmx());
    assert_eq!(finished.code(), 2, "{finished:?}");
}

#[test]
fn where_nothing_can_be_listed_the_reason_is_told_on_a_restored_terminal() {
    let sandbox = TestSandbox::start();
    let mut command = pick(&sandbox, &[]);
    command.env("AWS_SECRET_ACCESS_KEY", "another");
    let mut pty = Pty::spawn(command, 160, 24);
    ends_with(&mut pty, 5);
    assert_snapshot!(pty.rows(), @"
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
}
