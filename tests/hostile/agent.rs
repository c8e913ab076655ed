//! The frames of an agent: a well-behaved one for the rest of a session, and some that are not.

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;
use ssmx::protocol::{
    AgentConfig, AgentHandshakeConfig, Config, DataChannel, Event, Header, Message, MessageType, SessionType,
};

use super::service::Client;

/// The agent of a command that writes this, and exits with this code.
pub(super) async fn play_command(client: &mut Client, output: &[u8], code: i32) {
    let now = Instant::now;
    let handshake = AgentHandshakeConfig {
        agent_version: "3.3.2299.0".to_owned(),
        session_type: SessionType::NonInteractiveCommands,
        properties: json!({ "commands": "x", "separateOutputStream": "true" }),
        kms: None,
        customer_message: String::new(),
    };
    let config = AgentConfig { session_id: "hostile-1".to_owned(), handshake: Some(handshake) };
    let mut channel = DataChannel::agent(Config::new(now(), 1, 1), config);
    channel.handle_connected(now());
    let (mut rest, mut ready, mut coded) = (output, false, false);
    loop {
        while let Some(event) = channel.poll_event() {
            ready |= matches!(event, Event::Ready(_));
        }
        if ready && !rest.is_empty() {
            rest = &rest[channel.write(rest)..];
        }
        coded |= ready && !coded && rest.is_empty() && channel.send_exit_code(code);
        while let Some(frame) = channel.poll_transmit(now()) {
            if !client.send(frame).await {
                return;
            }
        }
        if coded && channel.is_flushed() {
            client.send(channel_closed("")).await;
            return client.silence().await;
        }
        let due = channel.poll_timeout().unwrap_or_else(|| now() + crate::support::DEADLINE);
        tokio::select! {
            frame = client.frame() => match frame {
                Some(frame) => channel.handle_frame(now(), frame),
                None => return,
            },
            () = tokio::time::sleep_until(due.into()) => channel.handle_timeout(now()),
        }
    }
}

/// The service's word that the session is over.
pub(super) fn channel_closed(reason: &str) -> Bytes {
    let payload = json!({
        "MessageType": "channel_closed", "MessageId": "m", "DestinationId": "i", "SessionId": "hostile-1",
        "SchemaVersion": 1, "CreatedDate": "1", "Output": reason,
    });
    frame(&Frame { kind: "channel_closed", payload: payload.to_string().as_bytes(), ..Frame::default() })
}

/// A frame of the wire, field by field, so that any of them can be wrong.
pub(super) struct Frame<'a> {
    pub(super) header_length: u32,
    pub(super) kind: &'a str,
    pub(super) sequence: i64,
    pub(super) payload_type: u32,
    pub(super) payload: &'a [u8],
    /// Bytes between header and payload, for which the header length has to be as much longer.
    pub(super) padding: usize,
}

impl Default for Frame<'_> {
    fn default() -> Self {
        Self { header_length: 116, kind: "output_stream_data", sequence: 0, payload_type: 0, payload: b"", padding: 0 }
    }
}

pub(super) fn frame(frame: &Frame<'_>) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u32(frame.header_length);
    bytes.put_slice(format!("{:<32}", frame.kind).as_bytes());
    bytes.put_u32(1);
    bytes.put_u64(1);
    bytes.put_i64(frame.sequence);
    bytes.put_u64(0);
    // The id: its number, so that no two are alike.
    bytes.put_u64(frame.sequence.unsigned_abs());
    bytes.put_u64(7);
    bytes.put_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, frame.payload).as_ref());
    bytes.put_u32(frame.payload_type);
    bytes.put_u32(frame.payload.len() as u32);
    bytes.put_bytes(0, frame.padding);
    bytes.put_slice(frame.payload);
    bytes.freeze()
}

/// Whether a frame carries data of the client, and what.
pub(super) fn data(frame: Bytes) -> Option<Bytes> {
    let message = Message::parse(frame).ok()?;
    let Header { message_type, payload_type, .. } = message.header;
    let is_data = message_type == MessageType::InputStreamData && payload_type == ssmx::protocol::PayloadType::Output;
    is_data.then_some(message.payload)
}
