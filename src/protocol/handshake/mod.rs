//! The handshake: the agent says what it is and asks for what it needs, the client answers, the agent completes.

mod agent;
mod client;
mod json;

use bytes::Bytes;

pub(crate) use agent::{AgentHandshake, HANDSHAKE_TIMEOUT};
pub use agent::{AgentHandshakeConfig, KmsRequest};
pub(crate) use client::ClientHandshake;
pub use client::{Handshake, KeyRequest, SealedKey, SessionType};

/// What a client's channel has to do next.
#[derive(Debug)]
pub(crate) enum ClientStep {
    /// Nothing: it came at the wrong time, or waits for more.
    None,
    /// Send the response to the agent's request.
    Respond(Bytes),
    /// Ask for a key, then call [`ClientHandshake::provide_key`].
    AskForKey(KeyRequest),
    /// Send the answer to the challenge.
    AnswerChallenge(Bytes),
    /// Let data flow, encrypted where that was agreed upon.
    Completed(Handshake),
    /// The payload made no sense.
    Malformed,
    /// The session ends for this reason: it would go on in the clear.
    Unencrypted(&'static str),
    /// The session ends, for this reason.
    Fail(String),
}

/// What an agent's channel has to do next.
#[derive(Debug)]
pub(crate) enum AgentStep {
    /// Nothing: it came at the wrong time, or waits for more.
    None,
    /// Have the data key decrypted, then call [`AgentHandshake::provide_key`]. True: with the challenge in the context.
    Decrypt(Vec<u8>, bool),
    /// Send the challenge, which only the owner of the data key can answer.
    Challenge(Bytes),
    /// Send the completion; data may flow.
    Complete(Bytes),
    /// Do not acknowledge what was handed in.
    Refuse,
    /// The session fails, for this reason.
    Fail(String),
}
