//! Standard streams and exit codes.

use std::process::Stdio;

use crate::support::cloud::Cloud;
use crate::support::command::{run, run_with_input};

#[test]
fn both_streams_arrive_apart_and_nothing_of_ours_with_them() {
    let ran = Cloud::start().exec("web-1", ["sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "out\n", "err\n"));
}

#[test]
fn the_exit_code_is_the_commands() {
    let cloud = Cloud::start();
    for code in [0, 1, 3, 255] {
        let ran = cloud.exec("web-1", ["sh".to_owned(), "-c".to_owned(), format!("exit {code}")]);
        assert_eq!(ran.code(), code);
        assert!(ran.out().is_empty() && ran.err().is_empty(), "{ran:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_named_and_has_the_agents_code() {
    let ran = Cloud::start().exec("web-1", ["no-such-program", "x"]);
    // The agent tells 1 where a shell would tell 127.
    insta::assert_snapshot!(ran.shown(), @r#"
    exit code: 1
    --- stderr
    Error occurred starting the command: exec: "no-such-program": executable file not found in $PATH
    "#);
}

#[test]
fn a_shells_code_for_a_program_that_is_not_there_is_passed_on() {
    let ran = Cloud::start().exec("web-1", ["sh", "-c", "no-such-program"]);
    assert_eq!(ran.code(), 127);
    assert!(ran.err().contains("not found"), "{ran:?}");
}

#[test]
fn a_command_that_a_signal_ended_has_255() {
    let ran = Cloud::start().exec("web-1", ["sh", "-c", "echo begun; kill -9 $$"]);
    assert_eq!((ran.code(), ran.out().as_str()), (255, "begun\n"));
}

#[test]
fn it_works_with_standard_input_closed() {
    let cloud = Cloud::start();
    let mut shell = std::process::Command::new("sh");
    let ssmx = cloud.ssmx();
    shell.args(["-c", "exec \"$0\" exec web-1 -- echo hi <&-"]).arg(ssmx.get_program());
    shell.envs(ssmx.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = run(&mut shell);
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "hi\n", ""));
}

#[test]
fn it_works_with_nothing_to_read() {
    let cloud = Cloud::start();
    let child = cloud
        .ssmx()
        .args(["exec", "web-1", "--", "echo", "hi"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"hi\n"[..]));
}

#[test]
fn what_is_on_standard_input_is_left_alone() {
    let cloud = Cloud::start();
    let mut shell = std::process::Command::new("sh");
    let ssmx = cloud.ssmx();
    // As in `while read line; do ssmx exec …; done`, where ssh would swallow the rest.
    shell.args(["-c", "\"$0\" exec web-1 -- echo hi; cat"]).arg(ssmx.get_program());
    shell.envs(ssmx.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = run_with_input(&mut shell, b"for somebody else\n");
    assert_eq!(ran.out(), "hi\nfor somebody else\n");
}

#[test]
fn quiet_keeps_the_notices_back_and_neither_stream() {
    let cloud = Cloud::with(|options| options.preferences.encrypt = true);
    let loud = cloud.exec("web-1", ["sh", "-c", "echo out; echo err >&2"]);
    insta::assert_snapshot!(loud.shown(), @"
    exit code: 0
    --- stdout
    out
    --- stderr
    ssmx: This session is encrypted using AWS KMS.
    err
    ");
    let quiet = run(cloud.ssmx().args(["-q", "exec", "web-1", "--", "sh", "-c", "echo out; echo err >&2; exit 4"]));
    assert_eq!((quiet.code(), quiet.out().as_str(), quiet.err().as_str()), (4, "out\n", "err\n"));
}

#[test]
fn quiet_keeps_errors() {
    let ran = run(Cloud::start().ssmx().args(["-q", "exec", "web-9", "--", "true"]));
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: no instance is named `web-9` in us-east-1
    hint: did you mean web-1, web-2, web-3?
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
}

#[test]
fn the_session_has_ended_on_the_service_and_tells_why_it_was_there() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["exec", "--reason", "ticket 7", "web-1", "--", "true"]));
    assert_eq!(ran.code(), 0, "{ran:?}");
    cloud.wait_for_no_session();
    let history = cloud.history();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].reason.as_deref(), Some("ticket 7"));
    assert_eq!(history[0].document_name.as_deref(), Some("AWS-StartNonInteractiveCommand"));
}

#[test]
fn an_instance_id_needs_nobody_to_be_asked() {
    let cloud = Cloud::with(|options| {
        for action in ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"] {
            options.api_faults.push(ssmx::sandbox::ApiFault::Deny { action: action.to_owned() });
        }
    });
    assert_eq!(cloud.exec("i-0a11ce0000000001a", ["echo", "hi"]).out(), "hi\n");
}

#[test]
fn output_is_passed_on_while_the_command_runs() {
    use crate::support::command::Running;

    let cloud = Cloud::start();
    let words = ["exec", "web-1", "--", "sh", "-c", "printf begun; exec sleep 1000"];
    let running = Running::start(cloud.ssmx().args(words));
    running.wait_for_out("begun");
}
