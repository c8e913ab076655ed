//! The calling convention of session-manager-plugin: what the AWS CLI, and programs that do as it does, hand over.
//!
//! In this order: the answer of StartSession, the region, the operation, the profile, the request of StartSession, and
//! the endpoint of SSM. A CLI from before encryption ends after the operation.

use std::ffi::OsString;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::answer;
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
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    #[serde(default)]
    pub(crate) target: String,
    #[serde(default, rename = "DocumentName")]
    pub(crate) document: Option<String>,
    #[serde(default)]
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
        let texts: Result<Vec<&str>, usize> =
            args.iter().enumerate().map(|(index, arg)| arg.to_str().ok_or(index + 1)).collect();
        let texts = texts.map_err(|number| CallError::from(Mistake::NotText(number)))?;
        // What further arguments may mean one day is not known.
        let given = |index: usize| texts.get(index).copied().filter(|text| !text.is_empty());
        let account = account(given(1), given(3), given(5));

        let text = answer::read(texts[0])?;
        let answer: Answer = from_json(&text, ANSWER)?;
        let parsed = if texts[2] == "StartSession" { request(given(4)) } else { Err(Mistake::Operation) };
        let token = answer.token_value.filter(|token| !token.is_empty()).map(Secret::new);
        let Some(session_id) = answer.session_id.filter(|id| !id.is_empty()) else {
            return Err(Mistake::Missing(ANSWER, "SessionId").into());
        };
        let whole = parsed.and_then(|request| {
            let token = token.ok_or(Mistake::Missing(ANSWER, "TokenValue"))?;
            let stream_url = answer.stream_url.ok_or(Mistake::Missing(ANSWER, "StreamUrl"))?;
            Ok((request, token, stream_url))
        });
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    session_id: Option<String>,
    token_value: Option<String>,
    stream_url: Option<String>,
}

fn request(text: Option<&str>) -> Result<Option<Request>, Mistake> {
    let Some(text) = text else { return Ok(None) };
    let request: Request = from_json(text, REQUEST)?;
    if request.target.is_empty() {
        return Err(Mistake::Missing(REQUEST, "Target"));
    }
    Ok(Some(request))
}

/// The endpoint is that of SSM, and the CLI names it always: `https://ssm.REGION.amazonaws.com` does not answer requests
/// to KMS. An endpoint on this machine plays all of AWS, though.
fn account(region: Option<&str>, profile: Option<&str>, endpoint: Option<&str>) -> Account {
    let endpoint = endpoint.map(str::to_owned);
    let emulated = endpoint.as_deref().is_some_and(is_on_this_machine);
    let (endpoint_url, ssm_endpoint_url) = if emulated { (endpoint, None) } else { (None, endpoint) };
    let (profile, region) = (profile.map(str::to_owned), region.map(str::to_owned));
    Account { profile, region, endpoint_url, ssm_endpoint_url }
}

fn is_on_this_machine(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|url| url.host().is_some_and(crate::aws::is_loopback))
}

/// The errors of serde quote what they do not like, so only the place is taken from them.
fn from_json<'a, T: Deserialize<'a>>(text: &'a str, what: &'static str) -> Result<T, Mistake> {
    serde_json::from_str(text).map_err(|error| Mistake::Json { what, line: error.line(), column: error.column() })
}

const ANSWER: &str = "StartSession response";
const REQUEST: &str = "StartSession request";

#[cfg(test)]
mod tests;
