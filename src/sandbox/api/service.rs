//! The services that a sandbox has, and how each of them answers.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::error::ApiError;
use super::xml::Xml;
use crate::sandbox::services::sigv4::Refused;

/// A service of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ec2,
    InstanceConnect,
    Kms,
    Ssm,
    Sts,
}

impl Service {
    /// The service that a request was signed for.
    pub(crate) fn signed_for(name: &str) -> Option<Self> {
        Some(match name {
            "ec2" => Self::Ec2,
            "ec2-instance-connect" => Self::InstanceConnect,
            "kms" => Self::Kms,
            "ssm" => Self::Ssm,
            "sts" => Self::Sts,
            _ => return None,
        })
    }

    /// The prefix of the service's actions in policies.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::InstanceConnect => "ec2-instance-connect",
            Self::Kms => "kms",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }

    /// What stands before the action in `X-Amz-Target`; `None` for services that are sent forms.
    pub(crate) fn target(self) -> Option<&'static str> {
        match self {
            Self::Ec2 | Self::Sts => None,
            Self::InstanceConnect => Some("AWSEC2InstanceConnectService"),
            Self::Kms => Some("TrentService"),
            Self::Ssm => Some("AmazonSSM"),
        }
    }

    /// The answer to a call that succeeded.
    pub(crate) fn success(self, request_id: &str, body: String) -> Response<Full<Bytes>> {
        self.response(request_id, StatusCode::OK, body)
    }

    /// The answer to a call that failed, in the service's own envelope.
    pub(crate) fn failure(self, request_id: &str, error: &ApiError) -> Response<Full<Bytes>> {
        let (code, message) = (error.code.as_str(), error.message.as_str());
        let body = match self {
            Self::Ec2 => {
                let mut xml = Xml::document();
                xml.open("Response").open("Errors").open("Error");
                xml.text("Code", code).text("Message", message).close("Error").close("Errors");
                xml.text("RequestID", request_id).close("Response");
                xml.finish()
            }
            Self::Sts => {
                let mut xml = Xml::document();
                xml.open_as("ErrorResponse", "https://sts.amazonaws.com/doc/2011-06-15/").open("Error");
                xml.text("Type", "Sender").text("Code", code).text("Message", message).close("Error");
                xml.text("RequestId", request_id).close("ErrorResponse");
                xml.finish()
            }
            // Where a service has no text, the member is missing. Which case it is spelled in differs.
            _ if message.is_empty() => json!({ "__type": code }).to_string(),
            Self::Kms => json!({ "__type": code, "message": message }).to_string(),
            Self::Ssm | Self::InstanceConnect => json!({ "__type": code, "Message": message }).to_string(),
        };
        self.response(request_id, error.status, body)
    }

    /// How the service refuses credentials and signatures.
    pub(crate) fn refusal(self, refused: &Refused) -> ApiError {
        let code = match (self, refused) {
            (Self::Ec2, Refused::Skewed(_) | Refused::Expired) => {
                return ApiError::new("RequestExpired", "Request has expired.");
            }
            (Self::Ec2, Refused::Missing | Refused::Incomplete(_)) => {
                return ApiError::new("MissingAuthenticationToken", "Missing Authentication Token");
            }
            (Self::Ec2, _) => {
                let text = "AWS was not able to validate the provided access credentials";
                return ApiError::new("AuthFailure", text).with_status(StatusCode::UNAUTHORIZED);
            }
            (Self::Sts, Refused::Missing) => "MissingAuthenticationToken",
            (Self::Sts, Refused::Incomplete(_)) => "IncompleteSignature",
            (Self::Sts, Refused::UnknownKey) => "InvalidClientTokenId",
            (Self::Sts, Refused::Expired) => "ExpiredToken",
            (Self::Sts, _) => "SignatureDoesNotMatch",
            (_, Refused::Missing) => "MissingAuthenticationTokenException",
            (_, Refused::Incomplete(_)) => "IncompleteSignatureException",
            (_, Refused::UnknownKey) => "UnrecognizedClientException",
            (_, Refused::Expired) => "ExpiredTokenException",
            (_, _) => "InvalidSignatureException",
        };
        let status = if self == Self::Sts { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        ApiError::new(code, refused.to_string()).with_status(status)
    }

    /// How the service says that it has no such action.
    pub(crate) fn unknown_action(self, action: &str) -> ApiError {
        match self {
            Self::Ec2 | Self::Sts => {
                ApiError::new("InvalidAction", format!("The action {action} is not valid for this web service."))
            }
            _ => ApiError::new("UnknownOperationException", ""),
        }
    }

    /// How the service says that there were too many calls.
    pub(crate) fn throttled(self) -> ApiError {
        match self {
            Self::Ec2 => ApiError::new("RequestLimitExceeded", "Request limit exceeded.")
                .with_status(StatusCode::SERVICE_UNAVAILABLE),
            Self::Sts => ApiError::new("Throttling", "Rate exceeded"),
            _ => ApiError::new("ThrottlingException", "Rate exceeded"),
        }
    }

    /// How the service says that the mark of a page is not valid any more.
    pub(crate) fn expired_page(self) -> ApiError {
        match self {
            Self::Ec2 => ApiError::new("InvalidParameterValue", "Unable to parse pagination token"),
            _ => ApiError::new("InvalidNextToken", "The specified token is not valid."),
        }
    }

    /// How the service says that the caller's policy does not allow an action.
    pub(crate) fn denied(self, caller: &str, action: &str, resource: &str) -> ApiError {
        let because = format!("because no identity-based policy allows the {action} action");
        let user = format!("User: {caller} is not authorized to perform: {action}");
        match self {
            Self::Ec2 => {
                let text = format!("You are not authorized to perform this operation. {user} {because}");
                ApiError::new("UnauthorizedOperation", text).with_status(StatusCode::FORBIDDEN)
            }
            Self::Sts => ApiError::new("AccessDenied", format!("{user} on resource: {resource} {because}"))
                .with_status(StatusCode::FORBIDDEN),
            _ => ApiError::new("AccessDeniedException", format!("{user} on resource: {resource} {because}")),
        }
    }

    fn response(self, request_id: &str, status: StatusCode, body: String) -> Response<Full<Bytes>> {
        let kind = if self.target().is_some() { "application/x-amz-json-1.1" } else { "text/xml;charset=UTF-8" };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
        }
        response
    }
}
