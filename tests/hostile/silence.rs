//! Peers that say nothing, and peers that let nobody stay.

use rustix::process::Signal;

use super::agent::play_command;
use super::service::{Client, Reply, Script, Service};
use crate::support::command::{Running, run};
use crate::support::waiting::poll_until;

const TARGET: &str = "i-0123456789abcdef0";

/// Takes the session, and says nothing.
struct Mute;

impl Script for Mute {
    async fn play(&self, mut client: Client, _: usize) {
        client.silence().await;
    }
}

#[test]
fn a_mute_agent_is_reported_and_ctrl_c_leaves() {
    for command in
        [&["exec", TARGET, "--", "x"][..], &["shell", TARGET], &["fwd", TARGET, "0:80"], &["proxy", TARGET, "80"]]
    {
        let service = Service::start(Mute);
        let running = Running::start(service.ssmx().args(command));
        poll_until("the connection", || service.connections() == 1);
        running.wait_for_err("the agent has not answered for");
        running.kill(Signal::INT);
        let ran = running.finish();
        // For a tunnel it is the usual way to end.
        let code = if command[0] == "fwd" { 0 } else { 130 };
        assert_eq!(ran.code(), code, "{command:?}: {}", ran.err());
        assert_eq!(service.calls("TerminateSession"), 1, "{command:?}");
        assert_eq!(service.connections(), 1, "{command:?}");
    }
}

/// Closes every connection at once, after it has read the token.
struct Refuses;

impl Script for Refuses {
    async fn play(&self, client: Client, _: usize) {
        client.close(1008).await;
    }
}

#[test]
fn a_token_that_is_never_taken_does_not_make_a_loop() {
    let service = Service::start(Refuses);
    let running = Running::start(service.ssmx().args(["exec", TARGET, "--", "x"]));
    poll_until("some attempts", || service.connections() >= 6);
    let began = std::time::Instant::now();
    poll_until("some time", || began.elapsed().as_secs() >= 5);
    // With pauses of 0.2 s, twice that and so on there are ten of them in this time at most.
    assert!(service.connections() < 16, "{} connections", service.connections());
    running.kill(Signal::INT);
    running.kill(Signal::TERM);
    let ran = running.finish();
    assert_ne!(ran.code(), 0, "{}", ran.err());
    let lines = ran.err().lines().count();
    assert!(lines < 8, "{lines} lines: {}", ran.err());
}

/// Another client takes the session over, again and again, until the fifth connection.
struct Taken;

impl Script for Taken {
    async fn play(&self, mut client: Client, number: usize) {
        if number < 5 {
            return client.close(1000).await;
        }
        play_command(&mut client, b"mine\n", 3).await;
    }
}

#[test]
fn a_session_that_others_take_over_is_taken_back() {
    let service = Service::start(Taken);
    let ran = run(service.ssmx().args(["exec", TARGET, "--", "x"]));
    assert_eq!((ran.out().as_str(), ran.code()), ("mine\n", 3), "{}", ran.err());
    assert!(ran.err().lines().count() <= 4, "{}", ran.err());
}

/// Hears StartSession, and does not answer.
struct Unanswered(fn() -> Reply);

impl Script for Unanswered {
    fn call(&self, action: &str, _: usize) -> Reply {
        if action == "StartSession" { (self.0)() } else { Reply::Usual }
    }

    async fn play(&self, _: Client, _: usize) {}
}

#[test]
fn a_session_start_that_may_have_been_heard_is_not_repeated() {
    let broken = || Reply::Body(500, "application/x-amz-json-1.1", "{}".to_owned());
    for answer in [(|| Reply::Cut) as fn() -> Reply, broken] {
        let service = Service::start(Unanswered(answer));
        let ran = run(service.ssmx().args(["exec", TARGET, "--", "x"]));
        assert_eq!(ran.code(), 255, "{}", ran.err());
        assert_eq!(service.calls("StartSession"), 1, "{}", ran.err());
    }
}

#[test]
fn ctrl_c_while_the_session_starts_leaves_at_once() {
    let service = Service::start(Unanswered(|| Reply::Never));
    let running = Running::start(service.ssmx().args(["exec", TARGET, "--", "x"]));
    poll_until("the call", || service.calls("StartSession") == 1);
    running.kill(Signal::INT);
    running.kill(Signal::INT);
    assert_eq!(running.finish().code(), 130);
}

#[test]
fn what_answers_in_place_of_aws_is_named() {
    let page = || Reply::Body(200, "text/html", "<html><title>Sign in to the guest network</title></html>".to_owned());
    let service = Service::start(Unanswered(page));
    let ran = run(service.ssmx().args(["exec", TARGET, "--", "x"]));
    assert_eq!(ran.code(), 255);
    assert!(ran.err().contains("text/html") && ran.err().contains("200"), "{}", ran.err());
    assert!(ran.err().contains("guest network"), "{}", ran.err());
}
