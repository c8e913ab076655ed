//! What must hold for any handshake whatever: one function for the test that runs the corpus and for the fuzzer, which
//! includes this file.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use uuid::Uuid;

use crate::protocol::{
    AgentConfig, AgentHandshakeConfig, ClientConfig, Config, DataChannel, DataKey, Event, Header, KmsRequest, Message,
    MessageType, PayloadType, SealedKey, SessionType,
};

const TYPED: &[u8] = b"typed by the user";

/// Reads `text` as lines, one stream message each: a letter for its payload type, then the payload. Both roles receive
/// them.
///
/// # Panics
/// When something does not hold: data goes out before the handshake is complete, or in the clear where it was to be
/// encrypted, an agent trusts a client that has no key, or an answer is not what it has to be.
pub(crate) fn check(text: &[u8]) {
    for key_for_client in [true, false] {
        client(text, key_for_client);
    }
    for kms in [true, false] {
        agent(text, kms);
    }
}

fn config() -> Config {
    Config::new(Instant::now(), 1, 1)
}

fn key() -> DataKey {
    DataKey::new(&[5; 64]).expect("64 bytes")
}

/// The messages of `text` as they would come to a client, or to an agent.
fn frames(text: &[u8], to_client: bool) -> impl Iterator<Item = Bytes> {
    let messages = text.split(|byte| *byte == b'\n').filter_map(move |line| {
        let (letter, payload) = line.split_first()?;
        let payload_type = match (letter, to_client) {
            (b'r', true) => PayloadType::HandshakeRequest,
            (b'r', false) => PayloadType::HandshakeResponse,
            (b'c', true) => PayloadType::EncChallengeRequest,
            (b'c', false) => PayloadType::EncChallengeResponse,
            (b'd', true) => PayloadType::HandshakeComplete,
            (b's', false) => PayloadType::Size,
            (b'o', _) => PayloadType::Output,
            _ => return None,
        };
        Some((payload_type, payload))
    });
    messages.enumerate().map(move |(sequence, (payload_type, payload))| {
        let header = Header {
            message_type: if to_client { MessageType::OutputStreamData } else { MessageType::InputStreamData },
            schema_version: 1,
            created: 1,
            sequence: sequence as i64,
            flags: 0,
            id: Uuid::nil(),
            payload_type,
        };
        let mut frame = BytesMut::new();
        header.encode(payload, &mut frame);
        frame.freeze()
    })
}

fn client(text: &[u8], has_key: bool) {
    let config = config();
    let now = config.started;
    let mut channel = DataChannel::client(config, ClientConfig::new(None, 1));
    channel.handle_connected(now);
    assert_eq!(channel.write(TYPED), TYPED.len());
    let (mut ready, mut encrypted, mut responses) = (0, false, 0);
    for frame in frames(text, true) {
        channel.handle_frame(now, frame);
        while let Some(event) = channel.poll_event() {
            match event {
                Event::Ready(handshake) => {
                    ready += 1;
                    encrypted = handshake.is_some_and(|handshake| handshake.encrypted);
                }
                Event::LateHandshake(handshake) => encrypted = handshake.encrypted,
                Event::KeyNeeded(_) if has_key => {
                    channel.provide_sealed_key(Ok(SealedKey { plaintext: key(), ciphertext: vec![1, 2, 3] }));
                }
                Event::KeyNeeded(_) => channel.provide_sealed_key(Err("no key".to_owned())),
                _ => {}
            }
        }
        while let Some(frame) = channel.poll_transmit(now) {
            let message = Message::parse(frame).expect("we send messages");
            match message.header.payload_type {
                PayloadType::Output => {
                    assert_eq!(ready, 1, "data before the session was ready");
                    assert_eq!(message.payload != TYPED, encrypted);
                }
                PayloadType::HandshakeResponse => {
                    responses += 1;
                    check_response(&message.payload);
                }
                _ => {}
            }
        }
    }
    assert!(ready <= 1 && responses <= 1);
}

fn check_response(payload: &[u8]) {
    let response: Value = serde_json::from_slice(payload).expect("JSON");
    for action in response["ProcessedClientActions"].as_array().expect("a list") {
        let failed = action["ActionStatus"] != 1;
        assert!((1..=3).contains(&action["ActionStatus"].as_u64().expect("a status")), "{action}");
        assert_eq!(failed, !action["Error"].as_str().expect("a text").is_empty(), "{action}");
    }
}

fn agent(text: &[u8], with_kms: bool) {
    let config = config();
    let now = config.started;
    let kms =
        KmsRequest { key_id: "key".to_owned(), challenge: Some("challenge".to_owned()), proof: [9; 64], nonce: 1 };
    let handshake = AgentHandshakeConfig {
        agent_version: "3.3.0.0".to_owned(),
        session_type: SessionType::StandardStream,
        properties: Value::Null,
        kms: with_kms.then_some(kms),
        customer_message: String::new(),
    };
    let agent = AgentConfig { session_id: "session".to_owned(), handshake: Some(handshake) };
    let mut channel = DataChannel::agent(config, agent);
    channel.handle_connected(now);
    assert_eq!(channel.write(TYPED), TYPED.len());
    let mut ready = false;
    for frame in frames(text, false) {
        channel.handle_frame(now, frame);
        while let Some(event) = channel.poll_event() {
            match event {
                Event::Ready(_) => ready = true,
                Event::KeyToDecrypt { ciphertext, .. } if ciphertext.len() % 2 == 0 => {
                    channel.provide_data_key(now, Ok(key()));
                }
                Event::KeyToDecrypt { .. } => channel.provide_data_key(now, Err("another key".to_owned())),
                Event::Output(_) | Event::Size(_) => assert!(ready, "data taken before the handshake was complete"),
                _ => {}
            }
        }
        while let Some(frame) = channel.poll_transmit(now) {
            let message = Message::parse(frame).expect("we send messages");
            assert!(ready || message.header.payload_type != PayloadType::Output);
        }
    }
    assert!(!(ready && with_kms), "a client without the key does not pass the challenge");
}
