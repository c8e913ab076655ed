//! `ssmx sandbox`: running a command in it, staying, and its fleets.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::command::{Finished, Running, run, ssmx};
use crate::support::pty::Pty;
use crate::support::snapshot::{case, settled};

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
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 127
    --- stderr
    error: cannot run `no-such-command`
    caused by: No such file or directory (os error NUMBER)
    ");
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
    running.wait_for_err("until you interrupt it.\n");
    running.wait_for_out("\nexport no_proxy=");
    let exports = running.out();
    (running, exports)
}

#[test]
fn without_a_command_it_prints_the_environment_and_stays_until_told_to_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let (running, exports) = staying();
        insta::allow_duplicates! {
            insta::assert_snapshot!(settled(&running.err()), @"
            This is a sandbox: ssmx simulates AWS on this machine. It uses no account, and nothing leaves the machine.
            It listens on http://127.0.0.1:PORT until you interrupt it.
            ");
        }
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
    pty.wait_for_text("ready>");
    pty.send("ssmx exec web-1 -- echo h''i; exit 6\r");
    assert_eq!(pty.wait().code(), Some(6));
    pty.assert_restored();
    insta::assert_snapshot!(pty.text(), @"
    This is a sandbox: ssmx simulates AWS on this machine. It uses no account, and nothing leaves the machine.

    Instances: web-1 web-2 web-3 db bastion batch legacy win
    Endpoint:  http://127.0.0.1:PORT, set in the environment of this shell, with credentials for it

    Try:  ssmx web-1                            a shell on an instance
          ssmx exec web-1 web-2 -- uname -sr    a command on two
          ssmx exec db -- sh -c 'exit 3'        and its exit code

    `exit` ends the sandbox.
    ready> ssmx exec web-1 -- echo h''i; exit 6
    hi
    The sandbox has ended.
    ");
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
    let shown: String = [
        "[[instance]]\nname = \"a\"\nstat = \"running\"\n",
        "[[instance]]\nname = \"a\"\n\n[[instance]]\nid = \"nonsense\"\n",
        "[[instance]\n",
        "[[instance]]\nname = \"a\"\nstate = \"asleep\"\n",
    ]
    .map(|text| {
        std::fs::write(file.path(), text).unwrap();
        let ran = sandbox(&["--fleet", file.path().to_str().unwrap(), "--", "true"]);
        case(text.escape_debug(), &ran.shown())
    })
    .concat();
    insta::assert_snapshot!(shown, @r#"
    === [[instance]]\nname = \"a\"\nstat = \"running\"\n
    exit code: 2
    --- stderr
    error: cannot set up the sandbox
    caused by: /tmp/TEMPORARY: TOML parse error at line 3, column 1
        |
      3 | stat = "running"
        | ^^^^
      unknown field `stat`, expected one of `name`, `id`, `region`, `zone`, `tags`, `state`, `ping`, `last_ping`, `platform`, `platform_name`, `platform_version`, `type`, `private_ip`, `public_ip`, `agent_version`, `instance_profile`, `launched`

    === [[instance]]\nname = \"a\"\n\n[[instance]]\nid = \"nonsense\"\n
    exit code: 2
    --- stderr
    error: cannot set up the sandbox
    caused by: /tmp/TEMPORARY: line 4: nonsense is not an instance id: expected i- or mi- and 17 hexadecimal digits

    === [[instance]\n
    exit code: 2
    --- stderr
    error: cannot set up the sandbox
    caused by: /tmp/TEMPORARY: TOML parse error at line 1, column 12
        |
      1 | [[instance]
        |            ^
      unclosed array table, expected `]`

    === [[instance]]\nname = \"a\"\nstate = \"asleep\"\n
    exit code: 2
    --- stderr
    error: cannot set up the sandbox
    caused by: /tmp/TEMPORARY: TOML parse error at line 3, column 9
        |
      3 | state = "asleep"
        |         ^^^^^^^^
      unknown variant `asleep`, expected one of `pending`, `running`, `shutting-down`, `terminated`, `stopping`, `stopped`
    "#);
}

#[test]
fn a_fleet_file_that_is_not_there() {
    let ran = sandbox(&["--fleet", "/nowhere/fleet.toml", "--", "true"]);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 2
    --- stderr
    error: cannot set up the sandbox
    caused by: cannot read the fleet file /nowhere/fleet.toml
    caused by: No such file or directory (os error NUMBER)
    ");
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
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 2
    --- stderr
    error: invalid value '10001' for '--instances <N>': 10001 is not in 0..=10000

    For more information, try '--help'.
    ");
}

#[test]
fn faults_without_a_seed_tell_the_one_that_they_took() {
    let ran = sandbox(&["--fault", "drop=0.01", "--", "true"]);
    let said = ran.err();
    let (_, from_seed) = said.split_once("--seed ").unwrap();
    let (seed, _) = from_seed.split_once('`').unwrap();
    assert!(seed.parse::<u64>().is_ok(), "{said}");
    insta::assert_snapshot!(ran.shown().replace(seed, "SEED"), @"
    exit code: 0
    --- stderr
    Repeat these faults with `--seed SEED`
    ");
    let ran = sandbox(&["--fault", "drop=0.01", "--seed", "4", "--", "true"]);
    assert_eq!(ran.err(), "");
}

#[test]
fn settings_that_cannot_be_are_mistakes() {
    let shown: String = [
        ["--fault", "drop=2"],
        ["--fault", "lose=1"],
        ["--fault", "cut=soon"],
        ["--fault", "drop"],
        ["--agent-version", "3"],
        ["--agent-pace", "slow"],
        ["--api-latency", "2m"],
    ]
    .map(|args| case(args.join(" "), &sandbox(&[args[0], args[1], "--", "true"]).shown()))
    .concat();
    insta::assert_snapshot!(shown, @"
    === --fault drop=2
    exit code: 2
    --- stderr
    error: invalid value 'drop=2' for '--fault <FAULTS>': `2` is not a number between 0 and 1

    For more information, try '--help'.

    === --fault lose=1
    exit code: 2
    --- stderr
    error: invalid value 'lose=1' for '--fault <FAULTS>': unknown fault `lose`; expected `drop`, `dup`, `reorder`, `delay`, `cut`, `silent`, `silent-for`, `close-above`, `swallow-above` or `resume`

    For more information, try '--help'.

    === --fault cut=soon
    exit code: 2
    --- stderr
    error: invalid value 'cut=soon' for '--fault <FAULTS>': `soon` is not a duration like `20ms` or `5s`: expected number at 0

    For more information, try '--help'.

    === --fault drop
    exit code: 2
    --- stderr
    error: invalid value 'drop' for '--fault <FAULTS>': `drop` has no value

    For more information, try '--help'.

    === --agent-version 3
    exit code: 2
    --- stderr
    error: invalid value '3' for '--agent-version <VERSION>': expected four numbers, like `3.1.501.0`

    For more information, try '--help'.

    === --agent-pace slow
    exit code: 2
    --- stderr
    error: invalid value 'slow' for '--agent-pace <PACE>'
      [possible values: fast, real]

    For more information, try '--help'.

    === --api-latency 2m
    exit code: 2
    --- stderr
    error: invalid value '2m' for '--api-latency <DURATION>': `2m` is longer than a minute

    For more information, try '--help'.
    ");
}

#[test]
fn a_service_that_is_far_away_takes_its_time_for_every_call() {
    let start = Instant::now();
    let ran = sandbox(&["--api-latency", "300ms", "--", "ssmx", "exec", "web-1", "--", "echo", "done"]);
    assert_eq!((ran.code(), ran.out().as_str()), (0, "done\n"), "{ran:?}");
    // It is looked up and started at least, one after the other or not.
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}

/// A sandbox whose parent ignores signals, as `nohup` and the background of a script do.
#[cfg(target_os = "linux")]
fn with_ignored_signals(args: &[&str]) -> Command {
    let ssmx = ssmx();
    let mut command = Command::new("sh");
    let script = "trap '' HUP INT QUIT; exec \"$@\"";
    command.args(["-c", script, "sh"]).arg(ssmx.get_program()).arg("sandbox").args(args);
    for (name, value) in ssmx.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// SIGHUP, SIGINT, SIGQUIT, SIGPIPE and SIGTERM, in each line of `/proc/self/status` that has this name.
#[cfg(target_os = "linux")]
fn signals(status: &str, name: &str) -> Vec<u64> {
    // A prompt may stand before the name.
    let masks = status.lines().filter_map(|line| Some(line.trim_end().split_once(name)?.1));
    masks.map(|mask| u64::from_str_radix(mask, 16).unwrap() & 0x5007).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn programs_on_instances_ignore_no_signal_that_the_sandbox_ignores() {
    const PRINT: &str = "grep -E '^Sig(Blk|Ign):' /proc/self/status";
    let script = format!(
        "{PRINT}; \
         ssmx exec web-1 -- {PRINT}; \
         echo | ssmx shell web-1 -- \"{PRINT}\"; \
         printf '%s\\n' \"{PRINT}\" exit | ssmx shell web-1; \
         ssmx ssh web-1 -- \"{PRINT}\""
    );
    let ran = run(&mut with_ignored_signals(&["--sshd", "--", "sh", "-c", &script]));
    assert_eq!(signals(&ran.out(), "SigBlk:\t"), [0; 5], "{ran:?}");
    // The command of the sandbox itself is not on an instance.
    assert_eq!(signals(&ran.out(), "SigIgn:\t"), [7, 0, 0, 0, 0], "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_sandbox_that_ignores_signals_does_so_after_a_session_too() {
    let running = Running::start(with_ignored_signals(&[]).process_group(0));
    running.wait_for_out("\nexport no_proxy=");
    let exec = || {
        let script = "eval \"$0\"; \"$1\" exec web-1 -- echo hi";
        run(Command::new("sh").args(["-c", script, &running.out()]).arg(ssmx().get_program())).out()
    };
    assert_eq!(exec(), "hi\n");
    running.kill(Signal::HUP);
    running.kill(Signal::INT);
    assert_eq!(exec(), "hi\n");
    running.kill(Signal::TERM);
    // A hangup that was not ignored would make it 129.
    assert_eq!(running.finish().code(), 0);
}
