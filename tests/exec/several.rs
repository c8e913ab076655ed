//! Several targets side by side.

use std::collections::BTreeMap;

use crate::support::cloud::Cloud;
use crate::support::command::{run, ssmx};
use crate::support::snapshot::settled;

#[test]
fn every_line_has_the_name_of_its_target() {
    let ran = run(Cloud::start().ssmx().args(["exec", "web-1", "db", "--", "sh", "-c", "printf 'a\\nb'; echo e >&2"]));
    assert_eq!(ran.code(), 0, "{ran:?}");
    let sorted = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(ran.out()), ["db: a", "db: b", "web-1: a", "web-1: b"]);
    assert_eq!(sorted(ran.err()), ["db: e", "web-1: e"]);
}

#[test]
fn the_worst_exit_code_is_ours() {
    // Homes of instances are named by their ids: each has a code of its own.
    let script = "case $PWD in *1a) exit 0;; *1b) exit 3;; *) exit 7;; esac";
    let cloud = Cloud::start();
    let code = |targets: &[&str]| run(cloud.ssmx().arg("exec").args(targets).args(["--", "sh", "-c", script])).code();
    let alone = |target| code(&[target]);
    let (first, second, third) = (alone("web-1"), alone("web-2"), alone("db"));
    assert!(first != third && [first, second, third].contains(&0) && [first, second, third].contains(&7));
    assert_eq!(code(&["web-1", "web-2", "db"]), 7);
    assert_eq!(code(&["db", "web-2", "web-1"]), 7);
}

#[test]
fn one_that_cannot_be_had_is_named_and_the_others_run() {
    let ran = run(Cloud::start().ssmx().args(["exec", "web-1", "legacy", "web-2", "--", "echo", "hi"]));
    assert_eq!(ran.code(), 255);
    let mut lines: Vec<_> = ran.out().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["web-1: hi", "web-2: hi"]);
    insta::assert_snapshot!(settled(&ran.err()), @"
    error: legacy: ssm:StartSession failed for i-01e9ac00000000070: i-01e9ac00000000070 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from 2 hours ago (Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP)
    caused by: its agent 2.3.672.0 is too old for a command without a terminal, which needs 3.0.1124.0 (Systems Manager reports the version)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-01e9ac00000000070 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    hint: update the agent on the machine itself
    ");
}

#[test]
fn twenty_never_mix_their_lines() {
    const LINES: usize = 200;
    // Of the generated ones one in ten cannot be entered; a file says what we want.
    let fleet = tempfile::NamedTempFile::new().unwrap();
    let names: Vec<String> = (1..=20).map(|n| format!("node-{n:02}")).collect();
    let text: String = names.iter().map(|name| format!("[[instance]]\nname = \"{name}\"\n")).collect();
    std::fs::write(fleet.path(), text).unwrap();
    // Lines that are cut in the middle by every pipe and message on the way.
    let script =
        format!("i=0; while [ $i -lt {LINES} ]; do printf 'begin %d ' $i; printf '%0300d end\\n' 0; i=$((i+1)); done");
    let mut sandbox = ssmx();
    sandbox.args(["sandbox", "--fleet"]).arg(fleet.path()).args(["--", "ssmx", "exec"]).args(&names);
    let ran = run(sandbox.args(["--", "sh", "-c", &script]));
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for line in ran.out().lines() {
        let (name, rest) = line.split_once(": ").unwrap();
        let count = next.entry(name.to_owned()).or_default();
        assert_eq!(rest, format!("begin {count} {:0300} end", 0));
        *count += 1;
    }
    assert_eq!(next, names.into_iter().map(|name| (name, LINES)).collect());
}

#[test]
fn binary_output_is_decoded_before_it_is_prefixed() {
    let ran = run(Cloud::start().ssmx().args(["exec", "--binary", "web-1", "web-2", "--", "printf", "\\377\\n"]));
    assert_eq!(ran.code(), 0, "{ran:?}");
    let mut lines: Vec<_> = ran.stdout.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    assert_eq!(lines, [&b"web-1: \xff\n"[..], b"web-2: \xff\n"]);
}

