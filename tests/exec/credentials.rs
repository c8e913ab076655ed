//! Credentials that are missing, wrong or expired, before a session and in its middle.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::errors::assert_told;
use crate::support::cloud::{Cloud, slow_resume};
use crate::support::command::{Finished, Running, run};
use crate::support::pty::Pty;
use crate::support::trace::{Between, answer};

fn refused(cloud: &Cloud, name: &str, value: &str) -> Finished {
    let exec = run(cloud.ssmx().args(["exec", "web-1", "--", "true"]).env(name, value));
    assert_told(&exec);
    assert_eq!(run(cloud.ssmx().args(["shell", "web-1"]).env(name, value)).code(), 5);
    exec
}

#[test]
fn a_wrong_secret_key() {
    let exec = refused(&Cloud::start(), "AWS_SECRET_ACCESS_KEY", "wrong");
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
}

#[test]
fn an_unknown_access_key() {
    let exec = refused(&Cloud::start(), "AWS_ACCESS_KEY_ID", "ASIAWRONG");
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: ec2:DescribeInstances failed: AWS was not able to validate the provided access credentials (AuthFailure, request id REQUEST-ID)
    hint: AWS does not know these credentials: check that they belong to this partition and are still active
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
}

#[test]
fn expired_credentials() {
    let cloud = Cloud::with(|options| options.credentials_lifetime = Some(Duration::ZERO));
    let exec = cloud.exec("i-0a11ce0000000001a", ["true"]);
    assert_told(&exec);
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: ssm:StartSession failed for i-0a11ce0000000001a: The security token included in the request is expired (ExpiredTokenException, request id REQUEST-ID)
    hint: log in again: `aws sso login`, or renew the keys in the environment
    ");
    assert_eq!(run(cloud.ssmx().args(["shell", "web-1"])).code(), 5);
}

