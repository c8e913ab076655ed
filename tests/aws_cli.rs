//! The real AWS CLI against the sandbox: its API is that of AWS to a program that was not written with it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, Running, run, ssmx};

/// The AWS CLI that `SSMX_TEST_AWS` names, or else the one on PATH.
pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os("SSMX_TEST_AWS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        named.or_else(|| std::env::split_paths(&path).map(|folder| folder.join("aws")).find(|file| file.is_file()));
    found
        .filter(|file| file.is_file())
        .expect("the AWS CLI is not there: run the tests with tests/run.sh, which installs it")
}

fn aws(cloud: &Cloud, args: &[&str]) -> Finished {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs(cloud.environment().iter().map(|(name, value)| (name, value)));
    run(command.args(args).args(["--output", "json"]))
}

#[track_caller]
fn json(cloud: &Cloud, args: &[&str]) -> Value {
    let ran = aws(cloud, args);
    assert_eq!(ran.code(), 0, "{args:?}: {}", ran.err());
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn sts_get_caller_identity() {
    let identity = json(&Cloud::start(), &["sts", "get-caller-identity"]);
    assert_eq!(identity["Account"], "123456789012");
    assert!(identity["Arn"].as_str().unwrap().starts_with("arn:aws:sts::123456789012:assumed-role/"), "{identity}");
}

#[test]
fn wrong_credentials_are_refused() {
    let cloud = Cloud::start();
    let mut command = Command::new(program());
    command.envs(cloud.environment().iter().map(|(name, value)| (name, value))).env("AWS_SECRET_ACCESS_KEY", "wrong");
    let ran = run(command.args(["sts", "get-caller-identity"]));
    assert_ne!(ran.code(), 0);
    assert!(ran.err().contains("SignatureDoesNotMatch"), "{ran:?}");
}

#[test]
fn ssm_describe_instance_information_over_pages() {
    let cloud = Cloud::with(|options| options.fleet.add_generated(120, 7, "us-east-1").unwrap());
    let all = json(&cloud, &["ssm", "describe-instance-information"]);
    let list = all["InstanceInformationList"].as_array().unwrap();
    let mut ids: Vec<_> = list.iter().map(|one| one["InstanceId"].as_str().unwrap()).collect();
    assert!(ids.len() > 120, "{}", ids.len());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), list.len(), "none comes twice");
    let page = json(&cloud, &["ssm", "describe-instance-information", "--no-paginate"]);
    assert!(page["InstanceInformationList"].as_array().unwrap().len() <= 50 && page["NextToken"].is_string());
    let online = json(&cloud, &["ssm", "describe-instance-information", "--filters", "Key=PingStatus,Values=Online"]);
    let online = online["InstanceInformationList"].as_array().unwrap();
    assert!(!online.is_empty() && online.len() < list.len());
    assert!(online.iter().all(|one| one["PingStatus"] == "Online"));
}

#[test]
fn ec2_describe_instances_with_filters() {
    let cloud = Cloud::start();
    let names = |filters: &[&str]| {
        let query = "Reservations[].Instances[].Tags[?Key=='Name'].Value[]";
        let args = [&["ec2", "describe-instances", "--query", query, "--filters"], filters].concat();
        let mut names: Vec<String> = serde_json::from_value(json(&cloud, &args)).unwrap();
        names.sort();
        names
    };
    assert_eq!(names(&["Name=tag:Name,Values=web-*"]), ["web-1", "web-2", "web-3"]);
    assert_eq!(names(&["Name=tag:Name,Values=web-1,db"]), ["db", "web-1"]);
    assert_eq!(names(&["Name=instance-state-name,Values=stopped"]), ["batch"]);
    assert_eq!(names(&["Name=tag:Name,Values=web-?", "Name=instance-state-name,Values=stopped"]), [""; 0]);
    let bad = aws(&cloud, &["ec2", "describe-instances", "--filters", "Name=nonsense,Values=x"]);
    assert!(bad.err().contains("InvalidParameterValue"), "{bad:?}");
}

#[test]
fn ec2_describe_instances_over_pages() {
    let cloud = Cloud::with(|options| options.fleet.add_generated(120, 7, "us-east-1").unwrap());
    let query = "Reservations[].Instances[].InstanceId";
    let ids: Vec<String> =
        serde_json::from_value(json(&cloud, &["ec2", "describe-instances", "--page-size", "20", "--query", query]))
            .unwrap();
    assert!(ids.len() >= 127, "{}", ids.len());
}

#[test]
fn ec2_describe_regions() {
    let regions = json(&Cloud::start(), &["ec2", "describe-regions", "--query", "Regions[].RegionName"]);
    assert!(regions.as_array().unwrap().iter().any(|region| region == "eu-west-1"), "{regions}");
}

