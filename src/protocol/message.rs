//! The binary message of the data channel: a 120-byte header and a payload.
//!
//! All integers are big-endian. The layout, by offset: header length (0), message type (4, 32 bytes of text), schema
//! version (36), created date (40), sequence number (48), flags (56), message id (64), payload digest (80), payload
//! type (112), payload length (116), payload (120).

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::PayloadType;

/// What the header length field says of a message as the official peers write it: the offset of the payload length.
const HEADER_LENGTH: usize = 116;

/// The longest header that is read. No peer writes another than [`HEADER_LENGTH`]; a newer one may come to.
const MAX_HEADER_LENGTH: usize = 1024;

/// Bytes in front of the payload.
pub const PREFIX_LENGTH: usize = HEADER_LENGTH + 4;

/// Flags of an acknowledgement and of other messages outside the stream.
pub(crate) const FLAGS_OUTSIDE_STREAM: u64 = 3;

/// The kinds of message that travel on a data channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// Client to agent, with a sequence number.
    InputStreamData,
    /// Agent to client, with a sequence number.
    OutputStreamData,
    /// Either way: one stream message has arrived.
    Acknowledge,
    /// Service to client: the session has ended.
    ChannelClosed,
    /// Service to either: publish again.
    StartPublication,
    /// Service to either: stop publishing.
    PausePublication,
    /// Agent to service: how the session fares.
    AgentSessionState,
}

impl MessageType {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InputStreamData => "input_stream_data",
            Self::OutputStreamData => "output_stream_data",
            Self::Acknowledge => "acknowledge",
            Self::ChannelClosed => "channel_closed",
            Self::StartPublication => "start_publication",
            Self::PausePublication => "pause_publication",
            Self::AgentSessionState => "agent_session_state",
        }
    }

    fn from_field(field: &[u8]) -> Option<Self> {
        // Written blank-padded by the official peers; their readers trim NUL and white space on both ends.
        let padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
        let start = field.iter().position(|byte| !padding(byte))?;
        let end = field.iter().rposition(|byte| !padding(byte))? + 1;
        Some(match &field[start..end] {
            b"input_stream_data" => Self::InputStreamData,
            b"output_stream_data" => Self::OutputStreamData,
            b"acknowledge" => Self::Acknowledge,
            b"channel_closed" => Self::ChannelClosed,
            b"start_publication" => Self::StartPublication,
            b"pause_publication" => Self::PausePublication,
            b"agent_session_state" => Self::AgentSessionState,
            _ => return None,
        })
    }
}

/// Why a frame is not a message. Such a frame is ignored and counted, as the official peers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The frame ends inside the header.
    #[error("the frame is shorter than a message header")]
    Short,
    /// The message type is none of [`MessageType`].
    #[error("unknown message type")]
    UnknownType,
    /// The header length is below 116, above 1,024, or points beyond the frame.
    #[error("the header length {0} makes no sense")]
    HeaderLength(u32),
    /// The created date is 0, which both official readers refuse.
    #[error("the message has no date")]
    NoDate,
}

/// The header of a message, without what follows from the payload (length and digest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the message is.
    pub message_type: MessageType,
    /// Version of the layout: 1.
    pub schema_version: u32,
    /// Milliseconds since the Unix epoch; never 0.
    pub created: u64,
    /// Position in the stream of its direction, from 0; 0 outside the stream.
    pub sequence: i64,
    /// 1 on an agent's first stream message, 0 on the others, 3 outside the stream.
    pub flags: u64,
    /// Identifies the message; the same for every repetition.
    pub id: Uuid,
    /// What the payload of a stream message is; 0 outside the stream.
    pub payload_type: PayloadType,
}

/// A message as it arrived; the payload shares the memory of the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Everything in front of the payload but its digest and length.
    pub header: Header,
    /// The digest that the sender stated.
    pub digest: [u8; 32],
    /// The payload length that the sender stated. Readers take everything to the end of the frame instead.
    pub payload_length: u32,
    /// Everything behind the header, to the end of the frame.
    pub payload: Bytes,
}

