//! `ssmx sandbox`: running a command in it, staying, and its fleets.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::command::{Finished, Running, run, ssmx};
use crate::support::pty::Pty;

fn sandbox(args: &[&str]) -> Finished {
    run(ssmx().arg("sandbox").args(args))
}

#[test]
fn the_commands_exit_code_is_ours() {
    let ran = sandbox(&["--", "sh", "-c", "echo out; echo err >&2; exit 9"]);
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (9, "out\n", "err\n"));
}

#[test]
fn a_command_that_a_signal_ended_has_128_and_its_number() {
    assert_eq!(sandbox(&["--", "sh", "-c", "kill -9 $$"]).code(), 137);
}

#[test]
fn a_command_that_is_not_there() {
    let ran = sandbox(&["--", "no-such-command"]);
    assert_eq!((ran.code(), ran.out().as_str()), (127, ""));
    assert!(ran.err().starts_with("error: cannot run `no-such-command`\ncaused by: "), "{ran:?}");
}

#[test]
fn signals_are_passed_on() {
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::HUP, "HUP")] {
        let script = format!("trap 'echo told; exit 5' {name}; echo begun; while :; do sleep 0.05; done");
        let running = Running::start(ssmx().args(["sandbox", "--", "sh", "-c", &script]).process_group(0));
        running.wait_for_out("begun");
        running.kill(signal);
        let ended = running.finish();
        assert_eq!((ended.code(), ended.out().as_str()), (5, "begun\ntold\n"), "{name}");
    }
}

#[test]
fn its_input_is_the_commands() {
    let ran = crate::support::command::run_with_input(ssmx().args(["sandbox", "--", "cat"]), b"hello\n");
    assert_eq!(ran.out(), "hello\n");
}

/// A sandbox that stays, and the environment that it printed.
fn staying() -> (Running, String) {
    let running = Running::start(ssmx().arg("sandbox").process_group(0));
    running.wait_for_err("It listens on http://127.0.0.1:");
    running.wait_for_out("\nexport no_proxy=");
    let exports = running.out();
    (running, exports)
}

#[test]
fn without_a_command_it_prints_the_environment_and_stays_until_told_to_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let (running, exports) = staying();
        assert!(running.err().contains("This is a sandbox"), "{}", running.err());
        let mut shell = Command::new("sh");
        let script = "eval \"$0\"; \"$1\" exec web-1 -- echo hi";
        let ran = run(shell.args(["-c", script, &exports]).arg(ssmx().get_program()));
        assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "hi\n", ""));
        running.kill(signal);
        assert_eq!(running.finish().code(), 0);
    }
}

#[test]
fn nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = ssmx();
    command.env("TMPDIR", folder.path());
    let ran = run(command.args(["sandbox", "--", "sh", "-c", "ssmx exec web-1 db -- touch file; ls -d $TMPDIR/*"]));
    assert_eq!(ran.code(), 0, "{ran:?}");
    assert!(ran.out().contains("ssmx-sandbox-"), "{ran:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn on_a_terminal_it_opens_a_shell_and_says_what_to_try() {
    let mut command = ssmx();
    command.arg("sandbox").env("SHELL", "/bin/sh").env("PS1", "ready> ").env_remove("ENV");
    let mut pty = Pty::spawn(command, 120, 40);
    pty.wait_for_text("This is a sandbox");
    pty.wait_for_text("web-1 web-2 web-3 db bastion");
    pty.wait_for_text("ssmx exec web-1 web-2 -- uname -sr");
    pty.wait_for_text("ready>");
    pty.send("ssmx exec web-1 -- echo h''i; exit 6\r");
    pty.wait_for_text("The sandbox is gone.");
    assert!(pty.contents().lines().any(|line| line == "hi"), "{pty:?}");
    assert_eq!(pty.wait().code(), Some(6));
    pty.assert_restored();
}

#[test]
fn an_interrupt_on_the_terminal_is_the_commands() {
    let mut command = ssmx();
    command.args([
        "sandbox",
        "--",
        "sh",
        "-c",
        "trap 'echo told; exit 5' INT; echo begun; while :; do sleep 0.05; done",
    ]);
    let mut pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text("begun");
    pty.send("\x03");
    pty.wait_for_text("told");
    assert_eq!(pty.wait().code(), Some(5));
}

#[test]
fn a_fleet_of_ones_own() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[[instance]]\nname = \"mine\"\ntags = { Env = \"test\" }\n").unwrap();
    let path = file.path().to_str().unwrap();
    let ran = sandbox(&["--fleet", path, "--", "ssmx", "exec", "mine", "--", "echo", "hi"]);
    assert_eq!((ran.code(), ran.out().as_str()), (0, "hi\n"), "{ran:?}");
    let ran = sandbox(&["--fleet", path, "--", "ssmx", "exec", "web-1", "--", "echo", "hi"]);
    assert_eq!(ran.code(), 255, "{ran:?}");
}

#[test]
fn a_fleet_file_with_a_mistake_is_told_with_its_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (text, line, reason) in [
        ("[[instance]]\nname = \"a\"\nstat = \"running\"\n", "line 3", "stat"),
        ("[[instance]]\nname = \"a\"\n\n[[instance]]\nid = \"nonsense\"\n", "line 4", "nonsense"),
        ("[[instance]\n", "line 1", ""),
        ("[[instance]]\nname = \"a\"\nstate = \"asleep\"\n", "line 3", "asleep"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let ran = sandbox(&["--fleet", file.path().to_str().unwrap(), "--", "true"]);
        assert_eq!((ran.code(), ran.out().as_str()), (2, ""), "{ran:?}");
        let said = ran.err();
        assert!(said.starts_with("error: ") && said.contains(line) && said.contains(reason), "{text}\n{said}");
    }
}

#[test]
fn a_fleet_file_that_is_not_there() {
    let ran = sandbox(&["--fleet", "/nowhere/fleet.toml", "--", "true"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("/nowhere/fleet.toml"), "{ran:?}");
}

#[test]
fn ten_thousand_instances_start_fast() {
    let begun = Instant::now();
    let ran = sandbox(&["--instances", "9992", "--seed", "1", "--", "true"]);
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""));
    // Some 50 ms; the rest is for a machine that is busy with other tests.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn too_many_instances() {
    let ran = sandbox(&["--instances", "10001", "--", "true"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("10000") || ran.err().contains("10,000"), "{ran:?}");
}

#[test]
fn faults_without_a_seed_tell_the_one_that_they_took() {
    let ran = sandbox(&["--fault", "drop=0.01", "--", "true"]);
    assert!(ran.err().starts_with("Faults by seed: repeat them with `--seed "), "{ran:?}");
    let ran = sandbox(&["--fault", "drop=0.01", "--seed", "4", "--", "true"]);
    assert_eq!(ran.err(), "");
}

#[test]
fn settings_that_cannot_be_are_mistakes() {
    for args in [["--fault", "drop=2"], ["--fault", "lose=1"], ["--agent-version", "3"], ["--agent-pace", "slow"]] {
        let ran = sandbox(&[args[0], args[1], "--", "true"]);
        assert_eq!((ran.code(), ran.out().as_str()), (2, ""), "{args:?}");
    }
}
