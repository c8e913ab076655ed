//! Reads the JSON input of actions, and writes the times of their output.

use std::time::SystemTime;

use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The input of an action.
///
/// # Errors
/// `SerializationException` for what is not JSON of the right types, `ValidationException` for a missing member.
pub(crate) fn input<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        match missing {
            Some(name) => ApiError::constraint("null", &lower_first(name), "not be null"),
            None => ApiError::new("SerializationException", ""),
        }
    })
}

/// A time as JSON services write it: seconds since 1970, with milliseconds.
pub(crate) fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64 / 1_000.0
}

/// Members are spelled with a small first letter in errors.
fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        #[expect(dead_code, reason = "only its presence matters")]
        session_id: String,
    }

    #[test]
    fn a_missing_member_is_named() {
        let error = input::<Input>(b"{}").unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains("'null' at 'sessionId'"), "{}", error.message);
        for bad in ["", "[", r#"{"SessionId":1}"#] {
            assert_eq!(input::<Input>(bad.as_bytes()).unwrap_err().code, "SerializationException");
        }
    }
}
