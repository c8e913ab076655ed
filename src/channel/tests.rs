//! A session's task on one connection, in the time of a clock that a test turns.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use uuid::Uuid;

use super::line::Line;
use super::open::begin;
use super::stream_url::{Policy, StreamUrl};
use super::*;
use crate::aws::{Aws, StartedSession};
use crate::protocol::{Failure, Header, Message as Frame, MessageType, PayloadType};
use crate::testing::keys;

const SECOND: Duration = Duration::from_secs(1);

/// The service's end of the connection. It answers pings, whatever else it does.
struct Gateway {
    sink: SplitSink<WebSocketStream<DuplexStream>, Message>,
    seen: Arc<Mutex<Vec<Frame>>>,
    reader: JoinHandle<()>,
}

/// A session on a connection that holds so many bytes each way.
async fn connect(options: Options, bytes: usize) -> (Channel, Gateway) {
    let aws = Aws::for_tests("http://127.0.0.1:1", vec![keys("AKIDTEST")]).await;
    let url = "ws://127.0.0.1:1/v1/data-channel/session?role=publish_subscribe";
    let started = StartedSession {
        session_id: "session".to_owned(),
        stream_url: url.to_owned(),
        token: "token".to_owned().into(),
    };
    let url = StreamUrl::parse(url, &Policy::of(&aws)).unwrap();
    let (ours, theirs) = tokio::io::duplex(bytes);
    let socket = WebSocketStream::from_raw_socket(Line::new(Box::new(ours)), Role::Client, Some(dial::config())).await;
    let (sink, mut source) = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await.split();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let reader = tokio::spawn(async move {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Binary(frame) = message {
                log.lock().unwrap().push(Frame::parse(frame).unwrap());
            }
        }
    });
    (begin(&aws, started, "i-1".to_owned(), url, socket, options), Gateway { sink, seen, reader })
}

impl Gateway {
    async fn send(&mut self, message_type: MessageType, sequence: i64, payload_type: PayloadType, payload: &[u8]) {
        let id = Uuid::from_u128(1);
        let header = Header { message_type, schema_version: 1, created: 1, sequence, flags: 0, id, payload_type };
        let mut frame = BytesMut::new();
        header.encode(payload, &mut frame);
        self.sink.send(Message::Binary(frame.freeze())).await.unwrap();
    }

    async fn output(&mut self, sequence: i64, text: &[u8]) {
        self.send(MessageType::OutputStreamData, sequence, PayloadType::Output, text).await;
    }

    async fn acknowledge(&mut self, sequence: i64) {
        let payload = json!({ "AcknowledgedMessageSequenceNumber": sequence }).to_string();
        self.send(MessageType::Acknowledge, 0, PayloadType::Other(0), payload.as_bytes()).await;
    }

    /// Makes a tunnel ready.
    async fn shake_hands(&mut self) {
        let properties = json!({ "portNumber": "1", "type": "LocalPortForwarding" });
        let action = json!({ "SessionType": "Port", "Properties": properties });
        let actions = [json!({ "ActionType": "SessionType", "ActionParameters": action })];
        let request = json!({ "AgentVersion": "3.3.0.0", "RequestedClientActions": actions }).to_string();
        self.send(MessageType::OutputStreamData, 0, PayloadType::HandshakeRequest, request.as_bytes()).await;
        sleep(SECOND / 10).await;
        self.acknowledge(0).await;
        let complete = json!({ "HandshakeTimeToComplete": 1, "CustomerMessage": "" }).to_string();
        self.send(MessageType::OutputStreamData, 1, PayloadType::HandshakeComplete, complete.as_bytes()).await;
    }

    async fn close_channel(&mut self, output: &str) {
        let payload = json!({ "Output": output }).to_string();
        self.send(MessageType::ChannelClosed, 0, PayloadType::Other(0), payload.as_bytes()).await;
    }

    /// Drops the socket, so that nothing can be written to it any more.
    async fn leave(self) {
        self.reader.abort();
        assert!(self.reader.await.unwrap_err().is_cancelled());
    }

    /// Keys that the client has sent.
    fn typed(&self) -> Vec<Bytes> {
        let seen = self.seen.lock().unwrap();
        let typed = seen.iter().filter(|frame| frame.header.payload_type == PayloadType::Output);
        typed.map(|frame| frame.payload.clone()).collect()
    }
}