#[test]
fn no_credentials_at_all() {
    let cloud = Cloud::start();
    let mut command = cloud.ssmx();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let exec = run(command.args(["exec", "web-1", "--", "true"]));
    assert_told(&exec);
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: no AWS credentials were found
    hint: choose a profile with --profile or AWS_PROFILE, log in with `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    ");
}

#[test]
fn no_region() {
    let cloud = Cloud::start();
    let exec = run(cloud
        .ssmx()
        .args(["exec", "web-1", "--", "true"])
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION"));
    assert_told(&exec);
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: no AWS region is set
    hint: name one with --region, AWS_REGION, or `region` in the AWS profile
    ");
}

#[test]
fn a_profile_that_does_not_exist() {
    let exec = run(Cloud::start().ssmx().args(["--profile", "nope", "exec", "web-1", "--", "true"]));
    assert_told(&exec);
    insta::assert_snapshot!(exec.shown(), @"
    exit code: 255
    --- stderr
    error: the AWS profile `nope` does not exist: no profiles are configured
    hint: `aws configure list-profiles` lists the available profiles
    ");
}

/// A profile whose credentials come from a program that counts its runs.
fn with_process(cloud: &Cloud, command: &mut Command) -> TempDir {
    let json = json(cloud);
    with_program(command, &format!("echo run >> \"$(dirname \"$0\")/runs\"\necho '{json}'\n"))
}

fn json(cloud: &Cloud) -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}","SessionToken":"{}"}}"#,
        cloud.var("AWS_ACCESS_KEY_ID"),
        cloud.var("AWS_SECRET_ACCESS_KEY"),
        cloud.var("AWS_SESSION_TOKEN")
    )
}

/// A profile whose credentials come from this script, and from nowhere else.
fn with_program(command: &mut Command, script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("process"), format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(path("process"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(path("config"), format!("[default]\ncredential_process = {}\n", path("process"))).unwrap();
    without_keys(command).env("AWS_CONFIG_FILE", path("config"));
    folder
}

fn without_keys(command: &mut Command) -> &mut Command {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
}

/// The program waits longer than it takes ssmx to say what it waits for.
#[test]
fn a_program_that_asks_for_a_code_has_the_terminal_for_itself() {
    let cloud = Cloud::start();
    let mut command = cloud.ssmx();
    let script = format!(
        "printf 'MFA code: ' >/dev/tty\nsleep 2\nprintf '(please) ' >/dev/tty\nread -r code </dev/tty\n\
         [ \"$code\" = 123456 ] || exit 1\necho '{}'\n",
        json(&cloud)
    );
    let _folder = with_program(&mut command, &script);
    command.args(["ls", "--no-cache"]).env("TERM", "xterm-256color");
    let mut pty = Pty::spawn(command, 80, 24);
    pty.wait_for_text("MFA code: (please) ");
    pty.send("123456\n");
    assert!(pty.wait().success(), "{pty:?}");
    let raw = String::from_utf8_lossy(&pty.raw_output()).into_owned();
    assert!(raw.contains("MFA code: (please) 123456"), "something was drawn between: {raw:?}");
}

#[test]
fn what_a_program_said_before_it_failed() {
    let cloud = Cloud::start();
    let mut command = cloud.ssmx();
    let script = "echo 'Traceback (most recent call last):' >&2\necho '  File \"x.py\", line 1' >&2\n\
                  echo 'Expired: run corp-login first' >&2\nexit 7\n";
    let _folder = with_program(&mut command, script);
    let exec = run(command.args(["exec", "web-1", "--", "true"]));
    assert_told(&exec);
    insta::assert_snapshot!(exec.shown(), @r#"
    exit code: 255
    --- stderr
    error: the `credential_process` of the AWS profile `default` failed (exit status: 7): Expired: run corp-login first
    caused by: Traceback (most recent call last):
        File "x.py", line 1
      Expired: run corp-login first
    hint: `aws sts get-caller-identity` shows whether the AWS CLI can use this profile
    "#);
}

/// The AWS CLI reads these profiles, so ssmx does too; what neither reads is told.
#[test]
fn profiles_with_names_and_lines_of_all_kinds() {
    let cloud = Cloud::start();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let keys = format!(
        "  aws_access_key_id: {}\n  aws_secret_access_key: {}\n  aws_session_token: {}\n",
        cloud.var("AWS_ACCESS_KEY_ID"),
        cloud.var("AWS_SECRET_ACCESS_KEY"),
        cloud.var("AWS_SESSION_TOKEN")
    );
    fs::write(&config, format!("  # ours\n[profile \"Größe [2]\"]\n{keys}[profile broken]\nregion\n")).unwrap();
    let exec = |profile: &str| {
        let mut command = cloud.ssmx();
        without_keys(&mut command).env("AWS_CONFIG_FILE", &config);
        run(command.args(["--profile", profile, "exec", "web-1", "--", "echo", "hi"]))
    };
    let place = config.display().to_string();
    let shown: String = ["Größe [2]", "broken", "Grösse"]
        .map(|profile| format!("=== {profile}\n{}", exec(profile).shown().replace(&place, "CONFIG")))
        .concat();
    insta::assert_snapshot!(shown, @"
    === Größe [2]
    exit code: 0
    --- stdout
    hi
    --- stderr
    warning: /tmp/TEMPORARY/config, line 7: expected `key = value`
    === broken
    exit code: 255
    --- stderr
    error: the AWS profile `broken` cannot be read: /tmp/TEMPORARY/config, line 7: expected `key = value`
    hint: correct it there, or choose another profile with --profile or AWS_PROFILE
    === Grösse
    exit code: 255
    --- stderr
    error: the AWS profile `Grösse` does not exist: expected one of Größe [2], broken
    hint: `aws configure list-profiles` lists the available profiles
    ");
}

#[test]
fn credentials_do_not_leave_this_machine_in_the_clear() {
    let cloud = Cloud::start();
    // All addresses of this machine, which is none of them by its form.
    let url = cloud.var("AWS_ENDPOINT_URL").replace("127.0.0.1", "0.0.0.0");
    let ls = |words: &[&str]| {
        let mut command = cloud.ssmx();
        command.env_remove("AWS_ENDPOINT_URL").args(words).args(["--endpoint-url", &url, "ls", "--no-cache", "web-1"]);
        run(&mut command).shown().replace(&url, "URL")
    };
    insta::assert_snapshot!(format!("{}\n{}", ls(&[]), ls(&["--insecure-endpoint"])), @"
    exit code: 2
    --- stderr
    error: the endpoint http://0.0.0.0:PORT is on another machine: credentials would travel in the clear
    hint: use https://, or allow it with --insecure-endpoint or `insecure_endpoint = true` in the configuration

    exit code: 0
    --- stdout
    NAME   ID                   STATUS  PLATFORM           ZONE        IP
    web-1  i-0a11ce0000000001a  online  Amazon Linux 2023  us-east-1a  10.0.0.11
    --- stderr
    warning: credentials travel in the clear to http://0.0.0.0:PORT
    1 instance: 1 online
    ");
}

#[test]
fn a_session_is_resumed_with_credentials_that_were_renewed_meanwhile() {
    let cloud = Cloud::with(|options| options.api_faults.push(slow_resume()));
    // The first call to resume finds them expired.
    let expired = AtomicBool::new(false);
    let between = Between::changing(cloud.address(), move |call, passed| {
        if call.is("ResumeSession") && !expired.swap(true, Ordering::SeqCst) {
            let text = r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#;
            return answer("400 Bad Request", text);
        }
        passed
    });
    let mut command = cloud.ssmx();
    let folder = with_process(&cloud, &mut command);
    let script = "echo begun; while [ ! -e done ]; do sleep 0.05; done; echo end";
    command.env("AWS_ENDPOINT_URL_SSM", between.url()).args(["exec", "web-1", "--", "sh", "-c", script]);
    let running = Running::start(&mut command);
    running.wait_for_out("begun");
    cloud.cut_clients();
    running.wait_for_err("connection restored");
    assert_eq!(cloud.exec("web-1", ["touch", "done"]).code(), 0);
    let ended = running.finish();
    assert_eq!((ended.code(), ended.out().as_str()), (0, "begun\nend\n"), "{ended:?}");
    let runs = fs::read_to_string(folder.path().join("runs")).unwrap();
    assert!(runs.lines().count() >= 2, "the credentials were not asked for again");
}

#[test]
fn a_session_that_nobody_may_resume_says_so() {
    let cloud = Cloud::with(|options| options.api_faults.push(slow_resume()));
    let between = Between::changing(cloud.address(), |call, passed| {
        if !call.is("ResumeSession") {
            return passed;
        }
        let text = "User: me is not authorized to perform: ssm:ResumeSession on resource: arn:aws:ssm:r";
        answer("400 Bad Request", &format!(r#"{{"__type":"AccessDeniedException","message":"{text}"}}"#))
    });
    let mut command = cloud.ssmx();
    command.env("AWS_ENDPOINT_URL_SSM", between.url());
    let running = Running::start(command.args(["exec", "web-1", "--", "sh", "-c", "echo begun; sleep 1000"]));
    running.wait_for_out("begun");
    cloud.cut_clients();
    let ended = running.finish();
    insta::assert_snapshot!(ended.shown(), @"
    exit code: 255
    --- stdout
    begun
    --- stderr
    ssmx: connection lost (the connection was reset); reconnecting…
    error: connection lost, and the session cannot be resumed
    caused by: ssm:ResumeSession failed for SESSION-ID: User: me is not authorized to perform: ssm:ResumeSession on resource: arn:aws:ssm:r (AccessDeniedException, request id 11111111-2222)
    hint: ask for an IAM policy that allows ssm:ResumeSession on arn:aws:ssm:r
    ");
    cloud.wait_for_no_session();
}
