//! Without a terminal: input from a pipe, output into one.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use super::shell;
use crate::support::command::{Finished, run, run_with_input};
use crate::support::pty::Pty;
use crate::support::sandbox::TestSandbox;
use crate::support::waiting::end_of;

fn piped(sandbox: &TestSandbox, input: &str) -> Finished {
    run_with_input(&mut shell(sandbox), input.as_bytes())
}

#[test]
fn lines_from_a_pipe_are_typed_and_the_end_ends_it() {
    let sandbox = TestSandbox::start();
    for input in ["echo h''i\nexit\n", "echo h''i\n", "echo h''i"] {
        let shell = piped(&sandbox, input);
        assert_eq!(shell.code(), 0, "{input:?} {shell:?}");
        assert!(shell.out().contains("hi\r\n"), "{input:?} {shell:?}");
        assert_eq!(shell.err(), "", "{input:?}");
    }
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn nothing_to_read_is_the_end_at_once() {
    let sandbox = TestSandbox::start();
    let shell = run(&mut shell(&sandbox));
    assert_eq!(shell.code(), 0, "{shell:?}");
}

#[test]
fn escape_keys_are_not_for_pipes() {
    let sandbox = TestSandbox::start();
    let shell = piped(&sandbox, "~.\n~?\necho h''i\nexit\n");
    assert_eq!(shell.code(), 0, "{shell:?}");
    assert!(shell.out().contains("hi\r\n") && !shell.out().contains("Escape keys"), "{shell:?}");
}

#[test]
fn what_we_say_goes_to_standard_error() {
    let sandbox = TestSandbox::with(|options| options.preferences.encrypt = true);
    let shell = piped(&sandbox, "echo h''i\nexit\n");
    assert_eq!(shell.code(), 0, "{shell:?}");
    insta::assert_snapshot!(shell.err(), @"ssmx: This session is encrypted using AWS KMS.");
    assert!(shell.out().contains("hi\r\n") && !shell.out().contains("ssmx: "), "{shell:?}");
}

#[test]
fn a_large_input_from_a_pipe_arrives_whole() {
    let sandbox = TestSandbox::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("typed");
    let text = super::lines(1, 50_000).replace('\r', "");
    let shell = piped(
        &sandbox,
        &format!("stty raw -echo; head -c {} >{}; stty sane; exit\n{text}", text.len(), file.display()),
    );
    assert_eq!(shell.code(), 0, "{shell:?}");
    assert!(std::fs::read_to_string(&file).unwrap() == text);
}

#[test]
fn a_reader_that_goes_away_ends_us() {
    let sandbox = TestSandbox::start();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = shell(&sandbox);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(writer).spawn().unwrap();
    // Standard input stays open (`wait` would close it): it is the output that ends this. One that fails is noticed with
    // the next.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"while :; do echo on; sleep 0.05; done\n").unwrap();
    let code = end_of(&mut child).expect("it ends").code();
    assert_eq!(code, Some(0));
    sandbox.wait_until_no_session_is_left();
}

#[test]
fn ctrl_c_leaves_a_reader_that_takes_its_time_although_the_keyboard_is_a_terminal() {
    let sandbox = TestSandbox::start();
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("output");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let direct = shell(&sandbox);
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$@" >"$0""#]).arg(&fifo).arg(direct.get_program()).args(direct.get_args());
    for (name, value) in direct.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut pty = Pty::spawn(command, 80, 24);
    let _reads_nothing = File::open(&fifo).unwrap();
    pty.wait_for_raw(true);
    // More than the pipe holds, and less than ssmx keeps for it.
    pty.send("seq 1 30000; exit\r");
    sandbox.wait_until_no_session_is_left();
    // From here on Ctrl-C is a signal.
    pty.wait_for_raw(false);
    pty.send("\x03");
    assert_eq!(pty.wait().code(), Some(130), "{pty:?}");
}