/// The next event, and the time that has passed since `start`, in whole seconds.
async fn next(channel: &mut Channel, start: Instant) -> (Event, u64) {
    let event = channel.next().await.unwrap();
    (event, (Instant::now() - start).as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_agent_is_silent_says_so_after_seconds_and_ends_after_a_minute() {
    let (mut channel, _gateway) = connect(Options::with_handshake(), 1 << 20).await;
    let start = Instant::now();
    let (event, after) = next(&mut channel, start).await;
    assert!(matches!(event, Event::Connection(ConnectionEvent::AgentSilent(_))), "{event:?}");
    assert_eq!(after, 5);
    assert!(!channel.input().is_ready());
    let (event, after) = next(&mut channel, start).await;
    assert!(matches!(event, Event::Ended(End::Failed(Failure::NotStarted(_)))), "{event:?}");
    assert!((60..70).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_and_a_shell_are_not_ready_before_their_agent_is_heard() {
    for options in [Options::port(), Options::interactive()] {
        let (mut channel, mut gateway) = connect(options, 1 << 20).await;
        let start = Instant::now();
        channel.input().write(Bytes::from_static(b"secret")).await.unwrap();
        let (event, _) = next(&mut channel, start).await;
        assert!(matches!(event, Event::Connection(ConnectionEvent::AgentSilent(_))), "{event:?}");
        sleep(20 * SECOND).await;
        assert!(!channel.input().is_ready() && gateway.typed().is_empty());
        gateway.acknowledge(0).await;
        let (event, _) = next(&mut channel, start).await;
        let Event::Connection(ConnectionEvent::AgentHeard(after)) = event else { panic!("{event:?}") };
        assert!((20 * SECOND..30 * SECOND).contains(&after), "{after:?}");
        let (event, _) = next(&mut channel, start).await;
        assert!(matches!(event, Event::Ready(None)), "{event:?}");
        sleep(SECOND).await;
        assert_eq!(gateway.typed()[0], "secret");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_falls_silent_later_is_reported_once_and_one_with_nothing_to_answer_is_not() {
    let (mut channel, mut gateway) = connect(Options::interactive(), 1 << 20).await;
    gateway.output(0, b"$ ").await;
    let start = Instant::now();
    assert!(matches!(next(&mut channel, start).await.0, Event::Ready(None)));
    assert!(matches!(next(&mut channel, start).await.0, Event::Output(_)));
    sleep(3600 * SECOND).await;
    assert!(channel.try_next().is_none(), "a shell in which nothing happens");
    let start = Instant::now();
    channel.input().write(Bytes::from_static(b"x")).await.unwrap();
    let (event, after) = next(&mut channel, start).await;
    assert!(matches!(event, Event::Connection(ConnectionEvent::AgentSilent(_))), "{event:?}");
    // To the second, as it is looked for once a second.
    assert!((4..7).contains(&after), "{after}");
    sleep(3600 * SECOND).await;
    assert!(channel.try_next().is_none());
    let sent = gateway.typed().len();
    assert!((700..760).contains(&sent), "{sent} in an hour");
    gateway.acknowledge(0).await;
    let (event, _) = next(&mut channel, start).await;
    assert!(matches!(event, Event::Connection(ConnectionEvent::AgentHeard(_))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_read_to_its_end_although_nothing_can_be_written() {
    let (mut channel, mut gateway) = connect(Options::interactive(), 4 << 20).await;
    // More than fits the owner's queue and ours, so that the rest lies unread when the service leaves.
    for sequence in 0..2000 {
        gateway.output(sequence, &[b'x'; 1000]).await;
    }
    gateway.close_channel("").await;
    sleep(SECOND).await;
    gateway.leave().await;
    channel.input().write(Bytes::from_static(b"x")).await.unwrap();
    sleep(30 * SECOND).await;
    let mut read = 0;
    loop {
        match channel.next().await.unwrap() {
            Event::Output(bytes) => read += bytes.len(),
            Event::Ended(end) => {
                assert!(matches!(&end, End::Closed(reason) if reason.is_empty()), "{end:?}");
                break;
            }
            Event::Ready(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, 2_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_frame_above_the_limit_ends_the_session_with_a_reason() {
    let (mut channel, mut gateway) = connect(Options::interactive(), 64 << 20).await;
    gateway.sink.send(Message::Binary(vec![0; (16 << 20) + 1].into())).await.unwrap();
    let (event, _) = next(&mut channel, Instant::now()).await;
    assert!(matches!(event, Event::Ended(End::Failed(Failure::FrameTooLarge(_)))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_does_not_read_does_not_make_the_agent_silent() {
    let (mut channel, mut gateway) = connect(Options::interactive(), 4 << 20).await;
    gateway.output(0, b"$ ").await;
    sleep(SECOND).await;
    channel.input().write(Bytes::from_static(b"x")).await.unwrap();
    for sequence in 1..1000 {
        gateway.output(sequence, &[b'x'; 1000]).await;
    }
    gateway.acknowledge(0).await;
    sleep(600 * SECOND).await;
    gateway.close_channel("").await;
    loop {
        match channel.next().await.unwrap() {
            Event::Output(_) | Event::Ready(_) => {}
            Event::Ended(End::Closed(_)) => return,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_does_not_take_is_repeated_early_though_nothing_else_happens() {
    let (mut channel, mut gateway) = connect(Options::port(), 1 << 20).await;
    let request = r#"{"AgentVersion":"3.3.0.0","RequestedClientActions":[]}"#;
    gateway.send(MessageType::OutputStreamData, 0, PayloadType::HandshakeRequest, request.as_bytes()).await;
    sleep(SECOND / 100).await;
    gateway.acknowledge(0).await;
    gateway.send(MessageType::OutputStreamData, 1, PayloadType::HandshakeComplete, b"{}").await;
    let start = Instant::now();
    assert!(matches!(next(&mut channel, start).await.0, Event::Ready(Some(_))));
    sleep(SECOND / 10).await;
    channel.input().write(Bytes::from_static(b"x")).await.unwrap();
    sleep(SECOND / 5).await;
    let typed = gateway.typed().len();
    assert!(typed >= 3, "sent {typed} times in 0.2 s");
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_message_waits_for_the_pace_and_not_for_its_acknowledgement() {
    let (mut channel, mut gateway) = connect(Options::interactive(), 64 << 20).await;
    gateway.output(0, b"$ ").await;
    let start = Instant::now();
    assert!(matches!(next(&mut channel, start).await.0, Event::Ready(None)));
    // The round trip is known when this is acknowledged.
    let input = channel.input();
    input.write(Bytes::from_static(b"x")).await.unwrap();
    sleep(SECOND / 10).await;
    gateway.acknowledge(0).await;
    sleep(SECOND).await;
    input.write(vec![b'x'; 128 * 1024].into()).await.unwrap();
    sleep(SECOND / 10).await;
    let sent = gateway.typed().len();
    assert!(sent >= 40, "{sent} messages within a round trip, in which none was acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_was_idle_misses_an_acknowledgement_as_soon_as_any_other() {
    let (mut channel, mut gateway) = connect(Options::port(), 1 << 20).await;
    gateway.shake_hands().await;
    assert!(matches!(next(&mut channel, Instant::now()).await.0, Event::Ready(Some(_))));
    let streams = channel.streams().expect("it multiplexes");
    sleep(3600 * SECOND).await;
    assert!(channel.try_next().is_none(), "nothing happens");
    let stream = streams.open("program".to_owned()).unwrap();
    stream.write(Bytes::from_static(b"x")).await.unwrap();
    let (event, after) = next(&mut channel, Instant::now()).await;
    assert!(matches!(event, Event::Connection(ConnectionEvent::AgentSilent(_))), "{event:?}");
    assert!((4..7).contains(&after), "{after}");
    let sent = gateway.typed().len();
    assert!(sent > 1, "{sent}: it is repeated");
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_has_not_read_when_the_session_ends_is_its_own_and_the_rest_is_waited_for() {
    const FRAME: usize = 60_000;
    let (mut channel, mut gateway) = connect(Options::port(), 4 << 20).await;
    gateway.shake_hands().await;
    assert!(matches!(next(&mut channel, Instant::now()).await.0, Event::Ready(Some(_))));
    let stream = channel.streams().unwrap().open("program".to_owned()).unwrap();
    // More than a stream may hold, so that the end of the session comes with much of it still on its way.
    let frame = [&[1, 2][..], &(FRAME as u16).to_le_bytes(), &[3, 0, 0, 0], &[7; FRAME]].concat();
    let sending = tokio::spawn(async move {
        for sequence in 2..202 {
            gateway.output(sequence, &frame).await;
        }
        gateway.close_channel("").await;
        gateway.leave().await;
    });
    sleep(60 * SECOND).await;
    let mut read = 0;
    while let Ok(Some(bytes)) = stream.read().await {
        read += bytes.len();
    }
    assert_eq!(read, 200 * FRAME);
    sending.await.unwrap();
    let (event, _) = next(&mut channel, Instant::now()).await;
    assert!(matches!(event, Event::Ended(End::Closed(_))), "{event:?}");
}
