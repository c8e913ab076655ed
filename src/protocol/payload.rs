//! What stream messages carry: the payload types and the small contents that are not plain bytes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::MessageType;

/// What the payload of a stream message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadType {
    /// Bytes: keys or standard input one way, output the other way, or forwarded bytes.
    Output,
    /// The size of the client's terminal, as JSON.
    Size,
    /// The agent asks for a handshake.
    HandshakeRequest,
    /// The client's answer to it.
    HandshakeResponse,
    /// The agent ends the handshake.
    HandshakeComplete,
    /// The agent asks the client to prove that it has the key.
    EncChallengeRequest,
    /// The client's proof: what it was asked for, encrypted with its own key.
    EncChallengeResponse,
    /// A number with a meaning of its own, see [`Flag`].
    Flag,
    /// Bytes that a command wrote to its standard error.
    StdErr,
    /// The text `EXIT_CODE: n`.
    ExitCode,
    /// Any other number; acknowledged and otherwise ignored.
    Other(u32),
}

impl From<u32> for PayloadType {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Output,
            3 => Self::Size,
            5 => Self::HandshakeRequest,
            6 => Self::HandshakeResponse,
            7 => Self::HandshakeComplete,
            8 => Self::EncChallengeRequest,
            9 => Self::EncChallengeResponse,
            10 => Self::Flag,
            11 => Self::StdErr,
            12 => Self::ExitCode,
            other => Self::Other(other),
        }
    }
}

impl From<PayloadType> for u32 {
    fn from(payload_type: PayloadType) -> Self {
        match payload_type {
            PayloadType::Output => 1,
            PayloadType::Size => 3,
            PayloadType::HandshakeRequest => 5,
            PayloadType::HandshakeResponse => 6,
            PayloadType::HandshakeComplete => 7,
            PayloadType::EncChallengeRequest => 8,
            PayloadType::EncChallengeResponse => 9,
            PayloadType::Flag => 10,
            PayloadType::StdErr => 11,
            PayloadType::ExitCode => 12,
            PayloadType::Other(number) => number,
        }
    }
}

/// The size of a terminal in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns. The agent cuts the number to 16 bits.
    pub cols: u32,
    /// Rows. The agent cuts the number to 16 bits.
    pub rows: u32,
}

/// A number that the ends of a port session say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Client to agent, without multiplexing: the local connection has closed.
    DisconnectToPort,
    /// Client to agent: end the session.
    TerminateSession,
    /// Agent to client, with multiplexing: the destination refused a connection.
    ConnectToPortError,
    /// A number without a known meaning.
    Other(u32),
}

impl Flag {
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        Some(match u32::from_be_bytes(payload.try_into().ok()?) {
            1 => Self::DisconnectToPort,
            2 => Self::TerminateSession,
            3 => Self::ConnectToPortError,
            other => Self::Other(other),
        })
    }

    pub(crate) fn encode(self) -> Bytes {
        let number: u32 = match self {
            Self::DisconnectToPort => 1,
            Self::TerminateSession => 2,
            Self::ConnectToPortError => 3,
            Self::Other(other) => other,
        };
        Bytes::copy_from_slice(&number.to_be_bytes())
    }
}

/// The longest text of an agent or the service that is taken over, in bytes; the rest is cut off.
const MAX_TEXT: usize = 64 * 1024;

/// The longest JSON of a handshake or an end that is read: 256 KiB. Read, it takes many times that much memory.
pub(crate) const MAX_JSON: usize = 256 * 1024;

/// A text of an agent or the service, bounded: a cut is marked.
pub(crate) fn bounded(mut text: String) -> String {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let length = text.len();
    let cut = (0..=MAX_TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.truncate(cut);
    text.push_str(&format!(" … ({length} bytes, cut)"));
    text.shrink_to_fit();
    text
}

/// Reads the text `EXIT_CODE: n`. Windows has codes that need 32 bits without a sign, as 0xC0000005.
pub(crate) fn parse_exit_code(payload: &[u8]) -> Option<i64> {
    std::str::from_utf8(payload).ok()?.trim().strip_prefix("EXIT_CODE:")?.trim().parse().ok()
}

/// Writes the text `EXIT_CODE: n`.
pub(crate) fn encode_exit_code(code: i64) -> Bytes {
    format!("EXIT_CODE: {code}").into()
}

/// The content of an acknowledgement. Readers use the sequence number only; what is missing reads as 0, which makes
/// it an acknowledgement of message 0.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Acknowledgement {
    pub(crate) acknowledged_message_type: String,
    pub(crate) acknowledged_message_id: String,
    pub(crate) acknowledged_message_sequence_number: i64,
    pub(crate) is_sequential_message: bool,
}