#[test]
fn the_same_target_twice_runs_twice() {
    let ran = run(Cloud::start().ssmx().args(["exec", "web-1", "web-1", "--", "echo", "hi"]));
    assert_eq!(ran.out(), "web-1: hi\nweb-1: hi\n");
}

#[test]
fn all_that_a_target_means_or_the_best_of_them() {
    let cloud = Cloud::start();
    let exec = |words: &[&str]| run(cloud.ssmx().arg("exec").args(words).args(["--", "echo", "hi"]));
    let sorted = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let all = exec(&["--all", "Role=web", "web-1"]);
    assert_eq!((all.code(), sorted(all.out())), (0, ["web-1: hi", "web-2: hi", "web-3: hi"].map(str::to_owned).into()));
    let first = exec(&["--first", "Role=web"]);
    assert_eq!((first.code(), first.out().as_str(), first.err().as_str()), (0, "hi\n", ""));
    let neither = exec(&["Role=web"]);
    insta::assert_snapshot!(neither.shown(), @"
    exit code: 255
    --- stderr
    error: 3 instances have the tags `Role=web`: i-0a11ce0000000001a web-1 (online), i-0a11ce0000000002b web-2 (online), i-0a11ce0000000003c web-3 (online)
    hint: give the id of one of them
    ");

    // What does not run is left out, as long as something is left.
    let left = exec(&["--all", "Name=ba*"]);
    insta::assert_snapshot!(left.shown(), @"
    exit code: 0
    --- stdout
    hi
    --- stderr
    ssmx: skipping i-0ba7c40000000006f batch (stopped): it is not running
    ");
    let down = exec(&["--all", "batch"]);
    insta::assert_snapshot!(down.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0ba7c40000000006f: i-0ba7c40000000006f is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-0ba7c40000000006f --region us-east-1`
    ");
}

#[test]
fn a_name_can_neither_command_the_terminal_nor_forge_a_line() {
    let fleet = tempfile::NamedTempFile::new().unwrap();
    // EC2 answers in XML, which has no room for an ESC.
    let names = [r"a\u009b2J\u009b1m", r"b\nerror: forged", r"c\u202e\u2066\u061c"];
    let text: String =
        names.map(|name| format!("[[instance]]\ntags = {{ Name = \"{name}\", Role = \"odd\" }}\n")).concat();
    std::fs::write(fleet.path(), text).unwrap();
    let ssmx_of = |words: &[&str]| {
        let mut sandbox = ssmx();
        run(sandbox.args(["sandbox", "--fleet"]).arg(fleet.path()).args(["--", "ssmx"]).args(words))
    };
    let odd = |text: &str| {
        text.chars().any(|c| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{61c}".contains(c))
            || text.contains("\nerror: forged")
    };
    let exec = ssmx_of(&["exec", "--all", "Role=odd", "--", "sh", "-c", "echo out; echo err >&2"]);
    let mut lines: Vec<_> = exec.out().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, [r"a\u{9b}2J\u{9b}1m: out", r"b\nerror: forged: out", r"c\u{202e}\u{2066}\u{61c}: out"]);
    for words in
        [&["exec", "Role=odd", "--", "true"][..], &["ls", "-o", "wide"], &["ls", "-o", "json"], &["status", "Role=odd"]]
    {
        let ran = ssmx_of(words);
        assert!(!odd(&ran.out()) && !odd(&ran.err()), "{words:?}: {ran:?}");
    }
    let json: serde_json::Value = serde_json::from_str(&ssmx_of(&["ls", "-o", "json"]).out()).unwrap();
    let listed: Vec<_> = json.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(listed.contains(&"c\u{202e}\u{2066}\u{61c}") && listed.contains(&"a\u{9b}2J\u{9b}1m"), "{listed:?}");
}
