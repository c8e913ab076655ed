//! What a person is told when a session cannot be had, and what the process exits with.

use ssmx::sandbox::{ApiFault, Fleet};

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};

/// What went wrong, why, and what to do: in lines that begin so, without the insides of the program.
#[track_caller]
pub(super) fn assert_told(ran: &Finished, what: &[&str], hint: &str) {
    let said = ran.err();
    assert_eq!(ran.out(), "", "{said}");
    assert!(said.starts_with("error: "), "{said}");
    for text in what {
        assert!(said.contains(text), "no {text:?} in:\n{said}");
    }
    assert!(said.lines().any(|line| line.starts_with("hint: ") && line.contains(hint)), "no hint {hint:?} in:\n{said}");
    for line in said.lines() {
        let labels = ["error: ", "caused by: ", "hint: ", "  "];
        assert!(labels.iter().any(|label| line.starts_with(label)), "{line:?} in:\n{said}");
    }
    // Traces of Debug output, of wrappers of the SDK, and of panics.
    let insides = [
        "Some(",
        "Err(",
        "Error {",
        "Error(",
        "{ ",
        "SdkError",
        "dispatch failure",
        "service error",
        "panicked",
        "src/",
    ];
    for text in insides {
        assert!(!said.contains(text), "{text:?} in:\n{said}");
    }
}

/// The same target for a shell, which has exit codes of its own, and for a command, which has 255.
#[track_caller]
fn both(cloud: &Cloud, target: &str, code: i32) -> Finished {
    let exec = cloud.exec(target, ["true"]);
    assert_eq!(exec.code(), 255, "{exec:?}");
    let shell = run(cloud.ssmx().args(["shell", target]));
    assert_eq!(shell.code(), code, "{shell:?}");
    let without_id = |ran: &Finished| {
        ran.err().lines().map(|line| line.split("request id").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_id(&exec), without_id(&shell));
    exec
}

#[test]
fn an_unknown_name() {
    let ran = both(&Cloud::start(), "web-9", 3);
    assert_told(&ran, &["no instance is named `web-9` in us-east-1"], "did you mean web-1, web-2, web-3?");
}

#[test]
fn an_unknown_id() {
    let ran = both(&Cloud::start(), "i-00000000000000000", 4);
    assert_told(
        &ran,
        &["ssm:StartSession failed for i-00000000000000000", "(TargetNotConnected, request id "],
        "region",
    );
}

#[test]
fn an_ambiguous_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[[instance]]\nname = \"twin\"\n[[instance]]\nname = \"twin\"\n").unwrap();
    let fleet = Fleet::read(file.path(), "us-east-1").unwrap();
    let ids: Vec<String> = fleet.iter().map(|instance| instance.id.clone()).collect();
    let ran = both(&Cloud::with(|options| options.fleet = fleet), "twin", 3);
    assert_told(&ran, &["2 instances are named `twin`", &ids[0], &ids[1]], "name one of them by its id");
}

#[test]
fn a_stopped_instance() {
    let ran = both(&Cloud::start(), "batch", 4);
    assert_told(
        &ran,
        &[
            "ssm:StartSession failed for i-",
            "(TargetNotConnected, request id ",
            "\ncaused by: it is stopped (EC2 gives its state as stopped)",
        ],
        "start it first",
    );
}

#[test]
fn an_instance_whose_agent_is_offline() {
    let told = ["(TargetNotConnected, request id ", "\ncaused by: its agent was last heard of 2 hours ago"];
    let cloud = Cloud::start();
    let shell = run(cloud.ssmx().args(["shell", "legacy"]));
    assert_eq!(shell.code(), 4, "{shell:?}");
    assert_told(&shell, &told, "restart the agent");
    let exec = cloud.exec("legacy", ["true"]);
    assert_eq!(exec.code(), 255, "{exec:?}");
    // Which is enough for a shell.
    let old = "\ncaused by: its agent 2.3.672.0 is too old for a command without a terminal";
    assert_told(&exec, &[&told[..], &[old]].concat(), "restart the agent");
}

#[test]
fn a_windows_instance_of_the_sandbox() {
    let ran = both(&Cloud::start(), "win", 4);
    assert_told(&ran, &["This is a sandbox: it has no Windows to enter"], "instance");
}

