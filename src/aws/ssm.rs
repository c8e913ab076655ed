//! Sessions: start, resume, end; and whether an instance can have one.

use std::{collections::BTreeMap, fmt, time::Duration};

use aws_sdk_ssm::{config::Builder, types::ConnectionStatus as SdkConnectionStatus};

use super::{
    client::{Aws, timeouts},
    error::Error,
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

impl Aws {
    /// Starts a session: ssm:StartSession. A throttled request is made up to five times, with a growing random pause.
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
        let ended = self.call("ssm:TerminateSession", || self.ssm().terminate_session().session_id(session_id).send());
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
            .timeout_config(timeouts(START_TIMEOUT))
    }
}

/// Attempts to start a session.
const START_ATTEMPTS: u32 = 5;

/// Time for all of them together.
const START_TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
