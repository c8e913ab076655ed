//! The environment of what runs in a sandbox: it leads there, and nothing of the person's own leads elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::support::cloud::Cloud;
use crate::support::command::{Running, run, ssmx};

/// Variables of a person who has an account.
const FOREIGN: [(&str, &str); 7] = [
    ("AWS_PROFILE", "work"),
    ("AWS_ENDPOINT_URL_S3", "https://elsewhere.test"),
    ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2/"),
    ("AWS_CA_BUNDLE", "/nowhere.pem"),
    ("AWS_SECRET_ACCESS_KEY", "my own"),
];

fn variables(text: &str) -> BTreeMap<String, String> {
    text.split_terminator('\0')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[track_caller]
fn assert_only_the_sandboxs(variables: &BTreeMap<String, String>) {
    let aws: Vec<_> = variables.keys().filter(|name| name.starts_with("AWS_")).collect();
    let cloud = Cloud::start();
    let mut expected: Vec<_> =
        cloud.environment().iter().map(|(name, _)| name).filter(|name| name.starts_with("AWS_")).collect();
    expected.sort();
    assert_eq!(aws, expected);
    assert_ne!(variables["AWS_SECRET_ACCESS_KEY"], "my own");
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL")) {
        assert!(value.starts_with("http://127.0.0.1:"), "{name}={value}");
    }
}

#[test]
fn of_a_command() {
    let ran = run(ssmx().envs(FOREIGN).env("MINE", "stays").args(["sandbox", "--", "env", "-0"]));
    let variables = variables(&ran.out());
    assert_only_the_sandboxs(&variables);
    assert_eq!((variables["MINE"].as_str(), variables["SSMX_SANDBOX"].as_str()), ("stays", "1"));
}

#[test]
fn as_exports() {
    let running = Running::start(ssmx().envs(FOREIGN).arg("sandbox"));
    running.wait_for_out("\nexport no_proxy=");
    let ran = run(Command::new("sh").args(["-c", "eval \"$0\"; env -0", &running.out()]).envs(FOREIGN));
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""));
    assert_only_the_sandboxs(&variables(&ran.out()));
}

#[test]
fn this_ssmx_comes_first() {
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("ssmx"), "#!/bin/sh\necho another\n").unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(other.path()).unwrap().permissions(), 0o755);
    let path = format!("{}:{}", other.path().display(), std::env::var("PATH").unwrap());
    let mut command = ssmx();
    let ours = Path::new(command.get_program()).canonicalize().unwrap();
    let ran = run(command.env("PATH", path).args(["sandbox", "--", "sh", "-c", "command -v ssmx"]));
    assert_eq!(Path::new(ran.out().trim_end()).canonicalize().unwrap(), ours);
}

#[test]
fn instances_see_nothing_of_it() {
    let ran = run(ssmx().envs(FOREIGN).args(["sandbox", "--", "ssmx", "exec", "web-1", "--", "env", "-0"]));
    let names: Vec<_> = variables(&ran.out()).into_keys().collect();
    assert_eq!(names, ["HOME", "LANG", "PATH", "SHELL", "TERM", "USER"]);
}

#[test]
fn a_region_of_ones_own() {
    let ran = run(ssmx().args([
        "--region",
        "eu-west-1",
        "sandbox",
        "--",
        "sh",
        "-c",
        "echo $AWS_REGION; ssmx exec web-1 -- echo hi",
    ]));
    assert_eq!((ran.code(), ran.out().as_str()), (0, "eu-west-1\nhi\n"), "{ran:?}");
}
