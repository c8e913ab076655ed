//! What a person is told when a session cannot be had, and what the process exits with.

use ssmx::sandbox::{ApiFault, Fleet};

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};
use crate::support::snapshot::{case, settled};

/// What went wrong, why, and what to do: in lines that begin so, without the insides of the program. The text itself is
/// for a snapshot.
#[track_caller]
pub(super) fn assert_told(ran: &Finished) {
    let said = ran.err();
    assert_eq!(ran.out(), "", "{said}");
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains("\nhint: "), "{said}");
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
    assert_eq!(settled(&exec.err()), settled(&shell.err()));
    assert_told(&exec);
    exec
}

#[test]
fn an_unknown_name() {
    let ran = both(&Cloud::start(), "web-9", 3);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: no instance is named `web-9` in us-east-1
    hint: did you mean web-1, web-2, web-3?
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
}

#[test]
fn an_unknown_id() {
    let ran = both(&Cloud::start(), "i-00000000000000000", 4);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-00000000000000000: i-00000000000000000 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: there is no such instance in us-east-1 (EC2 in us-east-1 does not list it)
    hint: check the id, the region (`--region`) and the account (`--profile`)
    hint: a terminated instance disappears after an hour: look for its replacement with `ssmx ls`
    ");
}

#[test]
fn an_ambiguous_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[[instance]]\nname = \"twin\"\n[[instance]]\nname = \"twin\"\n").unwrap();
    let fleet = Fleet::read(file.path(), "us-east-1").unwrap();
    let ran = both(&Cloud::with(|options| options.fleet = fleet), "twin", 3);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: 2 instances are named `twin`: i-623a1dde4d535a896 twin (online), i-fe449a6712ee668b6 twin (online)
    hint: give the id of one of them
    ");
}

