//! The gateway, met by a client with bare frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::super::{AgentSession, Faults, LinkEvent, Options, Outcome, Preferences, Sandbox};
use super::helpers::*;
use crate::sandbox::testing::signed;

#[tokio::test]
async fn frames_go_both_ways() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    assert!(opened.url.starts_with("ws://127.0.0.1:"), "{}", opened.url);
    assert!(opened.url.ends_with(&format!("/v1/data-channel/{}?role=publish_subscribe", opened.id)));
    let mut socket = Socket::connect(&opened).await;
    socket.send(Message::Ping("are you there".into())).await;
    assert!(matches!(socket.next().await, Some(Ok(Message::Pong(text))) if text == "are you there"));
    for n in 0..100 {
        socket.say(&n.to_string()).await;
    }
    for n in 0..100 {
        assert_eq!(socket.frame().await, format!(">{n}"));
    }
    socket.send(Message::text("text")).await;
    assert_eq!(socket.frame().await, ">text");
    reaches_status(&sandbox, &opened.id, "Connected").await;
    let large = "x".repeat(1_000_000);
    socket.say(&large).await;
    assert_eq!(socket.frame().await, format!(">{large}"));
}

#[tokio::test]
async fn the_end_of_an_agent_is_told() {
    let sandbox = start(options()).await;
    for (last, output, status) in
        [("exit", "", "Terminated"), ("fail", "it failed", "Failed"), ("panic", "the agent failed", "Failed")]
    {
        let opened = start_session(&sandbox).await;
        let mut socket = Socket::connect(&opened).await;
        socket.say("one").await;
        socket.say(last).await;
        assert_eq!(socket.frame().await, ">one");
        assert_eq!(socket.closed_output().await, output);
        reaches_status(&sandbox, &opened.id, status).await;
        assert!(resume_session(&sandbox, &opened.id).await.is_none());
    }
}

#[tokio::test]
async fn terminate_session_ends_the_channel() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    socket.say("one").await;
    assert_eq!(socket.frame().await, ">one");
    ssm(&sandbox).terminate_session().session_id(&opened.id).send().await.unwrap();
    assert_eq!(socket.closed_output().await, "");
}

async fn refused(opened: &Opened, first: Message) -> (u16, String) {
    let mut socket = Socket::dial(opened.url.as_str().into_client_request().unwrap()).await.unwrap();
    socket.send(first).await;
    let close = socket.close().await;
    (close.code.into(), close.reason.to_string())
}

#[tokio::test]
async fn bad_open_messages_are_refused() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let open = |version: &str, token: &str| {
        Message::text(serde_json::json!({ "MessageSchemaVersion": version, "TokenValue": token }).to_string())
    };
    let policy = |reason: &str| (1008, reason.to_owned());
    assert_eq!(refused(&opened, open("1.0", "wrong")).await, policy("invalid TokenValue"));
    assert_eq!(refused(&opened, open("1.0", "")).await, policy("invalid TokenValue"));
    assert_eq!(refused(&opened, open("2.0", &opened.token)).await, policy("unknown MessageSchemaVersion"));
    assert_eq!(refused(&opened, Message::text("{}")).await, policy("not an open message"));
    let binary = Message::binary(vec![0; 200]);
    assert_eq!(refused(&opened, binary).await, policy("the first message must be the open message"));
    let resumed = resume_session(&sandbox, &opened.id).await.unwrap();
    assert_eq!(refused(&opened, open("1.0", &opened.token)).await, policy("invalid TokenValue"), "replaced");
    Socket::connect(&resumed).await;
}

