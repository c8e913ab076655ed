//! What an action answers when it fails.

use http::StatusCode;

/// An error of a service: its code, a text for people, an HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: StatusCode,
}

impl ApiError {
    /// An error of the caller's.
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: StatusCode::BAD_REQUEST }
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A member of the input breaks a rule of the model.
    pub(crate) fn constraint(value: &str, member: &str, rule: &str) -> Self {
        let text = format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
        );
        Self::new("ValidationException", text)
    }
}