#[test]
fn a_stopped_instance() {
    let ran = both(&Cloud::start(), "batch", 4);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0ba7c40000000006f: i-0ba7c40000000006f is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-0ba7c40000000006f --region us-east-1`
    ");
}

#[test]
fn an_instance_whose_agent_is_offline() {
    let cloud = Cloud::start();
    let shell = run(cloud.ssmx().args(["shell", "legacy"]));
    assert_told(&shell);
    insta::assert_snapshot!(shell.shown(), @"
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-01e9ac00000000070: i-01e9ac00000000070 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from 2 hours ago (Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-01e9ac00000000070 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    ");
    // Its version is enough for a shell.
    let exec = cloud.exec("legacy", ["true"]);
    assert_told(&exec);
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-01e9ac00000000070: i-01e9ac00000000070 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from 2 hours ago (Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP)
    caused by: its agent 2.3.672.0 is too old for a command without a terminal, which needs 3.0.1124.0 (Systems Manager reports the version)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-01e9ac00000000070 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    hint: update the agent on the machine itself
    ");
}

#[test]
fn a_windows_instance_of_the_sandbox() {
    let ran = run(Cloud::start().ssmx().args(["shell", "win"]));
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-0317d0000000008a1: i-0317d0000000008a1 is not connected. (This is a sandbox: of Windows it plays commands only.) (TargetNotConnected, request id REQUEST-ID)
    hint: the instance may be stopped, its SSM agent may not be running, or it may lack an instance profile or access to the Systems Manager endpoints
    hint: also check that the region and the account are right
    hint: it is connected now: try again
    ");
}

#[test]
fn a_document_that_does_not_exist() {
    let ran = run(Cloud::start().ssmx().args(["exec", "--document", "Nope", "web-1", "--", "true"]));
    assert_told(&ran);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Document with name Nope does not exist. (InvalidDocument, request id REQUEST-ID)
    hint: the session document does not exist in this account and region, or is not of type Session
    ");
}

fn denied(action: &str) -> Cloud {
    Cloud::with(|options| options.api_faults.push(ApiFault::Deny { action: action.to_owned() }))
}

#[test]
fn a_denied_session_shows_the_missing_action() {
    let ran = both(&denied("ssm:StartSession"), "web-1", 5);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:StartSession on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-0a11ce0000000001a because no identity-based policy allows the ssm:StartSession action (AccessDeniedException, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ssm:StartSession on arn:aws:ec2:us-east-1:123456789012:instance/i-0a11ce0000000001a
    ");
}

#[test]
fn one_of_two_ways_to_find_a_name_is_enough() {
    // EC2 alone knows Name tags.
    let shown: String = ["ssm:DescribeInstanceInformation", "ec2:DescribeInstances"]
        .map(|action| case(action, &denied(action).exec("web-1", ["echo", "hi"]).shown()))
        .concat();
    insta::assert_snapshot!(shown, @"
    === ssm:DescribeInstanceInformation
    exit code: 0
    --- stdout
    hi

    === ec2:DescribeInstances
    exit code: 0
    --- stdout
    hi
    ");
}

#[test]
fn no_way_to_find_a_name_shows_the_missing_action() {
    let cloud = Cloud::with(|options| {
        for action in ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"] {
            options.api_faults.push(ApiFault::Deny { action: action.to_owned() });
        }
    });
    let ran = both(&cloud, "web-1", 5);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: ec2:DescribeInstances failed: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action (UnauthorizedOperation, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ec2:DescribeInstances
    ");
}

#[test]
fn a_denied_data_key_shows_the_missing_action() {
    let cloud = Cloud::with(|options| {
        options.preferences.encrypt = true;
        options.api_faults.push(ApiFault::Deny { action: "kms:GenerateDataKey".to_owned() });
    });
    let ran = cloud.exec("web-1", ["true"]);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: the session failed
    caused by: ----------ERROR-------
      Encountered error while initiating handshake. KMSEncryption failed on the client: kms:GenerateDataKey failed for arn:aws:kms:us-east-1:123456789012:key/KEY-ID: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:123456789012:key/KEY-ID because no identity-based policy allows the kms:GenerateDataKey action (AccessDeniedException, request id REQUEST-ID)
    ");
    cloud.wait_for_no_session();
}

#[test]
fn where_encryption_is_required_a_session_without_is_refused() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "[defaults]\nrequire_encryption = true\n").unwrap();
    for (encrypt, code) in [(true, 0), (false, 255)] {
        let cloud = Cloud::with(|options| options.preferences.encrypt = encrypt);
        let ran = run(cloud.ssmx().env("SSMX_CONFIG", config.path()).args(["exec", "web-1", "--", "echo", "hi"]));
        assert_eq!(ran.code(), code, "{ran:?}");
        if !encrypt {
            insta::assert_snapshot!(ran.shown(), @"
            exit code: 255
            --- stderr
            error: the session was ended
            caused by: this session is not encrypted with a KMS key, and no other may be used
            hint: name a KMS key in the preferences of Session Manager, or unset `require_encryption`
            ");
        }
        cloud.wait_for_no_session();
    }
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
    assert_told(&ran);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: Rate exceeded (ThrottlingException, request id REQUEST-ID)
    hint: other callers in this account and region are using up the limit: wait a little
    ");
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
    // Whatever exits with less may have run.
    for words in [&["exec", "web-1", "true"][..], &["exec", "web-1", "--bogus", "--", "true"], &["exce", "web-1"]] {
        let ran = run(cloud.ssmx().args(words));
        let code = if words[0] == "exec" { 255 } else { 2 };
        assert_eq!((ran.code(), ran.out().as_str()), (code, ""), "{ran:?}");
        assert!(!ran.err().contains("-- --"), "a flag is no command: {ran:?}");
    }
    assert_eq!(run(cloud.ssmx().args(["exec", "--help"])).code(), 0);
    assert_eq!(run(cloud.ssmx().args(["shell", "web-1", "--bogus"])).code(), 2);
    assert!(cloud.active().is_empty() && cloud.history().is_empty());
}
