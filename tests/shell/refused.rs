//! Sessions that do not come about, and those that take more than one request.

use ssmx::sandbox::ApiFault;

use super::shell;
use crate::support::command::{run, run_with_input};
use crate::support::sandbox::TestSandbox;
use crate::support::snapshot::case;

#[test]
fn targets_that_cannot_be_entered_are_refused_with_a_code_of_their_own() {
    let sandbox = TestSandbox::start();
    let shown: String = ["nobody", "legacy", "batch"]
        .map(|target| case(target, &run(sandbox.ssmx().args(["shell", target])).shown()))
        .concat();
    insta::assert_snapshot!(shown, @"
    === nobody
    exit code: 3
    --- stderr
    error: no instance is named `nobody` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account

    === legacy
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-01e9ac00000000070: i-01e9ac00000000070 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from 2 hours ago (Systems Manager reports its ping status as ConnectionLost, the last ping at TIMESTAMP)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-01e9ac00000000070 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk

    === batch
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-0ba7c40000000006f: i-0ba7c40000000006f is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-0ba7c40000000006f --region us-east-1`
    ");
    assert!(sandbox.active_sessions().is_empty());
}

#[test]
fn bad_tokens_and_missing_rights_are_refused_with_a_code_of_their_own() {
    let denied = |action: &str| ApiFault::Deny { action: action.to_owned() };
    let sandbox = TestSandbox::with(|options| options.api_faults = vec![denied("ssm:StartSession")]);
    let refused = run(&mut shell(&sandbox));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 5
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:StartSession on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-0a11ce0000000001a because no identity-based policy allows the ssm:StartSession action (AccessDeniedException, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ssm:StartSession on arn:aws:ec2:us-east-1:123456789012:instance/i-0a11ce0000000001a
    ");

    let sandbox = TestSandbox::start();
    let refused = run(shell(&sandbox).env("AWS_SESSION_TOKEN", "bad"));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 5
    --- stderr
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
    let refused = run(shell(&sandbox).env("AWS_SECRET_ACCESS_KEY", "bad"));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 5
    --- stderr
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
}

#[test]
fn a_throttled_api_is_waited_for() {
    let throttled = |action: &str, calls| ApiFault::Throttle { action: action.to_owned(), calls };
    let sandbox = TestSandbox::with(|options| {
        options.api_faults = vec![throttled("ssm:StartSession", 2), throttled("ec2:DescribeInstances", 1)];
    });
    let shell = run_with_input(&mut shell(&sandbox), b"echo h''i\nexit\n");
    assert_eq!(shell.code(), 0, "{shell:?}");
    assert!(shell.out().contains("hi\r\n"), "{shell:?}");
}
