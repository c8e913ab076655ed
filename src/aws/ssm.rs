//! Sessions: start, resume, end; and whether an instance can have one.

use std::{collections::BTreeMap, fmt, time::Duration};

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_ssm::{
    config::Builder, operation::start_session::StartSessionError, types::ConnectionStatus as SdkConnectionStatus,
};
use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    result::ConnectorError,
    retries::classifiers::{ClassifyRetry, RetryAction},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    client::Aws,
    error::{Error, find},
    retries::{ATTEMPTS, timeouts},
    secret::Secret,
};

/// What a new session is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartSession {
    /// An instance id (`i-…`, `mi-…`) or an ECS container (`ecs:…`).
    pub target: String,
    /// The session document; without one, the shell of the account's preferences.
    pub document: Option<String>,
    /// The parameters of the document.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// Why the session is started, as the account's audit log shows it.
    pub reason: Option<String>,
}

/// A session that was started, and what opens its data channel. `Debug` shows neither token nor URL, whose query may be
/// signed.
#[derive(Clone)]
pub struct StartedSession {
    /// The id of the session.
    pub session_id: String,
    /// The token that the first message on the data channel carries.
    pub token: Secret,
    /// Where the data channel is.
    pub stream_url: String,
}

/// The answer to a resumption. `Debug` shows neither token nor URL.
#[derive(Clone)]
pub struct ResumedSession {
    /// The token for the next data channel, which takes the place of the older one. Without it the session has ended.
    pub token: Option<Secret>,
    /// Where the data channel is now, if the service says so.
    pub stream_url: Option<String>,
}

impl fmt::Debug for StartedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartedSession").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResumedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumedSession").field("ended", &self.token.is_none()).finish_non_exhaustive()
    }
}

/// Whether the agent of an instance is connected to Session Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionStatus {
    /// A session can be started.
    Connected,
    /// The agent is not connected; so says the service also of instances that it does not know.
    NotConnected,
    /// Another status, in the words of the service.
    Other(String),
}

impl StartSession {
    /// What a tunnel leads to, as far as the parameters of AWS's documents say: a port of the instance, or `HOST:PORT`.
    pub fn destination(&self) -> Option<String> {
        let first = |name| self.parameters.get(name)?.first();
        let port = first("portNumber")?;
        Some(first("host").map_or_else(|| port.clone(), |host| format!("{host}:{port}")))
    }
}

impl Aws {
    /// Starts a session: ssm:StartSession. A request that was throttled, or that has not left this machine, is made up to
    /// five times, with a growing random pause, or as often as the person's AWS settings say. One that may have arrived is
    /// not made again: each starts a session, and nobody would know of the first one.
    ///
    /// The session lives on the service until it is ended; who starts one must end it.
    ///
    /// # Errors
    ///
    /// Of kind `NotConnected`, `Permission`, `NotFound` and `Usage` (a document or parameter that is wrong), or any other.
    pub async fn start_session(&self, request: &StartSession) -> Result<StartedSession, Error> {
        const ACTION: &str = "ssm:StartSession";
        let started = self.call(ACTION, || {
            let parameters = request.parameters.clone().into_iter().collect();
            self.ssm()
                .start_session()
                .target(&request.target)
                .set_document_name(request.document.clone())
                .set_parameters(Some(parameters).filter(|_| !request.parameters.is_empty()))
                .set_reason(request.reason.clone())
                .customize()
                .config_override(self.patient())
                .send()
        });
        let answer = started.await.map_err(|err| err.about(&request.target))?;
        let required = |field: Option<String>, name| field.ok_or_else(|| Error::incomplete(ACTION, name));
        // First the token, so that no path leaves it behind unwiped.
        let token = Secret::new(required(answer.token_value, "TokenValue")?);
        let session_id = required(answer.session_id, "SessionId")?;
        let stream_url = required(answer.stream_url, "StreamUrl")?;
        tracing::debug!(session_id, target = request.target, "session started");
        Ok(StartedSession { session_id, token, stream_url })
    }

