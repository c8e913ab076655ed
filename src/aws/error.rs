//! The one error of this room: what AWS, the network or the configuration refused, in plain words.
//!
//! SDK errors print as "service error"; here they are taken apart once into kind, action, code, message and request
//! id. What to do about them is in [`super::advice`].

use std::{error::Error as StdError, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::{
    advice, codes,
    foreign::{self, is_foreign},
};

/// What family a failure belongs to; enough to choose an exit code or whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No credentials, or ones that AWS does not take (any more).
    Credentials,
    /// The credentials are fine, but not allowed to do this.
    Permission,
    /// The named thing does not exist.
    NotFound,
    /// The instance exists, but its agent is not connected to Systems Manager.
    NotConnected,
    /// The request or the configuration is wrong.
    Usage,
    /// Too many requests, still so after backing off.
    Throttled,
    /// No answer, or none that could be read.
    Network,
    /// The service failed.
    Service,
}

/// A closer look at a failure that did not come as an answer of a service: what [`advice`] goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The service answered; its code says the rest.
    Answer,
    RegionMissing,
    ProfileMissing,
    Configuration,
    Unreadable,
    CaBundle,
    CredentialsAbsent,
    SsoExpired,
    CredentialsBroken,
    CodeNeeded,
    TokenFile,
    Dns,
    UnknownIssuer,
    Tls,
    Proxy,
    Foreign,
    Insecure,
    Refused,
    Timeout,
    Broken,
}

/// A failed request to AWS, or a failure on the way to it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    cause: Cause,
    action: &'static str,
    resource: Option<String>,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
    status: Option<u16>,
    profile: Option<String>,
    output: Option<String>,
}

/// Longest message of a service that is passed on, in characters.
const MESSAGE_LIMIT: usize = 600;

/// Lines of a program's standard error that are passed on, and the characters of each.
const OUTPUT_LINES: usize = 20;
const OUTPUT_WIDTH: usize = 300;

