//! `ssmx shell TARGET -- COMMAND`: one command in a terminal.

use super::shell;
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;

fn run(sandbox: &TestSandbox, words: &[&str]) -> Pty {
    let mut command = shell(sandbox);
    command.arg("--").args(words);
    Pty::spawn(command, 80, 24)
}

#[test]
fn a_command_that_reads_before_it_writes_gets_its_input() {
    let sandbox = TestSandbox::start();
    let mut pty = run(&sandbox, &["sh", "-c", "read x; echo got:$x"]);
    pty.wait_for_raw(true);
    pty.send("an answer\r");
    pty.wait_for_text("got:an answer");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    pty.assert_restored();
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn one_word_is_a_line_for_the_remote_shell() {
    let sandbox = TestSandbox::start();
    let mut pty = run(&sandbox, &["echo a; echo b | tr b c"]);
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    assert_eq!(pty.text(), "a\nc");
    pty.assert_restored();
}

#[test]
fn several_words_are_arguments_as_they_are() {
    let sandbox = TestSandbox::start();
    let mut pty = run(&sandbox, &["printf", "<%s>\\n", "a  b", "$HOME", "it's", "\"q\"", "", "x\ny"]);
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    assert_eq!(pty.text(), "<a  b>\n<$HOME>\n<it's>\n<\"q\">\n<>\n<x\ny>");
}

#[test]
fn an_interrupt_is_for_the_command() {
    let sandbox = TestSandbox::start();
    let mut pty = run(&sandbox, &["trap 'echo caught; exit' INT; echo ready; while :; do sleep 0.05; done"]);
    pty.wait_for_text("ready");
    pty.send("\x03");
    pty.wait_for_text("caught");
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
}

#[test]
fn a_document_and_its_parameters_can_be_named() {
    let sandbox = TestSandbox::start();
    let mut command = shell(&sandbox);
    command.args(["--document", "AWS-StartInteractiveCommand", "--parameters", "command=echo from a parameter"]);
    command.args(["--reason", "a test"]);
    let mut pty = Pty::spawn(command, 80, 24);
    assert_eq!(pty.wait().code(), Some(0), "{pty:?}");
    assert_eq!(pty.text(), "from a parameter");
}
