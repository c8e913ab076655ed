//! Sessions: start, resume, end; and whether an instance can have one.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ssm::{
    config::Builder,
    types::{ConnectionStatus as SdkConnectionStatus, DocumentFormat},
};

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

/// A session that was started, and what opens its data channel.
#[derive(Clone, Debug)]
pub struct StartedSession {
    /// The id of the session.
    pub session_id: String,
    /// The token that the first message on the data channel carries.
    pub token: Secret,
    /// Where the data channel is.
    pub stream_url: String,
}

/// The answer to a resumption.
#[derive(Clone, Debug)]
pub struct ResumedSession {
    /// The token for the next data channel, which takes the place of the older one. Without it the session has ended.
    pub token: Option<Secret>,
    /// Where the data channel is now, if the service says so.
    pub stream_url: Option<String>,
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
    /// Any; an unknown instance is none, it is [`ConnectionStatus::NotConnected`].
    pub async fn connection_status(&self, target: &str) -> Result<ConnectionStatus, Error> {
        let asked = self.call("ssm:GetConnectionStatus", || self.ssm().get_connection_status().target(target).send());
        let answer = asked.await.map_err(|err| err.about(target))?;
        Ok(match answer.status {
            Some(SdkConnectionStatus::Connected) => ConnectionStatus::Connected,
            Some(SdkConnectionStatus::NotConnected) | None => ConnectionStatus::NotConnected,
            Some(other) => ConnectionStatus::Other(other.as_str().to_owned()),
        })
    }