impl Error {
    /// An error that no answer of a service stands behind. `action` is what was being done, as a person would say it.
    pub(crate) fn new(kind: ErrorKind, cause: Cause, action: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            cause,
            action,
            resource: None,
            code: None,
            message: clean(&message.into()),
            request_id: None,
            status: None,
            profile: None,
            output: None,
        }))
    }

    /// An answer of a service that lacks what it must have.
    pub(crate) fn incomplete(action: &'static str, what: &str) -> Self {
        Self::new(ErrorKind::Service, Cause::Answer, action, format!("the response has no {what}"))
    }

    /// A failure of the way to a server, read from the chain of causes that the network libraries give.
    pub(crate) fn network(action: &'static str, prefix: &str, err: &(dyn StdError + 'static)) -> Self {
        let chain = chain(err);
        let message = if prefix.is_empty() { chain.clone() } else { format!("{prefix}: {chain}") };
        Self::new(ErrorKind::Network, network_cause(&chain), action, message)
    }

    /// A name that has no address.
    pub(super) fn unresolved(action: &'static str, host: &str, err: &(dyn StdError + 'static)) -> Self {
        let chain = chain(err.source().unwrap_or(err));
        Self::new(ErrorKind::Network, Cause::Dns, action, format!("cannot resolve {host}: {chain}"))
    }

    pub(crate) fn credentials(err: &CredentialsError) -> Self {
        if let Some(own) = find::<Self>(err) {
            return own.clone();
        }
        let chain = chain(err);
        let cause = if is_sso_login(&chain) {
            Cause::SsoExpired
        } else if matches!(err, CredentialsError::CredentialsNotLoaded(_)) {
            Cause::CredentialsAbsent
        } else {
            Cause::CredentialsBroken
        };
        let message = match cause {
            Cause::CredentialsAbsent => "no AWS credentials were found".to_owned(),
            _ => chain,
        };
        Self::new(ErrorKind::Credentials, cause, "credentials", message)
    }

    pub(crate) fn from_sdk<E>(action: &'static str, err: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match err {
            SdkError::ServiceError(answer) if answer.err().code().is_none() && is_foreign(answer.raw()) => {
                Self::foreign(action, answer.raw())
            }
            SdkError::ServiceError(answer) => Self::answered(
                action,
                answer.err().code(),
                answer.err().message(),
                answer.raw().status(),
                err.request_id().or(answer.err().meta().request_id()),
            ),
            SdkError::ResponseError(answer) if is_foreign(answer.raw()) => Self::foreign(action, answer.raw()),
            SdkError::ResponseError(answer) => {
                let mut error = Self::new(ErrorKind::Network, Cause::Broken, action, chain(err));
                error.0.status = Some(answer.raw().status().as_u16());
                error.0.request_id = err.request_id().map(clean);
                error
            }
            SdkError::TimeoutError(_) => {
                Self::new(ErrorKind::Network, Cause::Timeout, action, "the service did not respond in time")
            }
            _ => match (find::<CredentialsError>(err), find::<Self>(err)) {
                (Some(err), _) => Self::credentials(err),
                (None, Some(own)) => Self(Box::new(Inner { action, ..(*own.0).clone() })),
                (None, None) => Self::network(action, "", err),
            },
        }
    }

    fn answered(
        action: &'static str,
        code: Option<&str>,
        message: Option<&str>,
        status: StatusCode,
        request_id: Option<&str>,
    ) -> Self {
        let status = status.as_u16();
        let kind = codes::kind(action, code.unwrap_or_default(), message.unwrap_or_default(), status);
        let fallback = || format!("the service answered with HTTP status {status}");
        let mut error = Self::new(kind, Cause::Answer, action, message.map_or_else(fallback, str::to_owned));
        error.0.code = code.map(clean);
        error.0.request_id = request_id.map(clean);
        error.0.status = Some(status);
        error
    }

    /// An answer that is not one of AWS.
    fn foreign(action: &'static str, answer: &HttpResponse) -> Self {
        let status = answer.status().as_u16();
        let kind = if status >= 500 { ErrorKind::Service } else { ErrorKind::Network };
        let mut error = Self::new(kind, Cause::Foreign, action, foreign::described(answer));
        error.0.status = Some(status);
        error
    }

    /// Names what the request was about: an instance, a session, a key.
    pub(crate) fn about(mut self, resource: &str) -> Self {
        self.0.resource = Some(clean(resource));
        self
    }

    /// Remembers the AWS profile in effect, which advice on logging in names.
    pub(crate) fn under_profile(mut self, profile: Option<&str>) -> Self {
        self.0.profile = profile.map(clean);
        self
    }

    /// Adds what a program said before it failed, of which the end is kept.
    pub(super) fn with_output(mut self, lines: &[&str]) -> Self {
        let kept = &lines[lines.len().saturating_sub(OUTPUT_LINES)..];
        let cut = |line: &&str| line.chars().filter(|c| !c.is_control()).take(OUTPUT_WIDTH).collect::<String>();
        self.0.output = Some(kept.iter().map(cut).collect::<Vec<_>>().join("\n"));
        self
    }

    /// The family of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was asked, as IAM names it (`ssm:StartSession`), or in words if it was no request to a service.
    pub fn action(&self) -> &'static str {
        self.0.action
    }

    /// What it was asked about, for instance the id of an instance.
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The error code of the service, for instance `TargetNotConnected`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The reason, in the words of the service where it gave any. One line, without control characters.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The request id, which AWS support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What to do about it, best first; may be empty.
    pub fn hints(&self) -> Vec<String> {
        advice::hints(self)
    }

    /// Whether asking for the resumption of a session again later can succeed.
    ///
    /// A session that is gone, a missing permission and a wrong request stay as they are; networks, throttling, failures
    /// of the service and expired credentials (which may be renewed outside) pass.
    pub fn is_retryable_for_resume(&self) -> bool {
        match self.0.kind {
            ErrorKind::Network | ErrorKind::Throttled | ErrorKind::Service | ErrorKind::Credentials => true,
            ErrorKind::Permission | ErrorKind::NotFound | ErrorKind::NotConnected | ErrorKind::Usage => false,
        }
    }

    pub(crate) fn cause(&self) -> Cause {
        self.0.cause
    }

    pub(crate) fn profile(&self) -> Option<&str> {
        self.0.profile.as_deref()
    }

    /// What a program said before it failed, in lines.
    pub(crate) fn output(&self) -> Option<&str> {
        self.0.output.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { action, resource, code, message, request_id, cause, .. } = &*self.0;
        match (cause, resource) {
            (Cause::Answer, Some(resource)) => write!(f, "{action} failed for {resource}: ")?,
            (Cause::Answer, None) => write!(f, "{action} failed: ")?,
            // Where the request did not arrive, the message says what failed; the action is only its occasion.
            (_, _) if action.contains(':') => write!(f, "cannot call {action}: ")?,
            (_, _) => {}
        }
        f.write_str(message)?;
        match (code, request_id) {
            (Some(code), Some(id)) => write!(f, " ({code}, request id {id})"),
            (Some(code), None) => write!(f, " ({code})"),
            (None, Some(id)) => write!(f, " (request id {id})"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl StdError for Error {}

/// One line for a terminal, of bounded length.
///
/// Control characters go, because a message that comes from the network must not steer a terminal. So does all after
/// the first line: a refused signature is answered with the canonical request, session token included.
fn clean(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    // EC2 appends a kilobyte of encoded text to a refusal.
    let line = line.split(" Encoded authorization failure message:").next().unwrap_or_default();
    let mut clean: String = line.chars().filter(|c| !c.is_control()).take(MESSAGE_LIMIT + 1).collect();
    if clean.chars().count() > MESSAGE_LIMIT {
        clean = clean.chars().take(MESSAGE_LIMIT).chain(['…']).collect();
    }
    clean
}

/// The texts of an error and its causes, each said once.
fn chain(err: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(err);
    while let Some(err) = next {
        let text = err.to_string();
        // Wrappers repeat the text of what they wrap, or say nothing but that there was a failure.
        let empty = matches!(
            text.as_str(),
            "dispatch failure"
                | "other"
                | "io error"
                | "client error (Connect)"
                | "client error (SendRequest)"
                | "tcp connect error"
        );
        if !empty && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = err.source();
    }
    if texts.is_empty() { err.to_string() } else { texts.join(": ") }
}

/// The first error of a type in a chain of causes.
pub(super) fn find<'a, T: StdError + 'static>(err: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(err);
    while let Some(err) = next {
        if let Some(found) = err.downcast_ref() {
            return Some(found);
        }
        next = err.source();
    }
    None
}

fn network_cause(chain: &str) -> Cause {
    let chain = chain.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| chain.contains(word));
    if has(&["unknownissuer", "unknown issuer"]) {
        Cause::UnknownIssuer
    } else if has(&["proxy", "tunnel"]) {
        Cause::Proxy
    } else if has(&["certificate", "tls", "handshake", "invalidcontenttype"]) {
        Cause::Tls
    } else if has(&["dns", "lookup address", "name resolution", "name or service"]) {
        Cause::Dns
    } else if has(&["connection refused"]) {
        Cause::Refused
    } else if has(&["timed out", "timeout", "deadline"]) {
        Cause::Timeout
    } else {
        Cause::Broken
    }
}

fn is_sso_login(chain: &str) -> bool {
    let chain = chain.to_ascii_lowercase();
    chain.contains("sso") && ["expired", "cached", "token", "not found"].iter().any(|word| chain.contains(word))
}

#[cfg(test)]
mod tests;
