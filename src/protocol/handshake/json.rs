//! The JSON of the handshake, field by field as the official peers write it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub(super) const SESSION_TYPE: &str = "SessionType";
pub(super) const KMS_ENCRYPTION: &str = "KMSEncryption";

/// Action statuses of a response.
pub(super) const SUCCESS: u32 = 1;
pub(super) const FAILED: u32 = 2;
pub(super) const UNSUPPORTED: u32 = 3;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(default)]
    pub(super) agent_version: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) requested_client_actions: Vec<RequestedAction>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RequestedAction {
    pub(super) action_type: String,
    #[serde(default)]
    pub(super) action_parameters: Value,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Response {
    pub(super) client_version: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) processed_client_actions: Vec<ProcessedAction>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) errors: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ProcessedAction {
    pub(super) action_type: String,
    pub(super) action_status: u32,
    pub(super) action_result: Value,
    pub(super) error: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Complete {
    /// In nanoseconds, from the request to the completion.
    pub(super) handshake_time_to_complete: u64,
    pub(super) customer_message: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SessionTypeParameters {
    pub(super) session_type: String,
    pub(super) properties: Value,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KmsParameters {
    #[serde(rename = "KMSKeyId")]
    pub(super) key_id: String,
    /// Base64 text of random bytes; only newer agents send it.
    #[serde(rename = "Challenge", skip_serializing_if = "Option::is_none")]
    pub(super) challenge: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KmsResult {
    #[serde(rename = "KMSCipherTextKey", with = "base64_text")]
    pub(super) ciphertext: Vec<u8>,
    #[serde(rename = "ChallengeAcknowledgement")]
    pub(super) challenge_acknowledged: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Challenge {
    #[serde(with = "base64_text")]
    pub(super) challenge: Vec<u8>,
}

/// A Go peer writes an empty list as `null`.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

mod base64_text {
    use super::{Deserialize, Deserializer, Engine, STANDARD, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

/// The JSON of `value`.
pub(super) fn encode<T: Serialize>(value: &T) -> bytes::Bytes {
    serde_json::to_vec(value).expect("these structs have text keys only, so they are always JSON").into()
}