fn status(result: Result<Socket, SocketError>) -> u16 {
    match result {
        Err(SocketError::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => 101,
    }
}

async fn dial_signed(sandbox: &Sandbox, opened: &Opened, scope: (&str, &str), time: SystemTime) -> u16 {
    let bare = http::Request::get(&opened.url)
        .header("host", sandbox.endpoint().trim_start_matches("http://"))
        .body(Vec::new())
        .unwrap();
    let signed = signed(&sandbox.account.credentials, scope, time, bare);
    let mut request = opened.url.as_str().into_client_request().unwrap();
    for (name, value) in signed.headers() {
        request.headers_mut().insert(name, value.clone());
    }
    status(Socket::dial(request).await)
}

#[tokio::test]
async fn signatures_of_upgrades_are_checked() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let now = SystemTime::now();
    assert_eq!(dial_signed(&sandbox, &opened, ("ssmmessages", "us-east-1"), now).await, 101);
    assert_eq!(dial_signed(&sandbox, &opened, ("ssm", "us-east-1"), now).await, 403);
    assert_eq!(dial_signed(&sandbox, &opened, ("ssmmessages", "eu-west-1"), now).await, 403);
    let old = now - Duration::from_mins(10);
    assert_eq!(dial_signed(&sandbox, &opened, ("ssmmessages", "us-east-1"), old).await, 403);
    let other = start(options()).await;
    assert_eq!(dial_signed(&other, &opened, ("ssmmessages", "us-east-1"), now).await, 403);

    let dial = async |url: &str| status(Socket::dial(url.into_client_request().unwrap()).await);
    assert_eq!(dial(&opened.url).await, 101, "not signed, as older clients");
    assert_eq!(dial(&opened.url.replace("publish_subscribe", "other")).await, 400);
    assert_eq!(dial(&opened.url.replace("sandbox-", "nobody-")).await, 404);

    let strict = start(Options { require_signed_upgrade: true, ..options() }).await;
    let opened = start_session(&strict).await;
    assert_eq!(dial(&opened.url).await, 403);
    assert_eq!(dial_signed(&strict, &opened, ("ssmmessages", "us-east-1"), now).await, 101);
}

#[tokio::test]
async fn a_newer_connection_takes_over() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let mut older = Socket::connect(&opened).await;
    older.say("one").await;
    assert_eq!(older.frame().await, ">one");
    let mut newer = Socket::connect(&opened).await;
    newer.say("two").await;
    assert_eq!(newer.frame().await, ">two");
    assert!(matches!(older.next().await, None | Some(Err(_))), "the older one is gone");
}

/// Sends 30,000 frames, more than the gateway takes in, and waits for the client's word at the end.
async fn flood(session: AgentSession) -> Outcome {
    for n in 0..30_000_u32 {
        if session.link.send(bytes::Bytes::copy_from_slice(&n.to_be_bytes())).await.is_err() {
            return Outcome::failed("closed");
        }
    }
    while let Some(event) = session.link.recv().await {
        if event == LinkEvent::Frame("done".into()) {
            break;
        }
    }
    Outcome::success()
}

#[tokio::test]
async fn nothing_is_lost_while_the_client_is_away() {
    let sandbox = start(Options::new(Arc::new(flood))).await;
    let opened = start_session(&sandbox).await;
    // A first connection takes a few and goes; those that were under way to it come again.
    let mut first = Socket::connect(&opened).await;
    let mut expected = 0;
    while expected < 1_000_u32 {
        assert_eq!(first.frame().await[..], expected.to_be_bytes());
        expected += 1;
    }
    drop(first);
    let opened = resume_session(&sandbox, &opened.id).await.unwrap();
    let mut second = Socket::connect(&opened).await;
    let mut last = None;
    while last != Some(29_999) {
        let frame = second.frame().await;
        let number = u32::from_be_bytes(frame[..].try_into().unwrap());
        if let Some(last) = last {
            assert_eq!(number, last + 1);
        }
        last = Some(number);
    }
    second.say("done").await;
    assert_eq!(second.closed_output().await, "");
}

/// Takes nothing.
async fn deaf(session: AgentSession) -> Outcome {
    std::future::pending::<()>().await;
    drop(session);
    Outcome::success()
}

