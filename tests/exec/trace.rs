//! `-v`, `-vv` and `--log-file`: useful to whoever reads them, and without a secret.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::support::cloud::{Cloud, slow_resume};
use crate::support::command::{Running, run};
use crate::support::trace::{Between, assert_absent};

const TYPED: &str = "typed-by-the-person-4711";
const PRINTED: &str = "printed-by-the-remote-0815";

/// An encrypted session with a cut in the middle, traced as much as can be.
struct Traced {
    log: String,
    said: String,
    secrets: BTreeMap<String, Vec<u8>>,
    environment: String,
    arguments: String,
}

fn traced() -> Traced {
    let cloud = Cloud::with(|options| {
        options.preferences.encrypt = true;
        options.api_faults.push(slow_resume());
    });
    let between = Between::listen(cloud.address());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("trace.log");
    let mut command = cloud.ssmx();
    for service in ["SSM", "KMS", "EC2", "STS"] {
        command.env(format!("AWS_ENDPOINT_URL_{service}"), between.url());
    }
    // The marker is put together remotely, so that it is in the output and not in the arguments.
    let script = format!(
        "echo {}'{}'; : {TYPED}; echo to-{PRINTED} >&2; while [ ! -e done ]; do sleep 0.05; done; no-such-{PRINTED}; exit 5",
        &PRINTED[..7],
        &PRINTED[7..]
    );
    command.args(["-vv", "--log-file"]).arg(&log).args(["exec", "web-1", "--", "sh", "-c", &script]);
    let running = Running::start(&mut command);
    running.wait_for_out(PRINTED);
    let of_process = |name: &str| {
        let bytes = fs::read(format!("/proc/{}/{name}", running.id())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', "\n")
    };
    let (environment, arguments) = (of_process("environ"), of_process("cmdline"));
    cloud.cut_clients();
    running.wait_for_err("connection restored");
    assert_eq!(cloud.exec("web-1", ["touch", "done"]).code(), 0);
    let ended = running.finish();
    assert_eq!((ended.code(), ended.out().as_str()), (5, format!("{PRINTED}\n").as_str()), "{ended:?}");

    let mut secrets = BTreeMap::new();
    let mut add = |name: String, secret: Vec<u8>| drop(secrets.insert(name, secret));
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        add(name.to_owned(), cloud.var(name).as_bytes().to_vec());
        add(format!("{name}, decoded"), BASE64_STANDARD.decode(cloud.var(name)).unwrap());
    }
    for action in ["StartSession", "ResumeSession"] {
        let tokens: Vec<_> = between.calls_of(action).iter().filter_map(|call| call.member("TokenValue")).collect();
        assert!(!tokens.is_empty(), "no token of {action} was seen");
        tokens.into_iter().enumerate().for_each(|(n, token)| add(format!("token {n} of {action}"), token.into_bytes()));
    }
    let keys: Vec<_> = between.calls_of("GenerateDataKey").iter().filter_map(|call| call.member("Plaintext")).collect();
    assert_eq!(keys.len(), 1, "one data key was made");
    let key = BASE64_STANDARD.decode(&keys[0]).unwrap();
    assert_eq!(key.len(), 64);
    add("key of the agent".to_owned(), key[..32].to_vec());
    add("key of the client".to_owned(), key[32..].to_vec());
    add("data key".to_owned(), keys[0].clone().into_bytes());
    for (n, call) in between.calls().iter().enumerate() {
        if let Some((_, rest)) = call.request.split_once("Signature=") {
            add(format!("signature of call {n}"), rest.lines().next().unwrap().as_bytes().to_vec());
        }
    }
    Traced { log: fs::read_to_string(&log).unwrap(), said: ended.err(), secrets, environment, arguments }
}

