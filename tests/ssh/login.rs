//! Logging in, and running commands.

use std::process::Command;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use super::lab::Lab;
use crate::support::command::{run, run_with_input, ssmx};
use crate::support::pty::Pty;
use crate::support::snapshot::{cases, without_lines_of_ssh};

#[test]
fn a_shell_in_a_terminal_with_its_size_and_its_code() {
    let lab = Lab::new();
    let mut pty = Pty::spawn(lab.ssmx(["ssh", "web-1"]), 100, 24);
    pty.wait_for_text("[sandbox web-1] $");
    // Nothing was asked, and nothing was said of host keys.
    assert!(pty.contents().trim_start().starts_with("[sandbox web-1] $"), "{pty:?}");
    pty.send("stty size; tty\r");
    pty.wait_for_text("24 100");
    pty.wait_for_text("/dev/");
    pty.resize(120, 40);
    for attempt in 1_000.. {
        pty.send(format!("stty size; echo asked-$(({attempt} + 1))\r"));
        pty.wait_for_text(&format!("asked-{}", attempt + 1));
        if pty.contents().contains("40 120") {
            break;
        }
        assert!(attempt < 2_000, "{pty:?}");
    }
    pty.send("sh -c 'echo beg\"\"un; exec sleep 600'\r");
    pty.wait_for_text("begun");
    pty.send(b"\x03");
    pty.send("exit 7\r");
    assert_eq!(pty.wait().code(), Some(7), "{pty:?}");
    pty.assert_restored();
    lab.cloud.wait_for_no_session();
    assert_eq!(lab.left_keys(), 0);
}

#[test]
fn the_escape_that_suspends_ssh_suspends_ssmx_with_it() {
    let lab = Lab::new();
    let mut shell = lab.program("bash");
    shell.args(["--norc", "--noprofile", "-i"]).env("PS1", "here> ");
    let mut pty = Pty::spawn(shell, 100, 24);
    pty.wait_for_text("here>");
    pty.send(format!("'{}' ssh web-1\r", env!("CARGO_BIN_EXE_ssmx")));
    pty.wait_for_text("[sandbox web-1] $");
    pty.send("\r~\x1a");
    pty.wait_for_text("Stopped");
    pty.send("echo in-$((40 + 2))\r");
    pty.wait_for_text("in-42");
    pty.send("fg\r");
    pty.wait_for_raw(true);
    pty.send("echo back-$((40 + 3))\r");
    pty.wait_for_text("back-43");
    pty.send("exit\r");
    pty.wait_for_text("Connection to web-1 closed.");
    pty.send("exit\r");
    pty.wait();
}

#[test]
fn a_command_has_its_code_its_streams_and_its_input() {
    let lab = Lab::new();
    let script = "cat; printf '\\377\\000' ; echo err >&2; exit 3";
    let ran = run_with_input(&mut lab.ssmx(["ssh", "web-1", script]), b"in\xff\n\n");
    assert_eq!(ran.code(), 3, "{ran:?}");
    assert_eq!((ran.stdout.as_slice(), ran.err().as_str()), (&b"in\xff\n\n\xff\0"[..], "err\n"));
    let ended = run(&mut lab.ssmx(["ssh", "web-1", "kill -KILL $$"]));
    assert_ne!(ended.code(), 0, "{ended:?}");
    lab.cloud.wait_for_no_session();
}

#[test]
fn plain_ssh_finds_instances_by_name_and_by_id() {
    let lab = Lab::new();
    lab.configure(&["web-1"]);
    for host in ["web-1.ssmx", "i-0a11ce0000000001a"] {
        let ran = run_with_input(&mut lab.openssh("ssh", [host, "cat; echo err >&2; exit 5"]), b"in");
        assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (5, "in", "err\n"), "{ran:?}");
    }
    let unknown = run(&mut lab.openssh("ssh", ["nowhere.ssmx", "true"]));
    assert_eq!(unknown.code(), 255, "{unknown:?}");
    assert_snapshot!(without_lines_of_ssh(&unknown.err()), @"
    error: no instance is named `nowhere` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
    lab.cloud.wait_for_no_session();
}

#[test]
fn an_instance_that_is_stopped_is_one_error() {
    let lab = Lab::new();
    let commands = [&["ssh", "batch", "true"][..], &["scp", "batch:file", "here"]];
    let said = commands.map(|words| (words.join(" "), run(&mut lab.ssmx(words)).shown()));
    assert_snapshot!(cases(said), @"
    === ssh batch true
    exit code: 255
    --- stderr
    error: i-0ba7c40000000006f batch (stopped) is not connected
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-0ba7c40000000006f --region us-east-1`

    === scp batch:file here
    exit code: 255
    --- stderr
    error: i-0ba7c40000000006f batch (stopped) is not connected
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-0ba7c40000000006f --region us-east-1`
    ");
}

#[test]
fn host_keys_of_a_sandbox_are_checked_and_leave_no_trace() {
    let lab = Lab::new();
    let ran = run(&mut lab.ssmx(["ssh", "-o", "StrictHostKeyChecking=yes", "web-1", "true"]));
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""), "{ran:?}");
    assert!(!lab.file(".ssh").exists());
    let known = lab.cloud.var("SSMX_SANDBOX_KNOWN_HOSTS");
    let first = std::fs::read_to_string(known).unwrap();
    assert!(first.starts_with("i-0a11ce0000000001a,web-1,web-1.ssmx ssh-ed25519 "), "{first}");
    // Whoever has taken the place of the instance is noticed.
    let other = first.replacen("i-0a11ce0000000001a", "i-00000000000000000", 1);
    std::fs::write(known, other.replace("web-1", "web-0")).unwrap();
    let refused = run(&mut lab.ssmx(["ssh", "-o", "StrictHostKeyChecking=yes", "web-1", "true"]));
    assert!(refused.code() == 255 && refused.err().contains("Host key verification failed"), "{refused:?}");
}

#[test]
fn the_sandbox_of_the_command_line_has_ssh_servers_and_goes_at_once() {
    let begun = Instant::now();
    let mut sandbox = ssmx();
    sandbox.args(["-q", "sandbox", "--sshd", "--", env!("CARGO_BIN_EXE_ssmx"), "ssh", "web-1", "pwd; exit 9"]);
    let ran = run(&mut sandbox);
    assert_eq!((ran.code(), ran.err().as_str()), (9, ""), "{ran:?}");
    assert!(!std::path::Path::new(ran.out().trim()).exists(), "{ran:?}");
    // Not until nobody comes for the end of a session, which takes seconds.
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[test]
fn ssh_servers_are_the_systems() {
    let lab = Lab::new();
    let version = String::from_utf8(Command::new("ssh").arg("-V").output().unwrap().stderr).unwrap();
    assert!(version.starts_with("OpenSSH_"), "{version}");
    let ran = run(&mut lab.ssmx(["ssh", "-v", "web-1", "true"]));
    assert!(ran.err().contains("remote software version OpenSSH_"), "{ran:?}");
}
