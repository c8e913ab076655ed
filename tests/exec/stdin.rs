//! `--stdin`, and what is said of an input that the command is not given.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, Running, run, run_with_input, ssmx};
use crate::support::snapshot::from_error;

fn with_input(cloud: &Cloud, words: &[&str], input: &[u8]) -> Finished {
    run_with_input(cloud.ssmx().args(["exec", "--stdin", "--binary", "web-1", "--"]).args(words), input)
}

/// A shell line in which `$0` is ssmx.
fn shell(cloud: &Cloud, line: &str) -> Command {
    let mut shell = Command::new("sh");
    let ssmx = cloud.ssmx();
    shell.args(["-c", line]).arg(ssmx.get_program());
    shell.envs(ssmx.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn every_byte_arrives_and_then_the_end() {
    let cloud = Cloud::start();
    // More than fits into any argument, with every byte in it.
    let input: Vec<u8> = (0..400_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for input in [&b""[..], b".", b"no line feed", b".\n\n.\n", &input] {
        let ran = with_input(&cloud, &["cat"], input);
        assert_eq!((ran.code(), ran.err().as_str()), (0, ""));
        assert!(ran.stdout == input, "{} of {} bytes", ran.stdout.len(), input.len());
    }
    cloud.wait_for_no_session();
}

#[test]
fn the_exit_code_and_the_streams_are_the_commands() {
    let cloud = Cloud::start();
    let words = ["exec", "--stdin", "web-1", "--", "sh", "-c", "read -r x; echo \"out $x\"; echo err >&2; exit 7"];
    let ran = run_with_input(cloud.ssmx().args(words), b"in\nmore\n");
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (7, "out in\n", "err\n"));
}

#[test]
fn a_command_need_not_read() {
    let cloud = Cloud::start();
    let input = vec![b'x'; 3_000_000];
    for (words, out) in
        [(&["true"][..], ""), (&["head", "-c", "3"], "xxx"), (&["sh", "-c", "head -c 3; exit 0"], "xxx")]
    {
        let ran = with_input(&cloud, words, &input);
        assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, out, ""), "{words:?}");
    }
    // Nor does it wait for an input that has no end.
    let endless = run(&mut shell(&cloud, "yes | \"$0\" exec --stdin web-1 -- sh -c 'head -n 2; echo end'"));
    assert_eq!((endless.code(), endless.out().as_str(), endless.err().as_str()), (0, "y\ny\nend\n", ""));
    cloud.wait_for_no_session();
}

#[test]
fn a_slow_input_is_passed_on_as_it_comes() {
    let cloud = Cloud::start();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert_eq!(run(Command::new("mkfifo").arg(&pipe)).code(), 0);
    let running = Running::start(shell(&cloud, "exec \"$0\" exec --stdin web-1 -- cat <\"$1\"").arg(&pipe));
    let mut input = File::options().write(true).open(&pipe).unwrap();
    for line in ["one", "two", "three"] {
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        running.wait_for_out(line);
    }
    drop(input);
    let ran = running.finish();
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "one\ntwo\nthree\n", ""));
}

#[test]
fn an_interrupt_reaches_the_command_and_leaves_no_session() {
    let cloud = Cloud::start();
    let words = ["exec", "--stdin", "web-1", "--", "sh", "-c", "echo begun; exec sleep 1000"];
    let running = Running::start(cloud.ssmx().args(words));
    running.wait_for_out("begun");
    running.kill(rustix::process::Signal::INT);
    assert_eq!(running.finish().code(), 1);
    cloud.wait_for_no_session();
}

#[test]
fn encrypted_sessions_carry_it_too() {
    let cloud = Cloud::with(|options| options.preferences.encrypt = true);
    let ran = run_with_input(cloud.ssmx().args(["-q", "exec", "--stdin", "web-1", "--", "cat"]), b"secret\n");
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "secret\n", ""));
}

#[test]
fn an_input_is_read_once_so_for_one_target() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["exec", "--stdin", "web-1", "web-2", "--", "cat"]));
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: `--stdin` takes one target: the input can be read only once
    ");
    assert!(cloud.history().is_empty());
}

#[test]
fn an_instance_without_the_programs_for_it_is_a_clear_error() {
    let bin = tempfile::tempdir().unwrap();
    let sh = fs::canonicalize("/bin/sh").unwrap();
    std::os::unix::fs::symlink(sh, bin.path().join("sh")).unwrap();
    let mut sandbox = ssmx();
    sandbox.args(["sandbox", "--", "ssmx", "exec", "--stdin", "web-1", "--", "cat"]).env("PATH", bin.path());
    let ran = run(&mut sandbox);
    assert_eq!((ran.code(), ran.out().as_str()), (255, ""), "{ran:?}");
    insta::assert_snapshot!(from_error(&ran.err()), @"
    error: the instance could not prepare for the input
    caused by: sh: 1: mkdir: not found
      sh: 1: rm: not found
    hint: `--stdin` needs `sh`, `stty`, `mkfifo` and `base64` on the instance
    ");
}

#[test]
fn an_input_that_is_not_passed_on_is_mentioned_once() {
    const NOTICE: &str = "ssmx: standard input is not given to the command";
    let cloud = Cloud::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "data\n").unwrap();
    let count = |ran: &Finished| ran.err().matches(NOTICE).count();

    let ran = run_with_input(cloud.ssmx().args(["exec", "web-1", "--", "cat"]), b"data\n");
    assert_eq!((ran.code(), ran.out().as_str(), count(&ran)), (0, "", 1), "{ran:?}");
    let ran = run(shell(&cloud, "exec \"$0\" exec web-1 -- cat <\"$1\"").arg(file.path()));
    assert_eq!((ran.code(), count(&ran)), (0, 1), "{ran:?}");
    let several = run_with_input(cloud.ssmx().args(["exec", "web-1", "web-2", "--", "true"]), b"data\n");
    assert_eq!(count(&several), 1, "{several:?}");
    let quiet = run_with_input(cloud.ssmx().args(["-q", "exec", "web-1", "--", "true"]), b"data\n");
    assert_eq!(count(&quiet), 0, "{quiet:?}");
    // Neither what is empty nor what somebody else reads.
    for line in [
        "exec \"$0\" exec web-1 -- true </dev/null",
        ": | \"$0\" exec web-1 -- true",
        "printf '1\\n2\\n' | while read -r n; do \"$0\" exec web-1 -- echo \"$n\"; done",
        "while read -r n; do \"$0\" exec web-1 -- echo \"$n\"; done <\"$1\"",
    ] {
        let ran = run(shell(&cloud, line).arg(file.path()));
        assert_eq!((ran.code(), ran.err().as_str()), (0, ""), "{line}");
    }
}
