//! The calling convention of session-manager-plugin: what the AWS CLI, and programs that do as it does, hand over.
//!
//! In this order: the answer of StartSession, the region, the operation, the profile, the request of StartSession, and
//! the endpoint of SSM. A CLI from before encryption ends after the operation.

use std::borrow::Cow;
use std::ffi::OsString;

use serde_json::Value;
use thiserror::Error;

use super::answer;
use super::fields::{self, Fields};
use super::mistake::Mistake;
use crate::aws::{Secret, StartedSession};

/// What the plugin is called for.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// To see whether it is there.
    Presence,
    /// To ask for its version.
    Version,
    /// To take over a session.
    Start(Box<Call>),
}

/// A session to take over.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) session: StartedSession,
    pub(crate) account: Account,
    /// Unknown from a CLI that is too old.
    pub(crate) request: Option<Request>,
}

/// The account and region of a session, as far as the call names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<String>,
    /// The endpoint of all services.
    pub(crate) endpoint_url: Option<String>,
    pub(crate) ssm_endpoint_url: Option<String>,
}

/// What the session was asked for with, as far as it matters afterwards.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) target: String,
    pub(crate) document: Option<String>,
    parameters: Value,
}

impl Request {
    /// The first value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)?.get(0)?.as_str()
    }
}

/// A call that cannot be understood. If it names a session all the same, that session has to be ended.
#[derive(Debug, Error)]
#[error("{mistake}")]
pub(crate) struct CallError {
    pub(crate) mistake: Mistake,
    pub(crate) orphan: Option<Box<Orphan>>,
}

/// A session that no program will take over.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) session_id: String,
    pub(crate) account: Account,
}

impl Invocation {
    /// Takes the arguments apart, without the name of the program.
    pub(crate) fn parse(args: &[OsString]) -> Result<Self, CallError> {
        match args {
            [] => return Ok(Self::Presence),
            [only] if only == "--version" => return Ok(Self::Version),
            [_, _, _, ..] => {}
            _ => return Err(Mistake::TooFew.into()),
        }
        // What further arguments may mean one day is not known.
        let given = |index: usize| match args.get(index).map(|arg| arg.to_str().ok_or(Mistake::NotText(index + 1))) {
            Some(text) => text.map(|text| Some(text).filter(|text| !text.is_empty())),
            None => Ok(None),
        };
        let (region, operation, profile, endpoint) = (given(1)?, given(2)?, given(3)?, given(5)?);
        // In JSON, what is not valid UTF-8 becomes a replacement character, as with Go.
        let json = |index: usize| args.get(index).map(|arg| arg.to_string_lossy()).unwrap_or_default();

        let text = answer::read(&json(0))?;
        let answer: Fields<'_> = from_json(&text, ANSWER)?;
        // First the token, so that no path leaves it behind unwiped.
        let token = required(&answer, "TokenValue").map(Secret::new);
        let session_id = required(&answer, "SessionId")?;
        let parsed = if operation == Some("StartSession") { request(json(4)) } else { Err(Mistake::Operation) };
        let is_container = matches!(&parsed, Ok(Some(request)) if request.target.starts_with("ecs:"));
        let account = account(region, profile, endpoint, is_container);
        let whole = parsed.and_then(|request| Ok((request, token?, required(&answer, "StreamUrl")?)));
        match whole {
            Ok((request, token, stream_url)) => Ok(Self::Start(Box::new(Call {
                session: StartedSession { session_id, token, stream_url },
                account,
                request,
            }))),
            Err(mistake) => Err(CallError { mistake, orphan: Some(Box::new(Orphan { session_id, account })) }),
        }
    }
}

impl From<Mistake> for CallError {
    fn from(mistake: Mistake) -> Self {
        Self { mistake, orphan: None }
    }
}

/// A text of the answer.
fn required(answer: &Fields<'_>, name: &'static str) -> Result<String, Mistake> {
    let text = answer.text(name).map_err(|fields::NotText| Mistake::NoString(ANSWER, name))?;
    text.filter(|text| !text.is_empty()).ok_or(Mistake::Missing(ANSWER, name))
}

fn request(text: Cow<'_, str>) -> Result<Option<Request>, Mistake> {
    if text.is_empty() {
        return Ok(None);
    }
    let request: Fields<'_> = from_json(&text, REQUEST)?;
    let text = |name| request.entry(name).map(fields::text).transpose().map(Option::flatten);
    let target = text("Target").map_err(|fields::NotText| Mistake::NoString(REQUEST, "Target"))?;
    let target = target.ok_or(Mistake::Missing(REQUEST, "Target"))?;
    // Of no use to the official plugin, so that anything may stand there.
    let document = text("DocumentName").unwrap_or_default();
    let parameters = request.entry("Parameters").and_then(|value| serde_json::from_str(value.get()).ok());
    Ok(Some(Request { target, document, parameters: parameters.unwrap_or_default() }))
}

/// The endpoint is that of SSM, and the CLI names it always: `https://ssm.REGION.amazonaws.com` does not answer requests
/// to KMS. For a container it is that of ECS, which does not answer those to SSM either. An endpoint on this machine plays
/// all of AWS, though.
fn account(region: Option<&str>, profile: Option<&str>, endpoint: Option<&str>, is_container: bool) -> Account {
    let endpoint = endpoint.map(str::to_owned);
    let emulated = endpoint.as_deref().is_some_and(is_on_this_machine);
    let (endpoint_url, ssm_endpoint_url) = match emulated {
        true => (endpoint, None),
        false => (None, endpoint.filter(|_| !is_container)),
    };
    let (profile, region) = (profile.map(str::to_owned), region.map(str::to_owned));
    Account { profile, region, endpoint_url, ssm_endpoint_url }
}

fn is_on_this_machine(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|url| url.host().is_some_and(crate::aws::is_loopback))
}

/// The errors of serde quote what they do not like, so only the place is taken from them.
fn from_json<'a>(text: &'a str, what: &'static str) -> Result<Fields<'a>, Mistake> {
    serde_json::from_str(text).map_err(|error| Mistake::Json { what, line: error.line(), column: error.column() })
}

const ANSWER: &str = "StartSession response";
const REQUEST: &str = "StartSession request";

#[cfg(test)]
mod tests;
