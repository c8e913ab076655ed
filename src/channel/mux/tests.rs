//! The multiplexer of a session's task, without a session.

use serde_json::json;

use super::*;
use crate::channel::clock::now;
use crate::channel::handle::Channel;
use crate::protocol::{SessionType, Version};

fn handshake(version: &str, properties: serde_json::Value) -> Handshake {
    Handshake {
        agent_version: version.to_owned(),
        session_type: Some(SessionType::Port),
        properties,
        customer_message: String::new(),
        encrypted: false,
    }
}

/// A multiplexer and its streams.
fn multiplexer() -> (Multiplexer, Streams) {
    let mux = Multiplexer::new(Capabilities::of(Version::new(3, 3, 0, 0)));
    let (channel, _commands, _events, _stop) = Channel::for_tests("session");
    let streams = Streams::new(mux.shared(), channel.input());
    (mux, streams)
}

/// What goes out where there is so much room.
fn sent(mux: &mut Multiplexer, room: usize) -> Bytes {
    let (mut room, mut sent) = (room, Bytes::new());
    mux.transmit_over(&mut room, |room| *room, |_, bytes| sent = bytes);
    sent
}

#[test]
fn multiplexing_takes_a_recent_agent_and_the_right_type() {
    let typed = || json!({ "portNumber": "80", "type": "LocalPortForwarding" });
    let multiplexes = |version, properties| multiplexing_agent(&handshake(version, properties)).is_some();
    assert!(multiplexes("3.0.196.1", typed()) && multiplexes("3.3.2299.0", typed()));
    assert!(!multiplexes("3.0.196.0", typed()) && !multiplexes("2.3.714.0", typed()));
    assert!(!multiplexes("3.3.2299.0", json!({ "portNumber": "22" })));
    assert!(!multiplexes("what", typed()));
}

#[tokio::test]
async fn a_byte_goes_out_in_the_next_turn_however_much_waits() {
    let (mut mux, streams) = multiplexer();
    let (bulk, keys) = (streams.open(String::new()).unwrap(), streams.open(String::new()).unwrap());
    let saturating = tokio::spawn(async move { while bulk.write(Bytes::from(vec![0; 16 * 1024])).await.is_ok() {} });
    for turn in 0..50 {
        tokio::task::yield_now().await;
        let typed = turn >= 10 && turn % 5 == 0;
        if typed {
            keys.write(Bytes::from_static(b"@")).await.unwrap();
        }
        let bytes = sent(&mut mux, TURN);
        assert!(bytes.len() <= TURN);
        assert!(turn < 10 || bytes.len() > TURN - 2 * 1024, "{} in turn {turn}", bytes.len());
        assert_eq!(bytes.contains(&b'@'), typed, "turn {turn}");
    }
    drop(mux);
    saturating.await.unwrap();
}

#[tokio::test]
async fn the_task_of_the_session_is_woken_for_the_first_bytes_and_for_room_and_no_more() {
    let (mut mux, streams) = multiplexer();
    let shared = mux.shared();
    let woken = || futures_util::FutureExt::now_or_never(shared.has_work()).is_some();
    let stream = streams.open(String::new()).unwrap();
    assert!(woken() && !woken());
    stream.write(Bytes::from_static(b"behind what waits")).await.unwrap();
    assert!(!woken());
    while !sent(&mut mux, TURN).is_empty() {}
    stream.write(Bytes::from_static(b"something")).await.unwrap();
    assert!(woken());
    while !sent(&mut mux, TURN).is_empty() {}
    let header = [1, 2, 0xff, 0xff, 3, 0, 0, 0];
    while mux.can_receive() {
        mux.receive(now(), [&header[..], &[7; 0xffff]].concat().into()).unwrap();
    }
    assert!(stream.read().await.unwrap().is_some());
    while !mux.can_receive() {
        assert!(!woken());
        assert!(stream.read().await.unwrap().is_some());
    }
    assert!(woken());
}

#[tokio::test]
async fn bytes_are_delivered_once_they_have_left_and_are_acknowledged() {
    let mut mux = Multiplexer::new(Capabilities::of(Version::new(3, 3, 0, 0)));
    let (channel, mut commands, _events, _stop) = Channel::for_tests("session");
    let stream = Streams::new(mux.shared(), channel.input()).open(String::new()).unwrap();
    stream.write(Bytes::from_static(b"the last word")).await.unwrap();
    let delivered = tokio::spawn(async move { stream.delivered().await });
    tokio::task::yield_now().await;
    assert!(commands.try_recv().is_err(), "asked too early");
    while !sent(&mut mux, TURN).is_empty() {}
    let crate::channel::Command::Deliver(done) = commands.recv().await.unwrap() else { panic!() };
    done.send(()).unwrap();
    delivered.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_that_is_sent_without_pause_is_none_that_holds_up_others() {
    let (mut mux, streams) = multiplexer();
    streams.limit(Limits { stall: Some(Duration::from_secs(30)) });
    let (bulk, other) = (streams.open("bulk".to_owned()).unwrap(), streams.open("other".to_owned()).unwrap());
    let saturating = tokio::spawn(async move { while bulk.write(Bytes::from(vec![0; 16 * 1024])).await.is_ok() {} });
    let start = now();
    for second in 0..1_000 {
        tokio::task::yield_now().await;
        if second % 10 == 0 {
            other.write(Bytes::from_static(b"x")).await.unwrap();
        }
        // There is always more than can be sent at once.
        sent(&mut mux, TURN);
        let look = mux.look(start + Duration::from_secs(second));
        assert!(matches!(look, Look::Wait(_)), "{look:?} after {second} s");
        assert!(!streams.is_mute());
    }
    drop(mux);
    saturating.await.unwrap();
}