    /// The Session Manager preferences of the account and region, as the JSON of their document: ssm:GetDocument.
    /// None if nobody has set any.
    ///
    /// # Errors
    ///
    /// Of kind `Permission` for many people, who can start sessions nevertheless.
    pub async fn session_preferences(&self) -> Result<Option<String>, Error> {
        let asked = self.call("ssm:GetDocument", || {
            self.ssm().get_document().name(PREFERENCES).document_format(DocumentFormat::Json).send()
        });
        match asked.await {
            Ok(answer) => Ok(answer.content),
            Err(err) if err.code() == Some("InvalidDocument") => Ok(None),
            Err(err) => Err(err.about(PREFERENCES)),
        }
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
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The document that holds the preferences.
const PREFERENCES: &str = "SSM-SessionManagerRunShell";

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::aws::{ErrorKind, Fake, fake::Answer};

    const STARTED: &str = r#"{"SessionId":"alice-0123","TokenValue":"AAEAAtoken","StreamUrl":"wss://gateway/x"}"#;

    fn request() -> StartSession {
        StartSession { target: "i-0123456789abcdef0".to_owned(), ..StartSession::default() }
    }

    #[tokio::test]
    async fn a_session_starts_with_what_was_asked_and_its_token_does_not_show() {
        let fake = Fake::start(|_| Answer::json(STARTED)).await;
        let request = StartSession {
            document: Some("AWS-StartNonInteractiveCommand".to_owned()),
            parameters: [("command".to_owned(), vec!["uptime".to_owned()])].into(),
            reason: Some("incident 42".to_owned()),
            ..request()
        };
        let started = fake.aws().await.start_session(&request).await.unwrap();
        assert_eq!((started.session_id.as_str(), started.token.expose()), ("alice-0123", "AAEAAtoken"));
        assert!(!format!("{started:?}").contains("AAEAA"), "{started:?}");
        let seen = &fake.seen()[0];
        assert_eq!(seen.action, "StartSession");
        let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(body["Target"], "i-0123456789abcdef0");
        assert_eq!(body["Parameters"]["command"][0], "uptime");
        assert_eq!(body["Reason"], "incident 42");
    }

    #[tokio::test]
    async fn a_throttled_start_backs_off_and_goes_on() {
        let count = AtomicUsize::new(0);
        let fake = Fake::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0..3 => Answer::json_error(400, "ThrottlingException", "Rate exceeded"),
            _ => Answer::json(STARTED),
        })
        .await;
        fake.aws().await.start_session(&request()).await.unwrap();
        assert_eq!(fake.seen().len(), 4);
    }

    #[tokio::test]
    async fn throttling_ends_after_the_stated_number_of_attempts() {
        let fake = Fake::start(|_| Answer::json_error(400, "ThrottlingException", "Rate exceeded")).await;
        let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
        assert_eq!((err.kind(), fake.seen().len()), (ErrorKind::Throttled, 3));
        assert!(err.is_retryable_for_resume());
    }

    #[tokio::test]
    async fn refusals_keep_their_kind_code_and_request_id() {
        let refused = async |status, code: &'static str, message: &'static str| {
            let fake = Fake::start(move |_| Answer::json_error(status, code, message)).await;
            fake.aws().await.start_session(&request()).await.unwrap_err()
        };
        let err = refused(400, "TargetNotConnected", "i-0123456789abcdef0 is not connected.").await;
        assert_eq!(err.kind(), ErrorKind::NotConnected);
        assert_eq!(
            err.to_string(),
            "ssm:StartSession failed for i-0123456789abcdef0: i-0123456789abcdef0 is not connected. \
             (TargetNotConnected, request id fake-request-id)"
        );
        assert!(!err.hints().is_empty() && !err.is_retryable_for_resume());

        let message = "User: arn:aws:iam::1:user/a is not authorized to perform: ssm:StartSession on resource: \
                       arn:aws:ec2:eu-west-1:1:instance/i-0 because no policy allows it";
        let err = refused(400, "AccessDeniedException", message).await;
        assert_eq!(err.kind(), ErrorKind::Permission);
        let hint = "ask for an IAM policy that allows ssm:StartSession on arn:aws:ec2:eu-west-1:1:instance/i-0";
        assert_eq!(err.hints(), [hint]);

        assert_eq!(refused(400, "InvalidDocument", "no such document").await.kind(), ErrorKind::Usage);
        assert_eq!(refused(400, "ExpiredTokenException", "expired").await.kind(), ErrorKind::Credentials);
    }

    #[tokio::test]
    async fn a_session_that_is_gone_is_not_asked_for_again() {
        let fake = Fake::start(|_| Answer::json_error(400, "DoesNotExistException", "Session does not exist")).await;
        let err = fake.aws().await.resume_session("alice-0123").await.unwrap_err();
        assert!(!err.is_retryable_for_resume());

        let fake = Fake::start(|_| Answer::json(r#"{"SessionId":"alice-0123"}"#)).await;
        assert!(fake.aws().await.resume_session("alice-0123").await.unwrap().token.is_none());
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_a_matter_of_the_network() {
        let fake = Fake::start(|_| Answer::json("{}")).await;
        let aws = fake.aws().await;
        drop(fake);
        let err = aws.terminate_session("alice-0123").await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Network);
        assert!(err.is_retryable_for_resume() && !err.hints().is_empty(), "{err}");
    }

    #[tokio::test]
    async fn credentials_that_were_renewed_outside_are_taken_up() {
        let fake = Fake::start(|seen| match seen.access_key() {
            "OLD" => Answer::json_error(400, "ExpiredTokenException", "The security token has expired"),
            _ => Answer::json(r#"{"SessionId":"alice-0123","TokenValue":"t","StreamUrl":"wss://g/x"}"#),
        })
        .await;
        let aws = fake.aws_with(&["OLD", "NEW"]).await;
        assert!(aws.resume_session("alice-0123").await.unwrap().token.is_some());
        assert_eq!(fake.seen().iter().map(|seen| seen.access_key()).collect::<Vec<_>>(), ["OLD", "NEW"]);

        let aws = fake.aws_with(&["OLD"]).await;
        let err = aws.resume_session("alice-0123").await.unwrap_err();
        assert_eq!((err.kind(), err.is_retryable_for_resume()), (ErrorKind::Credentials, true));
        assert_eq!(fake.seen().len(), 3);
    }

    #[tokio::test]
    async fn connection_status_and_preferences() {
        let fake = Fake::start(|seen| match seen.action.as_str() {
            "GetConnectionStatus" => Answer::json(r#"{"Target":"i-0","Status":"connected"}"#),
            _ => Answer::json_error(400, "InvalidDocument", "Document with name SSM-SessionManagerRunShell"),
        })
        .await;
        let aws = fake.aws().await;
        assert_eq!(aws.connection_status("i-0").await.unwrap(), ConnectionStatus::Connected);
        assert_eq!(aws.session_preferences().await.unwrap(), None);
    }
}
