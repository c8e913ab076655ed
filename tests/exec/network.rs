//! Endpoints that are not there, and gateways that will not have us.

use std::net::TcpListener;
use std::process::Command;

use super::errors::assert_told;
use crate::support::cloud::{Cloud, nobody, slow_resume};
use crate::support::command::{Running, run};
use crate::support::snapshot::case;
use crate::support::trace::{Between, answer};

const WEB_1: &str = "i-0a11ce0000000001a";

/// `ssmx` whose SSM is `between`.
fn through(cloud: &Cloud, between: &Between) -> Command {
    let mut command = cloud.ssmx();
    command.env("AWS_ENDPOINT_URL_SSM", between.url()).env_remove("AWS_ENDPOINT_URL_SSMMESSAGES");
    command
}

#[test]
fn an_endpoint_where_nobody_listens() {
    let cloud = Cloud::start();
    let ran =
        run(cloud.ssmx().args(["--endpoint-url", &format!("http://{}", nobody()), "exec", "web-1", "--", "true"]));
    assert_told(&ran);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: cannot call ec2:DescribeInstances: cannot connect to 127.0.0.1:PORT: Connection refused (os error NUMBER)
    hint: nothing is listening there: check the endpoint URL, or that the sandbox is still running
    ");
}

#[test]
fn a_name_that_cannot_be_resolved() {
    let cloud = Cloud::start();
    let ran = run(cloud.ssmx().args(["--endpoint-url", "https://nowhere.invalid", "exec", WEB_1, "--", "true"]));
    assert_told(&ran);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: cannot call ssm:StartSession: cannot resolve nowhere.invalid: failed to lookup address information: REASON
    hint: the name cannot be resolved: check the network, the region, and HTTPS_PROXY if there is a proxy
    ");
}

#[test]
fn a_gateway_where_nobody_listens() {
    let cloud = Cloud::start();
    let ran = run(cloud
        .ssmx()
        .env("AWS_ENDPOINT_URL_SSMMESSAGES", format!("http://{}", nobody()))
        .args(["exec", WEB_1, "--", "true"]));
    assert_told(&ran);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: cannot connect to 127.0.0.1:PORT: Connection refused (os error NUMBER)
    hint: nothing is listening there: check the endpoint URL, or that the sandbox is still running
    ");
    cloud.wait_for_no_session();
}

