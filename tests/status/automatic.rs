//! What commands tell by themselves of a target that is not connected.

use std::fs;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::{cloud, cloud_with, denying};
use crate::support::command::run;
use crate::support::snapshot::{cases, without_lines_of_ssh};

#[test]
fn every_command_says_why_and_what_to_do() {
    let cloud = cloud();
    // `ssh` asks before it starts, for ssh would only add to what its ProxyCommand says.
    let commands: &[&[&str]] = &[
        &["shell", "stopped"],
        &["shell", "i-00000000000000002"],
        &["exec", "stopped", "--", "true"],
        &["exec", "stopped", "fine", "--", "true"],
        &["fwd", "stopped", "5432"],
        &["fwd", "stopped", "5432", "--", "true"],
        &["proxy", "stopped", "22"],
        &["ssh", "stopped", "true"],
    ];
    let said = commands.iter().map(|words| (words.join(" "), run(cloud.ssmx().args(*words)).shown()));
    assert_snapshot!(cases(said), @"
    === shell stopped
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === shell i-00000000000000002
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === exec stopped -- true
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === exec stopped fine -- true
    exit code: 255
    --- stderr
    error: stopped: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === fwd stopped 5432
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === fwd stopped 5432 -- true
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === proxy stopped 22
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`

    === ssh stopped true
    exit code: 255
    --- stderr
    error: i-00000000000000002 stopped (stopped) is not connected
    caused by: it is stopped (EC2 reports its state as stopped)
    hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`
    ");
    let ran = run(cloud.ssmx().args(["ssh", "lost", "true"]));
    assert_eq!(ran.code(), 255);
    assert_snapshot!(without_lines_of_ssh(&ran.err()), @"
    error: ssm:StartSession failed for i-00000000000000005: i-00000000000000005 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from N days ago (Systems Manager reports its ping status as ConnectionLost, the last ping at 2026-01-31T23:59:59Z)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000005 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    ");
    assert!(cloud.active().is_empty());
}

#[test]
fn what_is_to_be_checked_is_told_in_order() {
    assert_snapshot!(run(cloud().ssmx().args(["shell", "bare"])).shown(), @"
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000003: i-00000000000000003 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: Systems Manager does not know it
    caused by: it has no instance profile (EC2 lists none for it)
    hint: give it one whose role has AmazonSSMManagedInstanceCore: `aws ec2 associate-iam-instance-profile --instance-id i-00000000000000003 --iam-instance-profile Name=PROFILE --region us-east-1`
    hint: or turn on Default Host Management Configuration for the account and region (agent 3.2.582.0 or newer)
    hint: its agent may be missing, or not running: on the instance, through the EC2 serial console or SSH, `systemctl status amazon-ssm-agent` (on Ubuntu `snap services amazon-ssm-agent`) shows its state: install or start it, and check its log
    hint: it may be unable to reach ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com on port 443: it needs a NAT gateway, or an internet gateway and a public address, or VPC endpoints for the three whose security group lets it in; its own security group must let it out
    ");
}

#[test]
fn an_agent_that_was_lost() {
    assert_snapshot!(run(cloud().ssmx().args(["shell", "lost"])).shown(), @"
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000005: i-00000000000000005 is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: its agent was last heard from N days ago (Systems Manager reports its ping status as ConnectionLost, the last ping at 2026-01-31T23:59:59Z)
    hint: restart the agent (`sudo systemctl restart amazon-ssm-agent`, on Ubuntu `sudo snap restart amazon-ssm-agent`), or the machine
    hint: if you cannot log in: `aws ec2 reboot-instances --instance-ids i-00000000000000005 --region us-east-1`
    hint: check what has changed since then: its access to ssm.us-east-1.amazonaws.com, ssmmessages.us-east-1.amazonaws.com and ec2messages.us-east-1.amazonaws.com, its role, a full disk
    ");
}

#[test]
fn a_hybrid_node_of_the_standard_tier() {
    let cloud = cloud_with(|options| options.standard_tier = true);
    assert_snapshot!(run(cloud.ssmx().args(["shell", "rack"])).shown(), @"
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for mi-00000000000000008: Enable advanced-instances tier to use Session Manager with your on-premises instances (BadRequest, request id REQUEST-ID)
    caused by: sessions on hybrid nodes need the advanced-instances tier (the service said so when ssmx tried to start a session)
    hint: turn it on for the account and region (it may cost): `aws ssm update-service-setting --setting-id /ssm/managed-instance/activation-tier --setting-value advanced --region us-east-1`
    ");
}

#[test]
fn an_instance_that_is_elsewhere() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let (aws, own) = (dir.path().join("aws"), dir.path().join("config.toml"));
    fs::write(&aws, "[profile eu]\nregion = eu-west-1\n").unwrap();
    fs::write(&own, "[defaults]\nregion = \"us-east-1\"\n[profiles.eu]\nregion = \"eu-west-1\"\n").unwrap();
    let shell = || {
        let mut shell = cloud.ssmx();
        shell.args(["shell", "i-0000000000000000a"]);
        shell
    };
    let said = [
        ("known from the AWS configuration", run(shell().env("AWS_CONFIG_FILE", &aws)).shown()),
        ("known from our own", run(shell().env("SSMX_CONFIG", &own)).shown()),
        ("not known", run(&mut shell()).shown()),
    ];
    assert_snapshot!(cases(said), @"
    === known from the AWS configuration
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-0000000000000000a: i-0000000000000000a is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is not in us-east-1, but in eu-west-1 (1 other configured place was checked)
    hint: add `--region eu-west-1`

    === known from our own
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-0000000000000000a: i-0000000000000000a is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: it is not in us-east-1, but in eu-west-1 (1 other configured place was checked)
    hint: add `--region eu-west-1`

    === not known
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-0000000000000000a: i-0000000000000000a is not connected. (TargetNotConnected, request id REQUEST-ID)
    caused by: there is no such instance in us-east-1 (EC2 in us-east-1 does not list it)
    hint: check the id, the region (`--region`) and the account (`--profile`)
    hint: a terminated instance disappears after an hour: look for its replacement with `ssmx ls`
    ");
}

#[test]
fn where_nothing_may_be_asked_the_usual_is_told() {
    let actions = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetConnectionStatus"];
    let ran = run(denying(&actions).ssmx().args(["shell", "i-00000000000000002"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 4
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id REQUEST-ID)
    hint: the instance may be stopped, its SSM agent may not be running, or it may lack an instance profile or access to the Systems Manager endpoints
    hint: also check that the region and the account are right
    hint: you may not call ssm:GetConnectionStatus on i-00000000000000002: ask for an IAM policy that allows ssm:GetConnectionStatus on arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000002
    hint: you may not call ec2:DescribeInstances: ask for an IAM policy that allows ec2:DescribeInstances
    hint: you may not call ssm:DescribeInstanceInformation: ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    ");
}

#[test]
fn other_failures_stay_as_they_are() {
    let ran = run(denying(&["ssm:StartSession"]).ssmx().args(["shell", "stopped"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 5
    --- stderr
    error: ssm:StartSession failed for i-00000000000000002: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:StartSession on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000002 because no identity-based policy allows the ssm:StartSession action (AccessDeniedException, request id REQUEST-ID)
    hint: ask for an IAM policy that allows ssm:StartSession on arn:aws:ec2:us-east-1:123456789012:instance/i-00000000000000002
    ");
}
