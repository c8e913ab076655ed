//! The client's side of the handshake.

use serde_json::Value;

use super::ClientStep;
use super::json::{
    self, Challenge, Complete, FAILED, KMS_ENCRYPTION, KmsParameters, KmsResult, ProcessedAction, Request, Response,
    SESSION_TYPE, SUCCESS, SessionTypeParameters, UNSUPPORTED,
};
use crate::protocol::payload::{MAX_JSON, bounded};
use crate::protocol::{Capabilities, Cipher, DataKey, Role};

/// What kind of session the agent runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionType {
    /// A shell on a terminal.
    StandardStream,
    /// One command on a terminal.
    InteractiveCommands,
    /// One command without a terminal.
    NonInteractiveCommands,
    /// Bytes to and from a port.
    Port,
    /// A type that ssmx does not know.
    Other(String),
}

impl SessionType {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::StandardStream => "Standard_Stream",
            Self::InteractiveCommands => "InteractiveCommands",
            Self::NonInteractiveCommands => "NonInteractiveCommands",
            Self::Port => "Port",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for SessionType {
    fn from(name: &str) -> Self {
        match name {
            "Standard_Stream" => Self::StandardStream,
            "InteractiveCommands" => Self::InteractiveCommands,
            "NonInteractiveCommands" => Self::NonInteractiveCommands,
            "Port" => Self::Port,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What the client knows from a completed handshake.
#[derive(Clone, Debug, PartialEq)]
pub struct Handshake {
    /// The agent's version, as it states it.
    pub agent_version: String,
    /// The kind of session, when the agent said it.
    pub session_type: Option<SessionType>,
    /// What the session document says, with the parameters filled in.
    pub properties: Value,
    /// A message for the person; often empty.
    pub customer_message: String,
    /// Whether the session is encrypted with a KMS key.
    pub encrypted: bool,
}

impl Handshake {
    /// What the agent can do; `None` when its version is not one.
    pub fn capabilities(&self) -> Option<Capabilities> {
        self.agent_version.parse().ok().map(Capabilities::of)
    }
}

/// The agent wants the session encrypted: KMS has to make a data key of [`crate::protocol::DATA_KEY_LENGTH`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// The KMS key, as an id, an ARN or an alias.
    pub key_id: String,
    /// When present, belongs into the encryption context as `aws:ssm:RandomChallenge`.
    pub challenge: Option<String>,
}

/// What KMS made of a [`KeyRequest`].
#[derive(Debug)]
pub struct SealedKey {
    /// The key in the clear, which never leaves this machine.
    pub plaintext: DataKey,
    /// The key as only KMS can open it.
    pub ciphertext: Vec<u8>,
}

/// Where the handshake stands.
#[derive(Debug)]
enum State {
    /// No request yet; there may never be one.
    Waiting,
    /// KMS is asked for a key; the other actions are processed.
    NeedsKey { processed: Vec<ProcessedAction>, challenge: bool },
    /// The response is out.
    Responded,
    /// Complete, or the session does without.
    Done,
}

/// The client's side of one handshake.
#[derive(Debug)]
pub(crate) struct ClientHandshake {
    version: String,
    nonce: u128,
    state: State,
    summary: Handshake,
    cipher: Option<Cipher>,
    /// The agent has asked for a key.
    asks_for_encryption: bool,
    /// There is one.
    encrypts: bool,
    /// The agent's request cannot be read; it may have asked for a key.
    unreadable: bool,
}

impl ClientHandshake {
    /// A handshake in which the client states `version`; `nonce` is where the nonces of a cipher begin.
    pub(crate) fn new(version: String, nonce: u128) -> Self {
        let summary = Handshake {
            agent_version: String::new(),
            session_type: None,
            properties: Value::Null,
            customer_message: String::new(),
            encrypted: false,
        };
        Self {
            version,
            nonce,
            state: State::Waiting,
            summary,
            cipher: None,
            asks_for_encryption: false,
            encrypts: false,
            unreadable: false,
        }
    }

    /// Whether a request has come and is not completed.
    pub(crate) fn is_in_progress(&self) -> bool {
        matches!(self.state, State::NeedsKey { .. } | State::Responded)
    }

    /// Whether the agent has asked for encryption: the session must not carry a plain byte.
    pub(crate) fn asks_for_encryption(&self) -> bool {
        self.asks_for_encryption
    }

    /// The cipher that was agreed upon, once; it is in force from the completion on.
    pub(crate) fn take_cipher(&mut self) -> Option<Cipher> {
        self.cipher.take()
    }

    /// The agent's request has arrived. Later ones are ignored, unless one of them asks for what the first did not.
    pub(crate) fn handle_request(&mut self, payload: &[u8]) -> ClientStep {
        let readable = Some(payload).filter(|payload| payload.len() <= MAX_JSON);
        let Some(request) = readable.and_then(|payload| serde_json::from_slice::<Request>(payload).ok()) else {
            self.unreadable |= matches!(self.state, State::Waiting);
            return ClientStep::Malformed;
        };
        let asks = request.requested_client_actions.iter().any(|action| action.action_type == KMS_ENCRYPTION);
        if !matches!(self.state, State::Waiting) {
            let changed = asks && !self.asks_for_encryption;
            return if changed { failed("the agent asked for that in a second handshake") } else { ClientStep::None };
        }
        self.asks_for_encryption |= asks;
        self.summary.agent_version = bounded(request.agent_version);
        let mut key_request = None;
        let mut processed = Vec::new();
        for action in request.requested_client_actions {
            let mut answer = ProcessedAction { action_type: action.action_type, ..Default::default() };
            match answer.action_type.as_str() {
                SESSION_TYPE => match serde_json::from_value::<SessionTypeParameters>(action.action_parameters) {
                    Ok(parameters) => {
                        self.summary.session_type = Some(SessionType::from(parameters.session_type.as_str()));
                        self.summary.properties = parameters.properties;
                        answer.action_status = SUCCESS;
                    }
                    Err(error) => fail(&mut answer, format!("cannot read the session type: {error}")),
                },
                KMS_ENCRYPTION => match serde_json::from_value::<KmsParameters>(action.action_parameters) {
                    Ok(parameters) => {
                        key_request = Some(KeyRequest { key_id: parameters.key_id, challenge: parameters.challenge });
                        continue;
                    }
                    Err(error) => fail(&mut answer, format!("cannot read the encryption request: {error}")),
                },
                other => {
                    answer.error = format!("unsupported action {other}");
                    answer.action_status = UNSUPPORTED;
                }
            }
            processed.push(answer);
        }
        match key_request {
            Some(request) => {
                self.state = State::NeedsKey { processed, challenge: request.challenge.is_some() };
                ClientStep::AskForKey(request)
            }
            None => self.respond(processed),
        }
    }

    /// The answer to [`ClientStep::AskForKey`]; an error goes to the agent, which then fails the session.
    pub(crate) fn provide_key(&mut self, key: Result<SealedKey, String>) -> ClientStep {
        let State::NeedsKey { processed, challenge } = &mut self.state else { return ClientStep::None };
        let mut processed = std::mem::take(processed);
        let mut answer = ProcessedAction { action_type: KMS_ENCRYPTION.to_owned(), ..Default::default() };
        match key {
            Ok(key) => {
                self.cipher = Some(Cipher::new(Role::Client, &key.plaintext, self.nonce));
                self.encrypts = true;
                let result = KmsResult { ciphertext: key.ciphertext, challenge_acknowledged: *challenge };
                answer.action_result = serde_json::to_value(result).expect("text, bytes and a truth value are JSON");
                answer.action_status = SUCCESS;
            }
            Err(error) => fail(&mut answer, error),
        }
        processed.push(answer);
        self.respond(processed)
    }

    fn respond(&mut self, processed: Vec<ProcessedAction>) -> ClientStep {
        let errors =
            processed.iter().filter(|action| !action.error.is_empty()).map(|action| action.error.clone()).collect();
        let response = Response { client_version: self.version.clone(), processed_client_actions: processed, errors };
        self.state = State::Responded;
        ClientStep::Respond(json::encode(&response))
    }

    /// The agent's challenge: decrypt it, encrypt it with our own key, send it back.
    pub(crate) fn handle_challenge(&mut self, payload: &[u8]) -> ClientStep {
        let Some(cipher) = &mut self.cipher else { return ClientStep::Malformed };
        let Ok(Challenge { challenge }) = serde_json::from_slice(payload) else { return ClientStep::Malformed };
        let Some(opened) = cipher.open(&challenge) else { return ClientStep::Malformed };
        let challenge = cipher.seal(&opened).to_vec();
        ClientStep::AnswerChallenge(json::encode(&Challenge { challenge }))
    }

    /// The agent's completion has arrived, with or without a request before it. It opens no session in the clear that
    /// is to be encrypted: not before there is a key, and not when none could be had.
    pub(crate) fn handle_complete(&mut self, payload: &[u8]) -> ClientStep {
        if matches!(self.state, State::Done) {
            return ClientStep::None;
        }
        if self.asks_for_encryption && !self.encrypts {
            return failed("the agent ended the handshake without a key");
        }
        if self.unreadable {
            return ClientStep::Fail("the agent's request cannot be read".to_owned());
        }
        let readable = Some(payload).filter(|payload| payload.len() <= MAX_JSON);
        let Some(complete) = readable.and_then(|payload| serde_json::from_slice::<Complete>(payload).ok()) else {
            return ClientStep::Malformed;
        };
        self.state = State::Done;
        self.summary.customer_message = bounded(complete.customer_message);
        self.summary.encrypted = self.encrypts;
        ClientStep::Completed(self.summary.clone())
    }
}

fn failed(reason: &'static str) -> ClientStep {
    ClientStep::Unencrypted(reason)
}

fn fail(answer: &mut ProcessedAction, error: String) {
    answer.action_status = FAILED;
    answer.error = error;
}

#[cfg(test)]
mod tests;