#[test]
fn a_document_that_does_not_exist() {
    let ran = run(Cloud::start().ssmx().args(["exec", "--document", "Nope", "web-1", "--", "true"]));
    assert_eq!(ran.code(), 255);
    assert_told(&ran, &["Document with name Nope does not exist", "(InvalidDocument, request id "], "session document");
}

fn denied(action: &str) -> Cloud {
    Cloud::with(|options| options.api_faults.push(ApiFault::Deny { action: action.to_owned() }))
}

#[test]
fn a_denied_session_shows_the_missing_action() {
    let ran = both(&denied("ssm:StartSession"), "web-1", 5);
    assert_told(
        &ran,
        &["(AccessDeniedException, request id "],
        "ask for an IAM policy that allows ssm:StartSession on ",
    );
}

#[test]
fn one_of_two_ways_to_find_a_name_is_enough() {
    for action in ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"] {
        let ran = denied(action).exec("web-1", ["echo", "hi"]);
        // EC2 alone knows Name tags.
        match action {
            "ssm:DescribeInstanceInformation" => assert_eq!((ran.code(), ran.out().as_str()), (0, "hi\n"), "{ran:?}"),
            _ if ran.code() == 0 => assert_eq!(ran.out(), "hi\n"),
            _ => assert!(ran.err().contains("ec2:DescribeInstances"), "{ran:?}"),
        }
    }
}

#[test]
fn no_way_to_find_a_name_shows_the_missing_action() {
    let cloud = Cloud::with(|options| {
        for action in ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"] {
            options.api_faults.push(ApiFault::Deny { action: action.to_owned() });
        }
    });
    let ran = both(&cloud, "web-1", 5);
    assert_told(&ran, &["(UnauthorizedOperation, request id "], "allows ec2:DescribeInstances");
}

#[test]
fn a_denied_data_key_shows_the_missing_action() {
    let cloud = Cloud::with(|options| {
        options.preferences.encrypt = true;
        options.api_faults.push(ApiFault::Deny { action: "kms:GenerateDataKey".to_owned() });
    });
    let ran = cloud.exec("web-1", ["true"]);
    assert_eq!(ran.code(), 255, "{ran:?}");
    assert!(ran.err().contains("kms:GenerateDataKey"), "{ran:?}");
    assert!(ran.err().contains("AccessDeniedException"), "{ran:?}");
    cloud.wait_for_no_session();
}

fn throttled(calls: u32) -> Cloud {
    let action = "ssm:StartSession".to_owned();
    Cloud::with(|options| options.api_faults.push(ApiFault::Throttle { action, calls }))
}

#[test]
fn a_throttled_service_is_asked_again() {
    let ran = throttled(2).exec("web-1", ["echo", "hi"]);
    assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (0, "hi\n", ""));
}

#[test]
fn a_service_that_stays_throttled_is_an_error() {
    let ran = throttled(1_000).exec("web-1", ["echo", "hi"]);
    assert_eq!(ran.code(), 255);
    assert_told(
        &ran,
        &["ssm:StartSession failed for i-", "Rate exceeded", "(ThrottlingException, request id "],
        "wait a little",
    );
}

#[test]
fn colours_only_where_they_are_wanted() {
    let cloud = Cloud::start();
    let said = |args: &[&str], no_color: bool| {
        let mut command = cloud.ssmx();
        if no_color {
            command.env("NO_COLOR", "1");
        }
        run(command.args(args).args(["exec", "web-9", "--", "true"])).err()
    };
    assert!(!said(&[], false).contains('\x1b'), "no terminal, no colours");
    assert!(!said(&["--color", "never"], false).contains('\x1b'));
    assert!(said(&["--color", "always"], false).starts_with("\x1b[1m\x1b[31merror:\x1b[0m "));
    assert!(!said(&["--color", "auto"], true).contains('\x1b'));
    assert!(said(&["--color", "always"], true).contains('\x1b'), "the flag stands before the environment");
}

#[test]
fn a_mistake_on_the_command_line_has_no_session() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["exec", "web-1", "true"]));
    assert_eq!((ran.code(), ran.out().as_str()), (2, ""));
    assert!(ran.err().contains("Usage: ssmx exec"), "{ran:?}");
    assert!(cloud.active().is_empty() && cloud.history().is_empty());
}