#[test]
fn ssm_get_connection_status() {
    let cloud = Cloud::start();
    let status = |target| json(&cloud, &["ssm", "get-connection-status", "--target", target]);
    assert_eq!(status("i-0a11ce0000000001a")["Status"], "connected");
    assert_eq!(status("i-00000000000000000")["Status"], "notconnected");
}

#[test]
fn ssm_get_document() {
    let cloud = Cloud::start();
    let document = json(&cloud, &["ssm", "get-document", "--name", "AWS-StartNonInteractiveCommand"]);
    assert_eq!(document["DocumentType"], "Session");
    let content: Value = serde_json::from_str(document["Content"].as_str().unwrap()).unwrap();
    assert_eq!(content["sessionType"], "NonInteractiveCommands");
}

#[test]
fn ssm_start_session_without_the_plugin() {
    let cloud = Cloud::start();
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    // The program itself is a script that names its interpreter by a path.
    command.envs(cloud.environment().iter().map(|(name, value)| (name, value))).env("PATH", empty.path());
    if run(Command::new(program()).arg("--version").env("PATH", empty.path())).status.success() {
        let ran = run(command.args(["ssm", "start-session", "--target", "i-0a11ce0000000001a"]));
        assert_eq!(ran.code(), 255, "{ran:?}");
        assert!(ran.err().contains("SessionManagerPlugin is not found"), "{ran:?}");
        cloud.wait_for_no_session();
        assert_eq!(cloud.history().len(), 1);
    } else {
        panic!("{} does not run without PATH: run the tests with tests/run.sh", program().display());
    }
}

#[test]
fn ssm_describe_and_terminate_a_session_of_ssmx() {
    let cloud = Cloud::start();
    let words = ["exec", "--reason", "to be ended", "web-1", "--", "sh", "-c", "echo begun; sleep 1000"];
    let running = Running::start(cloud.ssmx().args(words));
    running.wait_for_out("begun");
    let active = json(&cloud, &["ssm", "describe-sessions", "--state", "Active"]);
    let [session] = active["Sessions"].as_array().unwrap().as_slice() else { panic!("{active}") };
    assert_eq!(session["Target"], "i-0a11ce0000000001a");
    assert_eq!((&session["Status"], &session["Reason"]), (&"Connected".into(), &"to be ended".into()));
    let id = session["SessionId"].as_str().unwrap();
    assert_eq!(json(&cloud, &["ssm", "terminate-session", "--session-id", id])["SessionId"], id);
    let ended = running.finish();
    insta::assert_snapshot!(ended.shown(), @"
    exit code: 255
    --- stdout
    begun
    --- stderr
    error: the session ended before the command reported its exit code
    hint: the session may have been terminated, or the agent stopped
    hint: agents older than 3.1.1511.0 never report it: update the SSM agent of the instance
    ");
    let history = json(&cloud, &["ssm", "describe-sessions", "--state", "History"]);
    assert_eq!(history["Sessions"][0]["SessionId"], id);
}

#[test]
fn kms_generate_data_key_and_decrypt() {
    let cloud = Cloud::start();
    let context = "aws:ssm:SessionId=s,aws:ssm:TargetId=t";
    let make = ["kms", "generate-data-key", "--key-id", "alias/ssmx-sandbox", "--number-of-bytes", "64"];
    let made = json(&cloud, &[&make[..], &["--encryption-context", context]].concat());
    let (sealed, plain) = (made["CiphertextBlob"].as_str().unwrap(), made["Plaintext"].as_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let blob = folder.path().join("blob");
    std::fs::write(&blob, base64::Engine::decode(&base64::prelude::BASE64_STANDARD, sealed).unwrap()).unwrap();
    let blob = format!("fileb://{}", blob.display());
    let open = |context| aws(&cloud, &["kms", "decrypt", "--ciphertext-blob", &blob, "--encryption-context", context]);
    let opened: Value = serde_json::from_slice(&open(context).stdout).unwrap();
    assert_eq!(opened["Plaintext"], plain);
    let other = open("aws:ssm:SessionId=another,aws:ssm:TargetId=t");
    assert!(other.err().contains("InvalidCiphertextException"), "{other:?}");
}

#[test]
fn it_finds_the_sandbox_by_the_environment_alone() {
    let mut command = ssmx();
    command.args(["sandbox", "--"]).arg(program()).args(["sts", "get-caller-identity", "--query", "Account"]);
    let ran = run(command.env("AWS_PROFILE", "somebody-elses"));
    assert_eq!((ran.code(), ran.out().trim()), (0, "\"123456789012\""), "{ran:?}");
}
