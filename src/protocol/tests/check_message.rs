//! What must hold for any frames whatever: one function for the test that runs the corpus and for the fuzzer, which
//! includes this file.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::protocol::{AgentConfig, ClientConfig, Config, DataChannel, Event, Message, MessageType, PayloadType};

const SEND_BUFFER: usize = 200;
const RECEIVE_BUFFER: usize = 300;
const REORDER_BUFFER: usize = 500;

/// Early data that a client may have to send again.
const EARLY_DATA: usize = 16 * 1024 + 100;

/// Events that may wait: the limit, and the few that no message brings.
const MAX_EVENTS: usize = 4096 + 4;

/// Reads `bytes` as one frame, and as many frames with two bytes of length before each, which both roles receive.
///
/// # Panics
/// When something does not hold: a message does not encode to what it was parsed from, a channel holds more than it
/// may, or what it sends is not a message.
pub(crate) fn check(bytes: &[u8]) {
    round_trip(bytes);
    let now = Instant::now();
    for mended in [false, true] {
        let client = DataChannel::client(config(now), ClientConfig::new(Some(Duration::from_millis(20)), 1));
        drive(client, now, bytes, mended);
        let agent = AgentConfig { session_id: "session".to_owned(), handshake: None };
        drive(DataChannel::agent(config(now), agent), now, bytes, mended);
    }
}

fn config(now: Instant) -> Config {
    Config {
        message_size: 100,
        send_buffer: SEND_BUFFER,
        max_window: 10_000,
        receive_buffer: RECEIVE_BUFFER,
        reorder_buffer: REORDER_BUFFER,
        ..Config::new(now, 1, 1)
    }
}

/// The message in `frame`, encoded again, with the digest that it should have had.
fn round_trip(frame: &[u8]) -> Option<Bytes> {
    let message = Message::parse(Bytes::copy_from_slice(frame)).ok()?;
    let mut out = BytesMut::new();
    message.header.encode(&message.payload, &mut out);
    let again = Message::parse(out.clone().freeze()).expect("what was encoded can be parsed");
    assert!(again.header == message.header && again.payload == message.payload && again.is_intact());
    assert_eq!(again.payload_length as usize, message.payload.len());
    Some(out.freeze())
}

/// Feeds frames to a channel whose owner reads, writes, pauses and reconnects as the bytes happen to say.
fn drive(mut channel: DataChannel, start: Instant, mut bytes: &[u8], mended: bool) {
    let mut now = start;
    let mut next_sequence = 0;
    let mut longest = 0;
    let mut ended = false;
    channel.handle_connected(now);
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (frame, rest) = rest.split_at(length);
        bytes = rest;
        longest = longest.max(length);
        let mended = mended.then(|| round_trip(frame)).flatten();
        channel.handle_frame(now, mended.unwrap_or_else(|| Bytes::copy_from_slice(frame)));

        let whim = frame.last().copied().unwrap_or_default();
        let accepted = channel.write(&vec![whim; usize::from(whim)]);
        assert!(accepted <= usize::from(whim));
        match whim % 7 {
            0 => channel.handle_disconnected(),
            1 => channel.handle_connected(now),
            2 => {
                now += Duration::from_millis(u64::from(whim));
                channel.handle_timeout(now);
            }
            3 => channel.set_accepting(now, whim > 100),
            _ => {}
        }
        if whim % 3 > 0 {
            ended |= read(&mut channel, ended);
        }
        if whim % 5 > 0 {
            send(&mut channel, now, &mut next_sequence);
        }
        let bound = SEND_BUFFER + EARLY_DATA + RECEIVE_BUFFER + longest + REORDER_BUFFER;
        assert!(channel.buffered() <= bound, "{} bytes", channel.buffered());
    }
    ended |= read(&mut channel, ended);
    assert_eq!(ended, channel.has_ended());
    channel.set_accepting(now, true);
    channel.handle_connected(now);
    send(&mut channel, now, &mut next_sequence);
    let timers = std::iter::from_fn(|| {
        now = channel.poll_timeout()?.max(now + Duration::from_nanos(1));
        channel.handle_timeout(now);
        send(&mut channel, now, &mut next_sequence);
        Some(())
    });
    timers.take(100).for_each(drop);
    assert!(!format!("{channel:?}").is_empty());
}

/// Reads all events; whether the session has ended with them.
fn read(channel: &mut DataChannel, mut ended: bool) -> bool {
    let mut count = 0;
    while let Some(event) = channel.poll_event() {
        assert!(!ended, "{event:?} after the end");
        ended = matches!(event, Event::Closed(_) | Event::Failed(_));
        count += 1;
    }
    // What had arrived out of order may take the room that reading makes.
    assert!(count <= 3 * MAX_EVENTS, "{count} events");
    ended
}

fn send(channel: &mut DataChannel, now: Instant, next_sequence: &mut i64) {
    while let Some(frame) = channel.poll_transmit(now) {
        let message = Message::parse(frame).expect("we send messages");
        assert!(message.is_intact());
        match message.header.message_type {
            MessageType::InputStreamData | MessageType::OutputStreamData => {
                assert!(message.header.sequence <= *next_sequence);
                assert!(message.header.payload_type != PayloadType::Output || message.payload.len() <= 100);
                *next_sequence = (*next_sequence).max(message.header.sequence + 1);
            }
            other => assert_eq!(other, MessageType::Acknowledge),
        }
    }
    let (in_flight, window) = channel.window();
    assert!(in_flight <= window.max(10_000) + 220, "{in_flight} bytes in flight");
}