#[test]
fn a_gateway_that_speaks_something_else() {
    let cloud = Cloud::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let ran = run(cloud
        .ssmx()
        .env("AWS_ENDPOINT_URL_SSMMESSAGES", format!("http://{address}"))
        .args(["exec", WEB_1, "--", "true"]));
    assert_told(&ran);
    insta::assert_snapshot!(ran.shown(), @"
    exit code: 255
    --- stderr
    error: the message gateway 127.0.0.1 refused the connection with HTTP status 404
    hint: the session has ended: start a new one
    ");
    cloud.wait_for_no_session();
}

#[test]
fn our_upgrade_is_signed() {
    let cloud = Cloud::with(|options| options.require_signed_upgrade = true);
    assert_eq!(cloud.exec("web-1", ["echo", "hi"]).out(), "hi\n");
}

#[test]
fn an_upgrade_without_a_signature_is_refused_where_one_is_required() {
    // The sandbox itself, so that the test above proves something.
    use std::io::{Read, Write};
    let cloud = Cloud::with(|options| options.require_signed_upgrade = true);
    let between = Between::listen(cloud.address());
    let running =
        Running::start(through(&cloud, &between).args(["exec", "web-1", "--", "sh", "-c", "echo begun; sleep 1000"]));
    running.wait_for_out("begun");
    let session = between.calls_of("StartSession")[0].member("SessionId").unwrap();
    let mut stream = std::net::TcpStream::connect(cloud.address()).unwrap();
    write!(
        stream,
        "GET /v1/data-channel/{session}?role=publish_subscribe HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        cloud.address()
    )
    .unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 403");
}

#[test]
fn a_stream_url_that_leads_elsewhere_is_refused() {
    let cloud = Cloud::start();
    let mut shown = String::new();
    for elsewhere in ["ws://evil.test", "wss://evil.test", "wss://ssmmessages.us-east-1.amazonaws.com.evil.test"] {
        let between = Between::changing(cloud.address(), move |call, passed| {
            if !call.is("StartSession") {
                return passed;
            }
            let (_, body) = passed.split_once("\r\n\r\n").unwrap();
            let (before, rest) = body.split_once("ws://127.0.0.1").unwrap();
            let (_, after) = rest.split_once('/').unwrap();
            answer("200 OK", &format!("{before}{elsewhere}/{after}"))
        });
        let ran = run(through(&cloud, &between).args(["exec", WEB_1, "--", "true"]));
        assert_told(&ran);
        shown.push_str(&case(elsewhere, &ran.shown()));
        cloud.wait_for_no_session();
    }
    insta::assert_snapshot!(shown, @"
    === ws://evil.test
    exit code: 255
    --- stderr
    error: the session cannot be opened
    caused by: the stream URL is refused: `evil.test` is not a Session Manager host for region us-east-1
    hint: behind a VPC endpoint or your own gateway, set `AWS_ENDPOINT_URL_SSMMESSAGES` to its URL

    === wss://evil.test
    exit code: 255
    --- stderr
    error: the session cannot be opened
    caused by: the stream URL is refused: `evil.test` is not a Session Manager host for region us-east-1
    hint: behind a VPC endpoint or your own gateway, set `AWS_ENDPOINT_URL_SSMMESSAGES` to its URL

    === wss://ssmmessages.us-east-1.amazonaws.com.evil.test
    exit code: 255
    --- stderr
    error: the session cannot be opened
    caused by: the stream URL is refused: `ssmmessages.us-east-1.amazonaws.com.evil.test` is not a Session Manager host for region us-east-1
    hint: behind a VPC endpoint or your own gateway, set `AWS_ENDPOINT_URL_SSMMESSAGES` to its URL
    ");
}

/// Changes the tokens of the actions, so that the gateway will not know them.
fn spoiled(cloud: &Cloud, actions: &'static [&'static str]) -> Between {
    Between::changing(cloud.address(), move |call, passed| {
        let Some(token) = call.member("TokenValue").filter(|_| actions.iter().any(|action| call.is(action))) else {
            return passed;
        };
        passed.replace(&token, &"x".repeat(token.len()))
    })
}

#[test]
fn a_token_that_the_gateway_does_not_know_is_replaced() {
    let cloud = Cloud::start();
    let between = spoiled(&cloud, &["StartSession"]);
    let ran = run(through(&cloud, &between).args(["exec", "web-1", "--", "echo", "hi"]));
    assert_eq!((ran.code(), ran.out().as_str()), (0, "hi\n"), "{ran:?}");
}

#[test]
fn tokens_that_the_gateway_never_knows_are_not_tried_in_a_hurry() {
    let cloud = Cloud::start();
    let between = spoiled(&cloud, &["StartSession", "ResumeSession"]);
    let running = Running::start(through(&cloud, &between).args(["exec", "web-1", "--", "echo", "hi"]));
    running.wait_for_err("still no connection: the service closed the connection (code 1008, invalid TokenValue)");
    let calls = between.calls_of("ResumeSession").len();
    assert!(calls < 10, "{calls} calls");
    running.kill(rustix::process::Signal::TERM);
    assert_eq!(running.finish().code(), 143);
    cloud.wait_for_no_session();
}

#[test]
fn a_session_that_the_service_has_ended_meanwhile() {
    let cloud = Cloud::with(|options| options.api_faults.push(slow_resume()));
    let between = Between::changing(cloud.address(), |call, passed| {
        if call.is("ResumeSession") { answer("200 OK", r#"{"SessionId":"s"}"#) } else { passed }
    });
    let running =
        Running::start(through(&cloud, &between).args(["exec", "web-1", "--", "sh", "-c", "echo begun; sleep 1000"]));
    running.wait_for_out("begun");
    cloud.cut_clients();
    let ended = running.finish();
    insta::assert_snapshot!(ended.shown(), @"
    exit code: 255
    --- stdout
    begun
    --- stderr
    ssmx: connection lost (the connection was reset); reconnecting…
    error: connection lost, and the session expired before it could be resumed
    hint: idle sessions end after the account's idle timeout (20 minutes by default)
    ");
}
