//! Every recorded message is parsed, and written again to the same bytes.

use bytes::BytesMut;
use ssmx::protocol::{Message, MessageType};

use crate::recording::{Entry, Recording};

#[test]
fn every_recorded_message_is_written_again_to_the_same_bytes() {
    let mut messages = 0;
    for recording in Recording::all() {
        let mut buffer = BytesMut::new();
        for entry in &recording.entries {
            let Entry::Frame(time, _, 2, frame) = entry else { continue };
            let at = format!("{} at {time} µs", recording.name);
            let message = Message::parse(frame.clone()).unwrap_or_else(|error| panic!("{at}: {error}"));
            assert!(message.is_intact(), "{at}");
            assert_eq!(message.payload_length as usize, message.payload.len(), "{at}");
            message.header.encode(&message.payload, &mut buffer);
            assert_eq!(buffer.split().freeze(), frame, "{at}");
            messages += 1;
        }
    }
    assert!(messages > 600, "only {messages} messages in the recordings");
}

#[test]
fn cut_or_changed_messages_never_panic() {
    let recording = Recording::load("kms-noninteractive");
    for entry in &recording.entries {
        let Entry::Frame(_, _, 2, frame) = entry else { continue };
        for length in 0..frame.len() {
            let _ = Message::parse(frame.slice(..length));
        }
        for index in 0..frame.len() {
            let mut changed = BytesMut::from(&frame[..]);
            changed[index] ^= 0xff;
            if let Ok(message) = Message::parse(changed.freeze())
                && index >= 120
                && !matches!(message.header.message_type, MessageType::PausePublication)
            {
                assert!(!message.is_intact());
            }
        }
    }
}