/// Reads the sequence number of an acknowledgement; `None` when it is not a JSON object.
pub(crate) fn parse_acknowledgement(payload: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Number {
        #[serde(rename = "AcknowledgedMessageSequenceNumber", default)]
        number: i64,
    }
    // serde would take a list for the fields in their order.
    payload.trim_ascii_start().starts_with(b"{").then_some(())?;
    Some(serde_json::from_slice::<Number>(payload).ok()?.number)
}

impl Acknowledgement {
    pub(crate) fn of(message_type: MessageType, id: Uuid, sequence: i64) -> Self {
        Self {
            acknowledged_message_type: message_type.name().to_owned(),
            acknowledged_message_id: id.hyphenated().to_string(),
            acknowledged_message_sequence_number: sequence,
            is_sequential_message: true,
        }
    }
}

/// The content of `channel_closed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChannelClosed {
    /// The type of the message once more: `channel_closed`.
    pub message_type: String,
    /// An id, as text.
    pub message_id: String,
    /// The target of the session.
    pub destination_id: String,
    /// The id of the session that has ended.
    pub session_id: String,
    /// Version of this content; a number or a text.
    pub schema_version: serde_json::Value,
    /// When the session was closed, as text in no fixed format.
    pub created_date: String,
    /// Empty after a normal end, otherwise the reason in the agent's words.
    pub output: String,
}

impl ChannelClosed {
    /// With texts of a bounded length.
    pub(crate) fn bounded(self) -> Self {
        let Self { message_type, message_id, destination_id, session_id, schema_version, created_date, output } = self;
        Self {
            message_type: bounded(message_type),
            message_id: bounded(message_id),
            destination_id: bounded(destination_id),
            session_id: bounded(session_id),
            schema_version,
            created_date: bounded(created_date),
            output: bounded(output),
        }
    }
}

/// The content of `agent_session_state`, which an agent sends to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AgentSessionState {
    /// Version of this content: 1.
    pub schema_version: u32,
    /// `Connected` once the program runs, `Terminating` when it has ended.
    pub session_state: String,
    /// The id of the session that the agent serves.
    pub session_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_types_keep_their_numbers() {
        for number in 0..20 {
            assert_eq!(u32::from(PayloadType::from(number)), number);
        }
    }

    #[test]
    fn exit_codes() {
        assert_eq!(parse_exit_code(b"EXIT_CODE: 3"), Some(3));
        assert_eq!(parse_exit_code(b"EXIT_CODE: -1\n"), Some(-1));
        assert_eq!(parse_exit_code(b"EXIT_CODE: 3221225477"), Some(0xC000_0005), "an access violation on Windows");
        assert_eq!(parse_exit_code(b"EXIT_CODE: "), None);
        assert_eq!(parse_exit_code(b"EXIT_CODE: 99999999999999999999"), None);
        assert_eq!(parse_exit_code(b"\xff"), None);
        assert_eq!(parse_exit_code(&encode_exit_code(255)), Some(255));
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_marked() {
        assert_eq!(bounded("short".to_owned()), "short");
        let cut = bounded("☃".repeat(MAX_TEXT));
        assert!(cut.len() < MAX_TEXT + 64 && cut.ends_with("☃ … (196608 bytes, cut)"), "{}", cut.len());
    }

    #[test]
    fn flags_are_four_bytes() {
        assert_eq!(Flag::parse(&[0, 0, 0, 2]), Some(Flag::TerminateSession));
        assert_eq!(Flag::parse(&[2]), None);
        assert_eq!(Flag::parse(&Flag::Other(77).encode()), Some(Flag::Other(77)));
    }

    #[test]
    fn empty_acknowledgement_is_of_message_0() {
        assert_eq!(parse_acknowledgement(b" {}"), Some(0));
        assert_eq!(parse_acknowledgement(b"[]"), None);
        assert_eq!(parse_acknowledgement(br#"{"AcknowledgedMessageSequenceNumber":null}"#), None);
    }
}
