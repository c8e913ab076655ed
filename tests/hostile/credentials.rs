//! Which credentials are asked for where, as a service sees it that gives none.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

use tempfile::TempDir;

use super::service::{Client, Reply, Script, Service};
use crate::support::DEADLINE;
use crate::support::command::{run, ssmx};

const TARGET: &str = "i-0123456789abcdef0";

/// Starts no session, and nobody may have a role.
struct Refuses;

impl Script for Refuses {
    fn call(&self, action: &str, _: usize) -> Reply {
        if action == "TerminateSession" {
            return Reply::Usual;
        }
        let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
        Reply::Body(400, "application/x-amz-json-1.1", denied.to_owned())
    }

    async fn play(&self, _: Client, _: usize) {}
}

/// The files of the AWS CLI: a profile with keys, one with a role, and the token of a workload.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = "
[profile keys]
aws_access_key_id = AKIAPROFILE
aws_secret_access_key = secret

[profile role]
role_arn = arn:aws:iam::123456789012:role/it
source_profile = keys
";
    std::fs::write(folder.path().join("config"), config).unwrap();
    std::fs::write(folder.path().join("token"), "a token").unwrap();
    folder
}

/// Has a program use these files, and no keys of the environment.
fn with_files<'a>(command: &'a mut Command, files: &TempDir) -> &'a mut Command {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(name);
    }
    command.env("AWS_CONFIG_FILE", files.path().join("config"))
}

/// The environment, the flags, and who is asked: for the workload's role, for the profile's, and for a session.
type Case<'a> = (&'a [Variables<'a>], &'a [&'a str], [usize; 3]);

type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn the_order_of_keys_a_workloads_identity_and_profiles_is_that_of_the_aws_cli() {
    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAHOSTILE"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let files = files();
    let token = files.path().join("token");
    let identity = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/workload"),
    ];
    let profile = |name| [("AWS_PROFILE", name)];
    let cases: [Case<'_>; 7] = [
        (&[&identity], &[], [1, 0, 0]),
        (&[&identity, &KEYS], &[], [0, 0, 1]),
        (&[&identity, &profile("keys")], &[], [1, 0, 0]),
        (&[&identity, &profile("role")], &[], [0, 1, 0]),
        (&[&identity, &KEYS, &profile("role")], &[], [0, 0, 1]),
        (&[&identity], &["--profile", "keys"], [0, 0, 1]),
        (&[&identity, &KEYS], &["--profile", "role"], [0, 1, 0]),
    ];
    for (variables, flags, expected) in cases {
        let service = Service::start(Refuses);
        let mut command = service.ssmx();
        with_files(&mut command, &files).envs(variables.iter().copied().flatten().copied());
        let ran = run(command.args(flags).args(["exec", TARGET, "--", "x"]));
        let asked =
            ["AssumeRoleWithWebIdentity", "AssumeRole", "StartSession"].map(|action| service.calls(action).min(1));
        assert_eq!(asked, expected, "{variables:?} {flags:?}: {}", ran.err());
        assert_eq!(ran.code(), 255, "{}", ran.err());
    }
}

#[test]
fn the_plugin_asks_for_a_role_at_the_endpoint_that_the_environment_names() {
    let service = Service::start(Refuses);
    let (files, environment) = (files(), service.environment());
    let endpoint = environment.iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL").unwrap().1;
    let mut plugin = ssmx();
    with_files(&mut plugin, &files).env("AWS_ENDPOINT_URL_STS", endpoint);
    // Nothing can be opened there, so that the session has to be ended, for which the role is needed.
    let answer = r#"{"SessionId":"s","StreamUrl":"ftp://nowhere/","TokenValue":"t"}"#;
    let request = format!(r#"{{"Target":"{TARGET}"}}"#);
    // As the AWS CLI names it; one on this machine would stand for all services.
    let ssm = "https://ssm.us-east-1.amazonaws.com";
    let call = ["plugin", "--", answer, "us-east-1", "StartSession", "role", &request, ssm];
    let ran = run(plugin.args(call));
    assert_ne!(ran.code(), 0, "{ran:?}");
    assert!(service.calls("AssumeRole") > 0, "{}", ran.err());
}

/// A proxy that lets nobody through, and tells where they want to go.
fn proxy() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let _ = told.send(lines.next().unwrap_or_default());
            lines.for_each(drop);
            let _ = (&stream).write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (url, heard)
}

#[test]
fn endpoints_of_the_surroundings_are_ignored_where_they_are_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    for says_so in ["the environment", "the profile"] {
        let service = Service::start(Refuses);
        let endpoint = service.environment().iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL").unwrap().1.to_owned();
        let mut command = service.ssmx();
        let mut profile = format!("[default]\nendpoint_url = {endpoint}\n");
        if says_so == "the environment" {
            command.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        } else {
            profile += "ignore_configured_endpoint_urls = true\n";
        }
        std::fs::write(&config, profile).unwrap();
        let (proxy, asked) = proxy();
        command.env("AWS_CONFIG_FILE", &config).env("AWS_ENDPOINT_URL_SSM", &endpoint).env("HTTPS_PROXY", proxy);
        let ran = run(command.args(["exec", TARGET, "--", "x"]));
        assert_ne!(ran.code(), 0, "{says_so}");
        // The connection to the message gateway is made ahead, and may be the first.
        let next = || asked.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{says_so}: {}", ran.err()));
        let first = next();
        let asked = if first.starts_with("CONNECT ssmmessages.") { next() } else { first };
        assert_eq!(asked, "CONNECT ssm.us-east-1.amazonaws.com:443 HTTP/1.1", "{says_so}");
        assert_eq!(service.calls("StartSession"), 0, "{says_so}");
    }
}
