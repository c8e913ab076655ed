//! Which family an error code of AWS belongs to.
//!
//! The services name the same failure differently: the JSON ones (SSM, KMS) append `Exception`, the query ones (EC2,
//! STS) do not. The codes are those of the API references and of the common errors of each service.

use super::error::ErrorKind;

pub(crate) fn kind(action: &str, code: &str, message: &str, status: u16) -> ErrorKind {
    // SSM sends some codes with a namespace or a trailing URL, as "com.amazonaws.ssm#X" or "X:http://…".
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    match code.strip_suffix("Exception").unwrap_or(code) {
        _ if is_throttling(code) || status == 429 => ErrorKind::Throttled,
        "ExpiredToken"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthentication"
        | "OptInRequired"
        | "RequestTimeTooSkewed"
        | "TokenRefreshRequired" => ErrorKind::Credentials,
        "AccessDenied" | "UnauthorizedOperation" | "UnauthorizedAccess" | "NotAuthorized" | "AccessDeniedForPolicy" => {
            ErrorKind::Permission
        }
        "TargetNotConnected" => ErrorKind::NotConnected,
        // Said of hybrid nodes: "Enable advanced-instances tier to use Session Manager with your on-premises instances".
        "BadRequest" if message.contains("advanced-instances tier") => ErrorKind::NotConnected,
        "DoesNotExist" | "InvalidTarget" | "InvalidInstanceId" => ErrorKind::NotFound,
        code if code.starts_with("InvalidInstanceID.") => ErrorKind::NotFound,
        // Said of a session that has ended: nothing will bring it back.
        _ if is_session_action(action) && is_session_gone(message) => ErrorKind::NotFound,
        "Validation"
        | "ValidationError"
        | "InvalidDocument"
        | "InvalidDocumentVersion"
        | "InvalidParameters"
        | "InvalidFilter"
        | "InvalidFilterKey"
        | "InvalidFilterValue"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "MissingParameter"
        | "Serialization" => ErrorKind::Usage,
        "" if status == 403 => ErrorKind::Permission,
        _ => ErrorKind::Service,
    }
}

/// Whether there were too many requests.
pub(super) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "EC2ThrottledException"
            | "BandwidthLimitExceeded"
            | "SlowDown"
    )
}

fn is_session_action(action: &str) -> bool {
    matches!(action, "ssm:ResumeSession" | "ssm:TerminateSession")
}

fn is_session_gone(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["terminated", "does not exist", "doesn't exist", "timed out", "not found"]
        .iter()
        .any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_code_mean_the_same() {
        for (code, expected) in [
            ("AccessDeniedException", ErrorKind::Permission),
            ("AccessDenied", ErrorKind::Permission),
            ("UnauthorizedOperation", ErrorKind::Permission),
            ("ExpiredTokenException", ErrorKind::Credentials),
            ("ExpiredToken", ErrorKind::Credentials),
            ("UnrecognizedClientException", ErrorKind::Credentials),
            ("ThrottlingException", ErrorKind::Throttled),
            ("RequestLimitExceeded", ErrorKind::Throttled),
            ("TargetNotConnected", ErrorKind::NotConnected),
            ("InvalidInstanceID.NotFound", ErrorKind::NotFound),
            ("com.amazonaws.ssm#DoesNotExistException", ErrorKind::NotFound),
            ("ValidationException", ErrorKind::Usage),
            ("InternalServerError", ErrorKind::Service),
        ] {
            assert_eq!(kind("ssm:StartSession", code, "", 400), expected, "{code}");
        }
    }

    #[test]
    fn a_hybrid_node_without_its_tier_is_not_connected() {
        let message = "Enable advanced-instances tier to use Session Manager with your on-premises instances";
        assert_eq!(kind("ssm:StartSession", "BadRequest", message, 400), ErrorKind::NotConnected);
        assert_eq!(kind("ssm:StartSession", "BadRequest", "", 400), ErrorKind::Service);
    }

    #[test]
    fn a_session_that_ended_is_gone_whatever_the_code() {
        let message = "Session alice-0123 is already terminated";
        assert_eq!(kind("ssm:ResumeSession", "InvalidSessionState", message, 400), ErrorKind::NotFound);
        assert_eq!(kind("kms:GenerateDataKey", "InvalidSessionState", message, 400), ErrorKind::Service);
    }
}
