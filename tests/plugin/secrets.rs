//! The token of a session is for nobody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::play::{Play, Running};

#[test]
fn the_token_reaches_no_child_and_the_profile_is_taken_from_the_call() {
    let play = Play::new();
    let session = play.start(None, &[]);
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("credentials");
    let seen = dir.path().join("seen");
    let credentials = serde_json::json!({
        "Version": 1,
        "AccessKeyId": play.value("AWS_ACCESS_KEY_ID"),
        "SecretAccessKey": play.value("AWS_SECRET_ACCESS_KEY"),
        "SessionToken": play.value("AWS_SESSION_TOKEN"),
    });
    let parent = if cfg!(target_os = "linux") { "tr '\\0' '\\n' < /proc/$PPID/environ" } else { "true" };
    let script = format!("#!/bin/sh\n{{ env; {parent}; }} >> '{}'\necho '{credentials}'\n", seen.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let config = dir.path().join("config");
    fs::write(&config, format!("[profile work]\ncredential_process = {}\n", program.display())).unwrap();

    let variable = "AWS_SSM_START_SESSION_RESPONSE";
    let args = [variable, "us-east-1", "StartSession", "work", &session.request, &play.endpoint()];
    let mut command = play.plugin(&args);
    command.env(variable, &session.answer).env("AWS_CONFIG_FILE", &config).env("SSMX_LOG", "trace");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let log = fs::File::create(dir.path().join("log")).unwrap();
    command.stderr(log);
    let mut shell = Running::spawn(command);
    shell.wait_for("[sandbox web-1] $");
    if cfg!(target_os = "linux") {
        for of in ["environ", "cmdline"] {
            let text = fs::read(format!("/proc/{}/{of}", shell.id())).unwrap();
            assert!(!String::from_utf8_lossy(&text).contains(&session.token), "the token is in {of}");
        }
    }
    shell.send("exit\n");
    let (status, _) = shell.wait();
    assert_eq!(status.code(), Some(0));
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("PATH="), "{seen}");
    assert!(!seen.contains(&session.token) && !seen.contains(variable), "{seen}");
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(log.contains("session ended") && !log.contains(&session.token), "{log}");
}
