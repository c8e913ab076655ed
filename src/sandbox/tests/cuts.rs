//! Connections that are cut, on either side.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::super::Options;
use super::helpers::*;

#[tokio::test]
async fn cuts_are_resets_and_byes_in_turn() {
    let every = Some(Duration::from_millis(50));
    let sandbox = start(Options { cut_client_every: every, ..options() }).await;
    let mut opened = start_session(&sandbox).await;
    for cut in 0..4 {
        let mut socket = Socket::connect(&opened).await;
        match socket.next().await {
            Some(Ok(Message::Close(Some(close)))) if cut % 2 == 1 => {
                assert_eq!((u16::from(close.code), close.reason.as_str()), (1000, "Bye"));
            }
            Some(Err(_)) if cut % 2 == 0 => {}
            other => panic!("cut {cut}: {other:?}"),
        }
        opened = resume_session(&sandbox, &opened.id).await.unwrap();
    }
}

#[tokio::test]
async fn clients_can_be_cut_at_once() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    socket.say("one").await;
    assert_eq!(socket.frame().await, ">one");
    sandbox.cut_clients();
    assert!(matches!(socket.next().await, Some(Err(_))));
    let opened = resume_session(&sandbox, &opened.id).await.unwrap();
    let mut socket = Socket::connect(&opened).await;
    socket.say("two").await;
    assert_eq!(socket.frame().await, ">two");
}

#[tokio::test]
async fn a_cut_agent_is_told_so() {
    let every = Some(Duration::from_millis(20));
    let sandbox = start(Options { cut_agent_every: every, ..options() }).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    assert_eq!(socket.frame().await, "reconnected");
}

#[tokio::test]
async fn publication_is_controlled_when_asked_for() {
    let sandbox = start(Options { publication_control: true, ..options() }).await;
    let opened = start_session(&sandbox).await;
    let mut first = Socket::connect(&opened).await;
    assert!(first.frame().await[5..].starts_with(b"start_publication "), "the echo of it");
    drop(first);
    reaches_status(&sandbox, &opened.id, "Disconnected").await;
    let mut second = Socket::connect(&opened).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let frame = second.frame().await;
        seen.push(String::from_utf8_lossy(&frame[5..37]).trim_end().to_owned());
    }
    assert_eq!(seen, ["pause_publication", "start_publication"]);
}

#[tokio::test]
async fn a_client_that_ended_its_session_is_not_waited_for() {
    let sandbox = start(options()).await;
    let opened = start_session(&sandbox).await;
    let mut socket = Socket::connect(&opened).await;
    socket.say("one").await;
    assert_eq!(socket.frame().await, ">one");
    drop(socket);
    ssm(&sandbox).terminate_session().session_id(&opened.id).send().await.unwrap();
    // Others have 10 s to come back.
    let over = reaches_status(&sandbox, &opened.id, "Terminated");
    tokio::time::timeout(Duration::from_secs(8), over).await.expect("over without a client");
}
