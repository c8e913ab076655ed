//! Instances that are in another region or account.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{assert_told, cloud, denying};
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

/// The keys of the sandbox, as a profile has them.
fn keys(cloud: &Cloud) -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        cloud.var("AWS_ACCESS_KEY_ID"),
        cloud.var("AWS_SECRET_ACCESS_KEY"),
        cloud.var("AWS_SESSION_TOKEN")
    )
}

#[test]
fn an_instance_of_another_region_is_found_there() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let profiles = "[profile eu]\nregion = eu-west-1\n";
    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "i-0000000000000000a"]));
    let told = ["cannot be reached: it is not in us-east-1, but in eu-west-1\n", "fix:  add `--region eu-west-1`\n"];
    assert_told(&ran.out(), 3, &ran, &told);

    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "far"]));
    let told = [
        "error: no instance is named `far`",
        "hint: there is i-0000000000000000a in eu-west-1: add `--region eu-west-1`",
    ];
    assert_told(&ran.err(), 3, &ran, &told);

    let ran = run(with_profiles(&cloud, dir.path(), profiles).args(["status", "far", "--region", "eu-west-1"]));
    assert_told(&ran.out(), 0, &ran, &["can be reached"]);
}

#[test]
fn regions_of_the_configuration_count() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let config = dir.path().join("config.toml");
    fs::write(&config, "[targets.db]\nid = \"i-00000000000000001\"\nregion = \"eu-west-1\"\n").unwrap();
    let ran = run(cloud.ssmx().env("SSMX_CONFIG", &config).args(["status", "i-0000000000000000a"]));
    assert_told(&ran.out(), 3, &ran, &["it is not in us-east-1, but in eu-west-1\n"]);
    let ran = run(cloud.ssmx().env("SSMX_CONFIG", &config).args(["status", "db"]));
    assert_told(&ran.out(), 3, &ran, &["cannot be reached: there is no such instance in eu-west-1\n"]);
}

#[test]
fn an_instance_of_another_account_is_found_there() {
    let (cloud, dir) = (cloud(), TempDir::new().unwrap());
    let keys = keys(&cloud);
    let profiles = format!("[profile here]\nregion = us-west-2\n{keys}[profile prod]\nregion = us-east-1\n{keys}");
    let arguments = ["status", "i-00000000000000001", "--profile", "here"];
    let ran = run(with_profiles(&cloud, dir.path(), &profiles).env_remove("AWS_REGION").args(arguments));
    // The variable of the sandbox stands before the region of the profile; the flag stands before both.
    assert_told(&ran.out(), 0, &ran, &["can be reached"]);
    let ran = run(with_profiles(&cloud, dir.path(), &profiles).args(arguments).args(["--region", "us-west-2"]));
    let told = [
        "it is not in us-west-2 (here), but in us-east-1 (here) and in us-east-1 (prod)\n",
        "add `--region us-east-1`",
    ];
    assert_told(&ran.out(), 3, &ran, &told);
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
    assert_told(&ran.out(), 3, &ran, &["but in eu-west-1\n"]);
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
    assert_told(&ran.out(), 3, &ran, &["it is not in us-east-1, but in eu-west-1\n"]);
}
