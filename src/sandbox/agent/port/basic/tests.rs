use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use serde_json::Value;

use super::*;
use crate::protocol::{Message, MessageType, PayloadType};
use crate::sandbox::agent::testing::mux::*;
use crate::sandbox::agent::testing::{Client, forward, session, session_of, ssh};
use crate::sandbox::agent::work::Work;

/// A client too old to multiplex.
fn old(work: Work) -> Client {
    session_of("1.1.0.0", work, |_| {})
}

/// Bytes and flags that the client of a recording sent.
fn recorded(name: &str) -> Vec<Input> {
    let path = format!("{}/tests/wire/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let messages = text.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["dir"] == "c2s" && line["op"] == 2).then_some(())?;
        Some(Message::parse(BASE64_STANDARD.decode(line["data"].as_str()?).unwrap().into()).unwrap())
    });
    let inputs = messages.filter(|message| message.header.message_type == MessageType::InputStreamData);
    let inputs = inputs.filter_map(|message| match message.header.payload_type {
        PayloadType::Output => Some(Input::Bytes(message.payload)),
        PayloadType::Flag => Some(Input::Flag(Flag::parse(&message.payload)?)),
        _ => None,
    });
    inputs.collect()
}

#[tokio::test]
async fn the_recorded_flags_have_the_recorded_effects() {
    let (listener, port) = listen().await;
    let mut client = old(forward(port, None));
    let mut socket = client.during(accepted(&listener)).await;
    let mut received: Vec<Vec<u8>> = Vec::new();
    for input in recorded("raw-basic-flags") {
        match input {
            Input::Bytes(bytes) => {
                client.send(&bytes);
                if !received.is_empty() {
                    assert!(client.during(is_closed(&mut socket)).await);
                    socket = client.during(accepted(&listener)).await;
                }
                received.push(client.during(heard(&mut socket, bytes.len())).await);
            }
            Input::Flag(flag) => assert!(client.channel.send_flag(flag)),
            Input::Size(_) => unreachable!("a port has no size"),
        }
    }
    assert_eq!(received, [b"one", b"two"]);
    assert_eq!(client.outcome().await, Outcome::success());
    assert!(is_closed(&mut socket).await);
}

#[tokio::test]
async fn a_refused_connection_fails_the_session() {
    let port = refusing().await;
    let outcome = Outcome::failed(format!(
        "Unable to connect to specified port: dial tcp 127.0.0.1:{port}: connect: connection refused"
    ));
    assert_eq!(old(forward(port, None)).outcome().await, outcome);
    assert_eq!(session(ssh(port), |_| {}).outcome().await, outcome);
    let old_agent = session(forward(port, None), |session| session.agent_version = "3.0.196.0".to_owned());
    assert_eq!({ old_agent }.outcome().await, outcome);
}

#[tokio::test]
async fn a_server_that_closes_is_dialled_again() {
    let (listener, port) = listen().await;
    let mut client = old(forward(port, None));
    let server = async { write_to(&mut accepted(&listener).await, b"bye").await };
    tokio::join!(client.shows("bye"), server);
    // What comes before the agent has seen the end goes nowhere, as with the real one.
    let mut second = loop {
        client.send("again");
        client.until(|client| client.has_sent() && client.channel.is_flushed()).await;
        if let Some(Ok((socket, _))) = listener.accept().now_or_never() {
            break socket;
        }
    };
    assert_eq!(heard(&mut second, 5).await, b"again");
    client.terminate();
    assert_eq!(client.outcome().await, Outcome::success());
}

#[tokio::test]
async fn a_second_connection_that_is_refused_fails_the_session() {
    let (listener, port) = listen().await;
    let mut client = old(forward(port, None));
    let _socket = client.during(accepted(&listener)).await;
    drop(listener);
    assert!(client.channel.send_flag(Flag::DisconnectToPort));
    client.until(|client| client.channel.is_flushed()).await;
    client.send("again");
    assert_eq!(client.outcome().await, Outcome::failed(""));
}

#[tokio::test]
async fn ssh_is_one_connection_of_any_bytes() {
    let (listener, port) = listen().await;
    let mut client = session(ssh(port), |_| {});
    let bytes: Vec<u8> = (0..=255).cycle().take(8 << 20).collect();
    client.send(&bytes);
    let server = async {
        let mut socket = accepted(&listener).await;
        let heard = heard(&mut socket, 8 << 20).await;
        write_to(&mut socket, &heard).await;
    };
    tokio::join!(client.until(|client| client.stdout.len() == 8 << 20), server);
    assert!(client.stdout == bytes, "something was changed on the way");
    assert_eq!(client.outcome().await, Outcome::success());
}

#[tokio::test]
async fn ssh_knows_no_second_connection() {
    let mut client = session(ssh(echo().await), |_| {});
    client.until(|client| client.ready).await;
    assert!(client.channel.send_flag(Flag::DisconnectToPort));
    assert_eq!(client.outcome().await, Outcome::failed(""));
}