#[test]
fn no_secret_of_a_session_is_in_its_trace_or_in_the_process_table() {
    let Traced { log, said, secrets, environment, arguments } = traced();
    assert!(secrets.len() >= 10, "{:?}", secrets.keys());
    for (name, secret) in &secrets {
        assert_absent(&log, name, secret);
        assert_absent(&said, name, secret);
        assert_absent(&arguments, name, secret);
        // The person's own credentials came in by the environment; nothing is added to it.
        if !name.starts_with("AWS_") {
            assert_absent(&environment, name, secret);
        }
    }
    assert_absent(&log, "what was typed", TYPED.as_bytes());
    assert_absent(&log, "what was printed", PRINTED.as_bytes());
    // It would be found if it were there.
    assert!(said.contains(PRINTED));
    // And the rest of it is worth reading.
    for text in [
        "AWS settings region=us-east-1",
        "session started session_id=",
        "direction=\"received\" message_type=\"output_stream_data\" sequence=0 payload_type=HandshakeRequest",
        "direction=\"sent\" message_type=\"input_stream_data\" sequence=0 payload_type=HandshakeResponse",
        "payload_type=EncChallengeRequest",
        "message_type=\"acknowledge\"",
        "encrypted: true",
        "connection lost",
        "session resumed",
        "connection restored",
        "session ended",
    ] {
        assert!(log.contains(text), "no {text:?} in:\n{log}");
    }
    assert!(!said.contains("TRACE") && !said.contains("DEBUG"), "{said}");
}

#[test]
fn what_the_service_says_at_the_end_is_not_logged() {
    // It quotes the command here.
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["-vv", "exec", "web-1", "--", "no-such-program-0815"]));
    assert_eq!(ran.err().matches("no-such-program-0815").count(), 1, "{ran:?}");
}

#[test]
fn a_failed_call_leaves_no_secret_in_the_trace() {
    let cloud = Cloud::start();
    let wrong = "wrong/secret+key0123456789";
    let ran = run(cloud.ssmx().args(["-vv", "exec", "web-1", "--", "true"]).env("AWS_SECRET_ACCESS_KEY", wrong));
    assert_eq!(ran.code(), 255);
    assert_absent(&ran.err(), "the key", wrong.as_bytes());
    assert_absent(&ran.err(), "the token", cloud.var("AWS_SESSION_TOKEN").as_bytes());
    assert!(ran.err().contains("request failed"), "{ran:?}");
}

#[test]
fn a_log_file_is_its_owners_only_and_grows() {
    let cloud = Cloud::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ssmx.log");
    let logged = || run(cloud.ssmx().arg("--log-file").arg(&path).args(["exec", "web-1", "--", "echo", "hi"]));
    let first = logged();
    assert_eq!((first.out().as_str(), first.err().as_str()), ("hi\n", ""));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let length = fs::metadata(&path).unwrap().len();
    assert!(length > 0);
    assert_eq!(logged().code(), 0);
    assert!(fs::metadata(&path).unwrap().len() > length);
}

#[test]
fn a_trace_on_standard_error_leaves_standard_output_alone() {
    let ran = run(Cloud::start().ssmx().args(["-vv", "exec", "web-1", "--", "echo", "hi"]));
    assert_eq!(ran.out(), "hi\n");
    assert!(ran.err().contains("TRACE ssmx::channel"), "{ran:?}");
}

#[test]
fn the_search_for_secrets_finds_them_in_every_guise() {
    let secret = b"s3cret/with+bytes\xff";
    let base64 = |before: &str| BASE64_STANDARD.encode([before.as_bytes(), secret, b"after"].concat());
    let guises = [
        "plain s3cret/with+bytes\u{fffd}".to_owned(),
        base64(""),
        base64("x"),
        base64("xy"),
        secret.iter().map(|byte| format!("{byte:02X}")).collect(),
        format!("{secret:?}"),
        "token=s3cret%2Fwith%2Bbytes%FF&x".to_owned(),
    ];
    for guise in guises {
        let found = std::panic::catch_unwind(|| assert_absent(&format!("a log line with {guise} in it"), "it", secret));
        assert!(found.is_err(), "{guise}");
    }
    assert_absent("a log line without", "it", secret);
}
