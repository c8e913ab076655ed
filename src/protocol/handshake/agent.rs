//! The agent's side of the handshake, which the sandbox and the simulations play.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;

use super::json::{
    self, Challenge, Complete, KMS_ENCRYPTION, KmsParameters, KmsResult, Request, RequestedAction, Response,
    SESSION_TYPE, SUCCESS, SessionTypeParameters,
};
use super::{AgentStep, SessionType};
use crate::protocol::{Cipher, DataKey, Role};

/// How long the agent waits for the response and, after it, for the answer to its challenge; measured.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

/// What the agent says in its handshake.
#[derive(Debug)]
pub struct AgentHandshakeConfig {
    /// The version that the agent states.
    pub agent_version: String,
    /// The kind of session.
    pub session_type: SessionType,
    /// What the session document says.
    pub properties: Value,
    /// Asks for encryption when present.
    pub kms: Option<KmsRequest>,
    /// Shown to the person by the client when not empty.
    pub customer_message: String,
}

/// What the agent needs to ask for encryption.
pub struct KmsRequest {
    /// The KMS key, as an id, an ARN or an alias.
    pub key_id: String,
    /// Base64 text of 16 random bytes, as newer agents send it.
    pub challenge: Option<String>,
    /// Random bytes that the client has to send back, encrypted.
    pub proof: [u8; 64],
    /// Where the nonces of the agent's cipher begin; random.
    pub nonce: u128,
}

impl fmt::Debug for KmsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsRequest").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Where the handshake stands.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Requested,
    Decrypting,
    Challenged,
    Done,
    Failed,
}

/// The agent's side of one handshake.
#[derive(Debug)]
pub(crate) struct AgentHandshake {
    config: AgentHandshakeConfig,
    state: State,
    started: Instant,
    client_version: String,
    cipher: Option<Cipher>,
}

impl AgentHandshake {
    /// A handshake that starts now, and the request to send.
    pub(crate) fn start(config: AgentHandshakeConfig, now: Instant) -> (Self, Bytes) {
        let session_type = SessionTypeParameters {
            session_type: config.session_type.name().to_owned(),
            properties: config.properties.clone(),
        };
        let mut actions = vec![action(SESSION_TYPE, &session_type)];
        if let Some(kms) = &config.kms {
            let parameters = KmsParameters { key_id: kms.key_id.clone(), challenge: kms.challenge.clone() };
            actions.push(action(KMS_ENCRYPTION, &parameters));
        }
        let request = Request { agent_version: config.agent_version.clone(), requested_client_actions: actions };
        let payload = json::encode(&request);
        let state = State::Requested;
        (Self { config, state, started: now, client_version: String::new(), cipher: None }, payload)
    }

    /// Whether data may flow.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The version that the client has stated.
    pub(crate) fn client_version(&self) -> &str {
        &self.client_version
    }

    /// The cipher that was agreed upon, once.
    pub(crate) fn take_cipher(&mut self) -> Option<Cipher> {
        self.cipher.take()
    }

    /// The client's response has arrived; later ones are ignored.
    pub(crate) fn handle_response(&mut self, now: Instant, payload: &[u8]) -> AgentStep {
        if self.state != State::Requested {
            return AgentStep::None;
        }
        let Ok(response) = serde_json::from_slice::<Response>(payload) else { return AgentStep::None };
        self.client_version = response.client_version;
        for action in &response.processed_client_actions {
            if action.action_status != SUCCESS {
                return self.fail(format!("{} failed on the client: {}", action.action_type, action.error));
            }
        }
        if self.config.kms.is_none() {
            return self.complete(now);
        }
        let result = response
            .processed_client_actions
            .into_iter()
            .find(|action| action.action_type == KMS_ENCRYPTION)
            .and_then(|action| serde_json::from_value::<KmsResult>(action.action_result).ok());
        let Some(result) = result else { return self.fail("the client sent no data key".to_owned()) };
        self.state = State::Decrypting;
        AgentStep::Decrypt(result.ciphertext, result.challenge_acknowledged)
    }

    /// The answer to [`AgentStep::Decrypt`].
    pub(crate) fn provide_key(&mut self, key: Result<DataKey, String>) -> AgentStep {
        if self.state != State::Decrypting {
            return AgentStep::None;
        }
        let (key, kms) = match (key, &self.config.kms) {
            (Ok(key), Some(kms)) => (key, kms),
            (Ok(_), None) => return AgentStep::None,
            (Err(error), _) => return self.fail(error),
        };
        let mut cipher = Cipher::new(Role::Agent, &key, kms.nonce);
        let challenge = cipher.seal(&kms.proof).to_vec();
        self.cipher = Some(cipher);
        self.state = State::Challenged;
        AgentStep::Challenge(json::encode(&Challenge { challenge }))
    }

    /// The client's answer to the challenge. A wrong one is not acknowledged.
    pub(crate) fn handle_challenge_response(&mut self, now: Instant, payload: &[u8]) -> AgentStep {
        if self.state != State::Challenged {
            return AgentStep::None;
        }
        let opened = serde_json::from_slice::<Challenge>(payload)
            .ok()
            .zip(self.cipher.as_ref())
            .and_then(|(answer, cipher)| cipher.open(&answer.challenge));
        let proven = self.config.kms.as_ref().is_some_and(|kms| opened.is_some_and(|bytes| bytes[..] == kms.proof));
        if proven { self.complete(now) } else { AgentStep::Refuse }
    }

    /// Fails the session: the client has taken longer than [`HANDSHAKE_TIMEOUT`].
    pub(crate) fn on_timeout(&mut self) -> AgentStep {
        self.fail("the client did not answer the handshake in time; update the client".to_owned())
    }

    fn complete(&mut self, now: Instant) -> AgentStep {
        self.state = State::Done;
        let elapsed = now.saturating_duration_since(self.started).as_nanos();
        AgentStep::Complete(json::encode(&Complete {
            handshake_time_to_complete: u64::try_from(elapsed).unwrap_or(u64::MAX),
            customer_message: self.config.customer_message.clone(),
        }))
    }

    fn fail(&mut self, reason: String) -> AgentStep {
        self.state = State::Failed;
        AgentStep::Fail(reason)
    }
}

fn action<T: serde::Serialize>(action_type: &str, parameters: &T) -> RequestedAction {
    RequestedAction {
        action_type: action_type.to_owned(),
        action_parameters: serde_json::to_value(parameters).expect("parameters have text keys only"),
    }
}
