//! The open message: the one text frame with which either end opens a data channel.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What an end says when it opens a data channel. It has the token in it, hence no Debug.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OpenMessage<'a> {
    /// The version of this message: `1.0`.
    pub message_schema_version: &'a str,
    /// A UUID that is new for each message.
    pub request_id: String,
    /// The token of StartSession, or the newest of ResumeSession.
    pub token_value: &'a str,
    /// A UUID, one for each client process; agents send an empty text.
    pub client_id: &'a str,
    /// The client's version; agents send none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_version: Option<&'a str>,
}

impl<'a> OpenMessage<'a> {
    /// The open message of a client.
    pub fn client(token: &'a str, client_id: &'a str, request_id: String, client_version: &'a str) -> Self {
        Self {
            message_schema_version: "1.0",
            request_id,
            token_value: token,
            client_id,
            client_version: Some(client_version),
        }
    }

    /// The text of the frame, wiped when dropped.
    pub fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string(self).expect("a struct of texts is always JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_fields_of_the_official_client() {
        let text = OpenMessage::client("token", "client", "request".into(), "1.2.3.4").encode();
        assert_eq!(
            text.as_str(),
            r#"{"MessageSchemaVersion":"1.0","RequestId":"request","TokenValue":"token","ClientId":"client","ClientVersion":"1.2.3.4"}"#
        );
    }
}
