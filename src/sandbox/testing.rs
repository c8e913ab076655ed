//! A request signed and a session begun, for tests.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials as ClientCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::Request;

use super::faults::Faults;
use super::fleet::Fleet;
use super::link::Lane;
use super::services::credentials::Credentials;
use super::sessions::session::{NewSession, Session};

/// Signs as clients do, with the library of the SDK.
pub(crate) fn signed(
    credentials: &Credentials,
    scope: (&str, &str),
    time: SystemTime,
    mut request: Request<Vec<u8>>,
) -> Request<Vec<u8>> {
    let identity = ClientCredentials::new(
        credentials.access_key_id.as_str(),
        credentials.secret_access_key.as_str(),
        Some(credentials.session_token.to_string()),
        None,
        "test",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.1)
        .name(scope.0)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers,
        SignableBody::Bytes(request.body()),
    );
    let (instructions, _) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}

/// A session on web-1 that nothing has been sent on.
pub(crate) fn session(number: u64) -> Session {
    let instance = Arc::clone(Fleet::builtin("us-east-1").iter().next().unwrap());
    let new = NewSession {
        region: "us-east-1".to_owned(),
        instance,
        document: "SSM-SessionManagerRunShell".to_owned(),
        reason: None,
        owner: "arn:aws:iam::123456789012:user/me".to_owned(),
        to_agent: Lane::new(Faults::default(), 0),
        to_client: Lane::new(Faults::default(), 0),
    };
    Session::new(format!("me-{number}"), number, new)
}
