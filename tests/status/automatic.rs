//! What commands tell by themselves of a target that is not connected.

use std::fs;

use tempfile::TempDir;

use super::{assert_told, cloud, cloud_with, denying};
use crate::support::command::run;

#[test]
fn every_command_says_why_and_what_to_do() {
    let cloud = cloud();
    let told = [
        "ssm:StartSession failed for i-00000000000000002: i-00000000000000002 is not connected. (TargetNotConnected, request id ",
        "\ncaused by: it is stopped (EC2 gives its state as stopped)\n",
        "hint: start it first: `aws ec2 start-instances --instance-ids i-00000000000000002 --region us-east-1`",
    ];
    let commands: &[(&[&str], i32)] = &[
        (&["shell", "stopped"], 4),
        (&["shell", "i-00000000000000002"], 4),
        (&["exec", "stopped", "--", "true"], 255),
        (&["exec", "stopped", "fine", "--", "true"], 255),
        (&["fwd", "stopped", "5432"], 4),
        (&["fwd", "stopped", "5432", "--", "true"], 255),
        (&["proxy", "stopped", "22"], 4),
    ];
    for (command, code) in commands {
        let ran = run(cloud.ssmx().args(*command));
        assert_told(&ran.err(), *code, &ran, &told);
        assert_eq!(ran.out(), "", "{command:?}");
        assert!(!ran.err().contains("may be stopped"), "what is known takes the place of what is usual: {ran:?}");
    }
    // Not by its ProxyCommand, to which ssh would only add.
    let ran = run(cloud.ssmx().args(["ssh", "stopped", "true"]));
    assert_told(
        &ran.err(),
        255,
        &ran,
        &["error: i-00000000000000002 stopped (stopped) is not connected", told[1], told[2]],
    );
    let ran = run(cloud.ssmx().args(["ssh", "lost", "true"]));
    assert_told(&ran.err(), 255, &ran, &["(TargetNotConnected, ", "caused by: its agent was last heard of "]);
    assert!(cloud.active().is_empty());
}

#[test]
fn what_is_to_be_checked_is_told_in_order() {
    let ran = run(cloud().ssmx().args(["shell", "bare"]));
    let told = [
        "caused by: Systems Manager does not know it\n",
        "caused by: it has no instance profile (EC2 lists none for it)\n",
        "hint: give it one whose role has AmazonSSMManagedInstanceCore",
        "hint: its agent may be missing, or not running: ",
        "hint: it may have no way to ssm.us-east-1.amazonaws.com",
    ];
    assert_told(&ran.err(), 4, &ran, &told);
}

#[test]
fn an_agent_that_was_lost() {
    let ran = run(cloud().ssmx().args(["shell", "lost"]));
    let told = ["caused by: its agent was last heard of ", "2026-01-31T23:59:59Z)\n", "hint: restart the agent"];
    assert_told(&ran.err(), 4, &ran, &told);
}

#[test]
fn a_hybrid_node_of_the_standard_tier() {
    let cloud = cloud_with(|options| options.standard_tier = true);
    let ran = run(cloud.ssmx().args(["shell", "rack"]));
    let told = [
        "Enable advanced-instances tier to use Session Manager with your on-premises instances (BadRequest, request id ",
        "caused by: sessions on hybrid nodes take the advanced-instances tier (the service said so ",
        "hint: turn it on for the account and region",
    ];
    assert_told(&ran.err(), 4, &ran, &told);
}

#[test]
fn an_instance_that_is_elsewhere() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let (aws, own) = (dir.path().join("aws"), dir.path().join("config.toml"));
    fs::write(&aws, "[profile eu]\nregion = eu-west-1\n").unwrap();
    fs::write(&own, "[defaults]\nregion = \"us-east-1\"\n[profiles.eu]\nregion = \"eu-west-1\"\n").unwrap();
    for (name, file) in [("AWS_CONFIG_FILE", &aws), ("SSMX_CONFIG", &own)] {
        let ran = run(cloud.ssmx().env(name, file).args(["shell", "i-0000000000000000a"]));
        let told = ["caused by: it is not in us-east-1, but in eu-west-1 (", "hint: add `--region eu-west-1`\n"];
        assert_told(&ran.err(), 4, &ran, &told);
    }
    let ran = run(cloud.ssmx().args(["shell", "i-0000000000000000a"]));
    assert_told(
        &ran.err(),
        4,
        &ran,
        &["caused by: there is no such instance in us-east-1 (EC2 was asked in us-east-1"],
    );
}

#[test]
fn where_nothing_may_be_asked_the_usual_is_told() {
    let actions = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetConnectionStatus"];
    let ran = run(denying(&actions).ssmx().args(["shell", "i-00000000000000002"]));
    let told = [
        "(TargetNotConnected, request id ",
        "hint: the instance may be stopped, its SSM agent may not run",
        "hint: you may not call ssm:GetConnectionStatus on ",
        "hint: you may not call ec2:DescribeInstances",
        "ask for an IAM policy that allows ec2:DescribeInstances",
    ];
    assert_told(&ran.err(), 4, &ran, &told);
}

#[test]
fn other_failures_stay_as_they_are() {
    let ran = run(denying(&["ssm:StartSession"]).ssmx().args(["shell", "stopped"]));
    assert_told(&ran.err(), 5, &ran, &["AccessDeniedException", "allows ssm:StartSession"]);
    assert!(!ran.err().contains("caused by"), "{ran:?}");
}