    /// Asks for a new token for a session whose data channel was cut: ssm:ResumeSession.
    ///
    /// # Errors
    ///
    /// Of kind `NotFound` if the session has ended; [`Error::is_retryable_for_resume`] tells which others pass.
    pub async fn resume_session(&self, session_id: &str) -> Result<ResumedSession, Error> {
        let resumed = self.call("ssm:ResumeSession", || self.ssm().resume_session().session_id(session_id).send());
        let answer = resumed.await.map_err(|err| err.about(session_id))?;
        let token = answer.token_value.filter(|token| !token.is_empty()).map(Secret::new);
        let stream_url = answer.stream_url.filter(|url| !url.is_empty());
        tracing::debug!(session_id, ended = token.is_none(), "session resumed");
        Ok(ResumedSession { token, stream_url })
    }

    /// Ends a session: ssm:TerminateSession.
    ///
    /// # Errors
    ///
    /// Of kind `NotFound` if it has ended already, or any other.
    pub async fn terminate_session(&self, session_id: &str) -> Result<(), Error> {
        let ended = self.call("ssm:TerminateSession", || {
            let call = self.ssm().terminate_session().session_id(session_id);
            call.customize().config_override(self.hurried()).send()
        });
        ended.await.map_err(|err| err.about(session_id))?;
        tracing::debug!(session_id, "session ended");
        Ok(())
    }

    /// Whether the agent of an instance is connected: ssm:GetConnectionStatus.
    ///
    /// # Errors
    ///
    /// Any. An unknown instance is not an error, but [`ConnectionStatus::NotConnected`].
    pub async fn connection_status(&self, target: &str) -> Result<ConnectionStatus, Error> {
        let asked = self.call("ssm:GetConnectionStatus", || self.ssm().get_connection_status().target(target).send());
        let answer = asked.await.map_err(|err| err.about(target))?;
        Ok(match answer.status {
            Some(SdkConnectionStatus::Connected) => ConnectionStatus::Connected,
            Some(SdkConnectionStatus::NotConnected) | None => ConnectionStatus::NotConnected,
            Some(other) => ConnectionStatus::Other(other.as_str().to_owned()),
        })
    }

    /// Session starts are throttled for the whole account, and a person waits: it is worth more attempts, and the time
    /// that the pauses between them take.
    fn patient(&self) -> Builder {
        aws_sdk_ssm::Config::builder()
            .retry_config(self.retries(START_ATTEMPTS))
            .retry_classifier(OnlyUnreceived)
            .timeout_config(
                timeouts(START_TIMEOUT).to_builder().operation_attempt_timeout(START_ANSWER_TIMEOUT).build(),
            )
    }

    /// Sessions are ended while somebody waits to leave.
    fn hurried(&self) -> Builder {
        let retries = self.retries(ATTEMPTS);
        let pause = retries.initial_backoff().min(END_BACKOFF);
        aws_sdk_ssm::Config::builder().retry_config(retries.with_initial_backoff(pause))
    }
}

/// Forbids that a request is made again that the service may have received. What it refused because of too many requests,
/// and what found no connection, has had no effect.
#[derive(Debug)]
struct OnlyUnreceived;

impl ClassifyRetry for OnlyUnreceived {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let code = error.as_operation_error().and_then(|error| error.downcast_ref::<StartSessionError>()?.code());
        let throttled = code.is_some_and(|code| THROTTLING_ERRORS.contains(&code));
        match throttled || error.as_connector_error().is_some_and(has_no_connection) {
            true => RetryAction::NoActionIndicated,
            false => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "requests that may have been received"
    }
}

/// Whether there was no connection to send the request over.
fn has_no_connection(error: &ConnectorError) -> bool {
    find::<hyper_util::client::legacy::Error>(error).is_some_and(|error| error.is_connect())
}

/// Attempts to start a session.
const START_ATTEMPTS: u32 = 5;

/// Time for all of them together.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Time for the answer to one of them, which is the last if it does not come: longer than for other requests, which are
/// made again.
const START_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest first pause before a session's end is asked for again.
const END_BACKOFF: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