impl Message {
    /// Parses a frame without copying its payload.
    ///
    /// # Errors
    /// [`ParseError`]; the two publication messages are accepted with anything else in their header, as by the
    /// official client.
    pub fn parse(frame: Bytes) -> Result<Self, ParseError> {
        let type_field = frame.get(4..36).ok_or(ParseError::Short)?;
        let message_type = MessageType::from_field(type_field).ok_or(ParseError::UnknownType)?;
        let lenient = matches!(message_type, MessageType::StartPublication | MessageType::PausePublication);
        if frame.len() < PREFIX_LENGTH {
            if lenient {
                return Ok(Self::bare(message_type));
            }
            return Err(ParseError::Short);
        }
        let stated = u32_at(&frame, 0);
        let header_length = usize::try_from(stated).unwrap_or(usize::MAX);
        let fits = (HEADER_LENGTH..=MAX_HEADER_LENGTH.min(frame.len() - 4)).contains(&header_length);
        let created = u64_at(&frame, 40);
        if !lenient && !fits {
            return Err(ParseError::HeaderLength(stated));
        }
        if !lenient && created == 0 {
            return Err(ParseError::NoDate);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(&frame[80..112]);
        Ok(Self {
            header: Header {
                message_type,
                schema_version: u32_at(&frame, 36),
                created,
                sequence: i64::from_be_bytes(array_at(&frame, 48)),
                flags: u64_at(&frame, 56),
                id: Uuid::from_u64_pair(u64_at(&frame, 72), u64_at(&frame, 64)),
                payload_type: PayloadType::from(u32_at(&frame, 112)),
            },
            digest,
            payload_length: u32_at(&frame, 116),
            payload: if fits { frame.slice(header_length + 4..) } else { Bytes::new() },
        })
    }

    /// Whether the payload is the one that the sender digested. Like the official client, this does not look at a
    /// message whose stated payload length is 0.
    pub fn is_intact(&self) -> bool {
        self.payload_length == 0 || digest(&SHA256, &self.payload).as_ref() == self.digest
    }

    fn bare(message_type: MessageType) -> Self {
        Self {
            header: Header {
                message_type,
                schema_version: 1,
                created: 0,
                sequence: 0,
                flags: 0,
                id: Uuid::nil(),
                payload_type: PayloadType::from(0),
            },
            digest: [0; 32],
            payload_length: 0,
            payload: Bytes::new(),
        }
    }
}

impl Header {
    /// Appends the message with this header and `payload` to `out`, which may be a reused buffer.
    ///
    /// The payload is expected to be below 4 GiB, which the length field can hold; callers cut far below.
    pub fn encode(&self, payload: &[u8], out: &mut BytesMut) {
        out.reserve(PREFIX_LENGTH + payload.len());
        out.put_u32(HEADER_LENGTH as u32);
        let mut name = [b' '; 32];
        let text = self.message_type.name().as_bytes();
        name[..text.len()].copy_from_slice(text);
        out.put_slice(&name);
        out.put_u32(self.schema_version);
        out.put_u64(self.created);
        out.put_i64(self.sequence);
        out.put_u64(self.flags);
        // The wire has the two halves of the UUID swapped.
        let (high, low) = self.id.as_u64_pair();
        out.put_u64(low);
        out.put_u64(high);
        out.put_slice(digest(&SHA256, payload).as_ref());
        out.put_u32(self.payload_type.into());
        out.put_u32(payload.len() as u32);
        out.put_slice(payload);
    }
}

fn array_at<const N: usize>(frame: &[u8], offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&frame[offset..offset + N]);
    bytes
}

fn u32_at(frame: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes(array_at(frame, offset))
}

fn u64_at(frame: &[u8], offset: usize) -> u64 {
    u64::from_be_bytes(array_at(frame, offset))
}

#[cfg(test)]
mod tests;