#[tokio::test]
async fn a_deaf_agent_slows_its_client_down_and_can_be_terminated() {
    let sandbox = start(Options::new(Arc::new(deaf))).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let sender = tokio::spawn(async move {
        let large = Message::binary(vec![0; 1 << 20]);
        while socket.try_send(large.clone()).await {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let lane = Arc::clone(&sandbox.account.sessions.find_anywhere(&opened.id).unwrap().to_agent);
    let full = async {
        while !lane.is_full() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, full).await.unwrap();
    // The gateway's 16 MiB, and what the buffers of two loopback sockets hold.
    let sent = sent.load(Ordering::Relaxed);
    assert!((15..64).contains(&sent), "{sent} MiB went into a session whose agent takes nothing");
    ssm(&sandbox).terminate_session().session_id(&opened.id).send().await.unwrap();
    reaches_status(&sandbox, &opened.id, "Terminated").await;
    tokio::time::timeout(DEADLINE, sender).await.unwrap().unwrap();
}

/// Leaves 8 MiB to its client and ends, as soon as the client is away.
async fn burst(session: AgentSession) -> Outcome {
    while let Some(LinkEvent::Frame(frame)) = session.link.recv().await {
        if frame[4..].starts_with(b"pause_publication ") {
            break;
        }
    }
    for n in 0..8_192_u32 {
        let frame = [&n.to_be_bytes()[..], &[0; 1_020]].concat();
        if session.link.send(frame.into()).await.is_err() {
            return Outcome::failed("closed");
        }
    }
    Outcome::success()
}

#[tokio::test]
async fn what_an_agent_left_is_fetched_after_its_end() {
    let sandbox = start(Options { publication_control: true, ..Options::new(Arc::new(burst)) }).await;
    let opened = start_session(&sandbox).await;
    drop(Socket::connect(&opened).await);
    reaches_status(&sandbox, &opened.id, "Terminating").await;
    let opened = resume_session(&sandbox, &opened.id).await.expect("not over yet");
    let mut socket = Socket::connect(&opened).await;
    for n in 0..8_192_u32 {
        assert_eq!(socket.frame().await[..4], n.to_be_bytes());
    }
    assert_eq!(socket.closed_output().await, "");
    reaches_status(&sandbox, &opened.id, "Terminated").await;
}

#[tokio::test]
async fn an_idle_session_times_out() {
    let mut options = options();
    options.preferences = Preferences { idle_timeout: Some(Duration::from_millis(300)), ..Preferences::default() };
    let sandbox = start(options).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    assert_eq!(socket.closed_output().await, "Your session timed out due to inactivity.");
}

#[tokio::test]
async fn shutdown_tells_the_clients() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    socket.say("one").await;
    assert_eq!(socket.frame().await, ">one");
    let (output, ()) = tokio::join!(socket.closed_output(), sandbox.shutdown());
    assert_eq!(output, "The sandbox was stopped.");
}

#[tokio::test]
async fn lost_frames_are_lost() {
    let faults = Faults { drop: 1.0, ..Faults::default() };
    let sandbox = start(Options { faults_to_agent: faults, ..options() }).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    socket.say("one").await;
    socket.send(Message::Ping("x".into())).await;
    assert!(matches!(socket.next().await, Some(Ok(Message::Pong(_)))));
    ssm(&sandbox).terminate_session().session_id(&opened.id).send().await.unwrap();
    assert_eq!(socket.closed_output().await, "", "no answer came before the end");
}

#[tokio::test]
async fn impossible_faults_are_refused() {
    let faults = Faults { drop: 1.5, ..Faults::default() };
    assert!(Sandbox::start(Options { faults_to_agent: faults, ..options() }).await.is_err());
    let zero = Some(Duration::ZERO);
    assert!(Sandbox::start(Options { cut_client_every: zero, ..options() }).await.is_err());
}
