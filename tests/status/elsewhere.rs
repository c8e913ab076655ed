//! Instances that are in another region or account.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::{cloud, denying};
use crate::support::cloud::Cloud;
use crate::support::command::run;

/// A command that finds these AWS profiles.
fn with_profiles(cloud: &Cloud, dir: &Path, profiles: &str) -> Command {
    let file = dir.join("config");
    fs::write(&file, profiles).unwrap();
    let mut command = cloud.ssmx();
    command.env("AWS_CONFIG_FILE", file);
    command
}

#[test]
fn an_instance_of_another_region_is_found_there() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let profiles = "[profile eu]\nregion = eu-west-1\n";
    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "i-0000000000000000a"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stdout
    i-0000000000000000a cannot be reached: it is not in us-east-1, but in eu-west-1
      seen: 1 other configured place was checked
      fix:  add `--region eu-west-1`
    ");

    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "far"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stderr
    error: no instance is named `far` in us-east-1
    hint: i-0000000000000000a is in eu-west-1: add `--region eu-west-1`
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");

    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "far", "--region", "eu-west-1"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 0
    --- stdout
    far (i-0000000000000000a) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    ");
}

#[test]
fn regions_of_the_configuration_count() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let config = dir.path().join("config.toml");
    fs::write(&config, "[targets.db]\nid = \"i-00000000000000001\"\nregion = \"eu-west-1\"\n").unwrap();
    let ran = run(cloud.ssmx().env("SSMX_CONFIG", &config).args(["status", "i-0000000000000000a"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stdout
    i-0000000000000000a cannot be reached: it is not in us-east-1, but in eu-west-1
      seen: 1 other configured place was checked
      fix:  add `--region eu-west-1`
    ");
    let ran = run(cloud.ssmx().env("SSMX_CONFIG", &config).args(["status", "db"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stdout
    i-00000000000000001 cannot be reached: there is no such instance in eu-west-1
      seen: EC2 in eu-west-1 does not list it
      fix:  check the id, the region (`--region`) and the account (`--profile`)
            a terminated instance disappears after an hour: look for its replacement with `ssmx ls`
    ");
}

#[test]
fn an_instance_of_another_account_is_found_there() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let keys = cloud.keys();
    let profiles = format!("[profile here]\nregion = us-west-2\n{keys}[profile prod]\nregion = us-east-1\n{keys}");
    let arguments = ["status", "i-00000000000000001", "--profile", "here"];
    let ran = run(with_profiles(&cloud, dir.path(), &profiles).env_remove("AWS_REGION").args(arguments));
    // The variable of the sandbox stands before the region of the profile; the flag stands before both.
    assert_snapshot!(ran.shown(), @"
    exit code: 0
    --- stdout
    fine (i-00000000000000001) can be reached: agent 3.3.3050.0 online, Amazon Linux 2023
    ");
    let ran = run(with_profiles(&cloud, dir.path(), &profiles).args(arguments).args(["--region", "us-west-2"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stdout
    i-00000000000000001 cannot be reached: it is not in us-west-2 (here), but in us-east-1 (here) and in us-east-1 (prod)
      seen: 3 other configured places were checked
      fix:  add `--region us-east-1`
    ");
}

#[test]
fn nobody_is_asked_for_anything_on_the_way() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let mark = dir.path().join("was-run");
    let profiles = format!(
        "[profile program]\nregion = eu-west-1\ncredential_process = touch {0}\n\
         [profile role]\nregion = eu-west-1\nsource_profile = program\nrole_arn = arn:aws:iam::1:role/r\n",
        mark.display()
    );
    let ran = run(with_profiles(&cloud, dir.path(), &profiles).args(["status", "i-0000000000000000a"]));
    // Their regions are of use nevertheless.
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stdout
    i-0000000000000000a cannot be reached: it is not in us-east-1, but in eu-west-1
      seen: 1 other configured place was checked
      fix:  add `--region eu-west-1`
    ");
    assert!(!mark.exists());
    let ran =
        run(with_profiles(&cloud, dir.path(), &profiles).args(["status", "i-0000000000000000a", "-p", "program"]));
    assert!(mark.exists(), "it runs where it is asked for: {ran:?}");
}

#[test]
fn places_that_do_not_answer_are_passed_over() {
    let (cloud, dir) = (denying(&["ssm:DescribeInstanceInformation"]), TempDir::new().unwrap());
    let profiles = "[profile broken]\nregion = eu-west-1\naws_access_key_id = x\naws_secret_access_key = x\n\
                    [profile nothing]\nregion = ap-south-1\n";
    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "i-0000000000000000a"]));
    assert_snapshot!(ran.shown(), @"
    exit code: 3
    --- stdout
    i-0000000000000000a cannot be reached: it is not in us-east-1, but in eu-west-1
      1. it is not in us-east-1, but in eu-west-1
         seen: 2 other configured places were checked
         fix:  add `--region eu-west-1`
      2. you may not call ssm:DescribeInstanceInformation
         seen: ssm:DescribeInstanceInformation failed: User: arn:aws:sts::123456789012:assumed-role/ssmx-sandbox/sandbox is not authorized to perform: ssm:DescribeInstanceInformation on resource: arn:aws:ssm:us-east-1:123456789012:* because no identity-based policy allows the ssm:DescribeInstanceInformation action (AccessDeniedException, request id REQUEST-ID)
         fix:  ask for an IAM policy that allows ssm:DescribeInstanceInformation on arn:aws:ssm:us-east-1:123456789012:*
    ");
}
