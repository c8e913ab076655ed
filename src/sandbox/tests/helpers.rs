//! A sandbox whose agents echo, and clients for it.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_types::SdkConfig;
use aws_types::region::Region;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::super::{AgentSession, LinkEvent, Options, Outcome, Sandbox};

/// Longer than anything here may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// An instance of the built-in fleet that can be entered.
pub(crate) const WEB_1: &str = "i-0a11ce0000000001a";

/// Sends frames back, prefixed by `>`; ends at the frame `exit`, fails at `fail`, panics at `panic`.
pub(crate) async fn echo(session: AgentSession) -> Outcome {
    while let Some(event) = session.link.recv().await {
        let answer = match event {
            LinkEvent::Frame(frame) if frame == "exit" => return Outcome::success(),
            LinkEvent::Frame(frame) if frame == "fail" => return Outcome::failed("it failed"),
            LinkEvent::Frame(frame) if frame == "panic" => panic!("asked to"),
            LinkEvent::Frame(frame) => Bytes::from([b">", &frame[..]].concat()),
            LinkEvent::Reconnected => Bytes::from_static(b"reconnected"),
        };
        if session.link.send(answer).await.is_err() {
            break;
        }
    }
    Outcome::success()
}

pub(crate) fn options() -> Options {
    Options::new(Arc::new(echo))
}

pub(crate) async fn start(options: Options) -> Sandbox {
    Sandbox::start(options).await.unwrap()
}

/// A variable of the environment that the sandbox hands out.
pub(crate) fn variable(sandbox: &Sandbox, name: &str) -> String {
    let mut environment = sandbox.environment().into_iter();
    environment.find(|(known, _)| known == name).map(|(_, value)| value).unwrap()
}

pub(crate) fn config_with(sandbox: &Sandbox, credentials: Credentials, region: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(sandbox.endpoint())
        .region(Region::new(region.to_owned()))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

pub(crate) fn credentials(sandbox: &Sandbox) -> Credentials {
    Credentials::new(
        variable(sandbox, "AWS_ACCESS_KEY_ID"),
        variable(sandbox, "AWS_SECRET_ACCESS_KEY"),
        Some(variable(sandbox, "AWS_SESSION_TOKEN")),
        None,
        "test",
    )
}

pub(crate) fn config(sandbox: &Sandbox) -> SdkConfig {
    config_with(sandbox, credentials(sandbox), "us-east-1")
}

pub(crate) fn ssm(sandbox: &Sandbox) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::new(&config(sandbox))
}

/// What `StartSession` or `ResumeSession` answered.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) url: String,
}

pub(crate) async fn start_session(sandbox: &Sandbox) -> Opened {
    let output = ssm(sandbox).start_session().target(WEB_1).send().await.unwrap();
    Opened { id: output.session_id.unwrap(), token: output.token_value.unwrap(), url: output.stream_url.unwrap() }
}

pub(crate) async fn resume_session(sandbox: &Sandbox, id: &str) -> Option<Opened> {
    let output = ssm(sandbox).resume_session().session_id(id).send().await.unwrap();
    Some(Opened { id: output.session_id.unwrap(), token: output.token_value?, url: output.stream_url.unwrap() })
}

/// A client of the gateway.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn connect(opened: &Opened) -> Self {
        let mut socket = Self::dial(opened.url.as_str().into_client_request().unwrap()).await.unwrap();
        socket.open(&opened.token).await;
        socket
    }

    pub(crate) async fn dial(request: Request<()>) -> Result<Self, SocketError> {
        let stream = TcpStream::connect(request.uri().authority().unwrap().as_str()).await.unwrap();
        let (socket, _) = timeout(DEADLINE, client_async(request, stream)).await.expect("an answer in time")?;
        Ok(Self(socket))
    }

    pub(crate) async fn open(&mut self, token: &str) {
        let open = json!({
            "MessageSchemaVersion": "1.0",
            "RequestId": "3f8f0c2e-0000-4000-8000-000000000000",
            "TokenValue": token,
            "ClientId": "3f8f0c2e-0000-4000-8000-000000000001",
            "ClientVersion": "1.2.764.0",
        });
        self.send(Message::text(open.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        timeout(DEADLINE, self.0.send(message)).await.expect("sent in time").unwrap();
    }

    /// Whether the socket took the message.
    pub(crate) async fn try_send(&mut self, message: Message) -> bool {
        timeout(DEADLINE, self.0.send(message)).await.is_ok_and(|sent| sent.is_ok())
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Message::binary(text.as_bytes().to_vec())).await;
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Message, SocketError>> {
        timeout(DEADLINE, self.0.next()).await.expect("a message in time")
    }

    /// The next binary frame.
    pub(crate) async fn frame(&mut self) -> Bytes {
        match self.next().await {
            Some(Ok(Message::Binary(frame))) => frame,
            other => panic!("{other:?}"),
        }
    }

    /// The close that must come next.
    pub(crate) async fn close(&mut self) -> CloseFrame {
        match self.next().await {
            Some(Ok(Message::Close(Some(close)))) => close,
            other => panic!("{other:?}"),
        }
    }

    /// The `channel_closed` that must come next, and the normal close after it: its `Output`.
    pub(crate) async fn closed_output(&mut self) -> String {
        let frame = self.frame().await;
        assert!(frame[4..].starts_with(b"channel_closed "), "{frame:?}");
        let payload: serde_json::Value = serde_json::from_slice(&frame[120..]).unwrap();
        assert_eq!(u16::from(self.close().await.code), 1000);
        payload["Output"].as_str().unwrap().to_owned()
    }
}

/// Waits until a session has a status.
pub(crate) async fn reaches_status(sandbox: &Sandbox, id: &str, status: &str) {
    let reached = async {
        loop {
            for state in ["Active", "History"] {
                let state = aws_sdk_ssm::types::SessionState::from(state);
                let output = ssm(sandbox).describe_sessions().state(state).send().await.unwrap();
                let mut sessions = output.sessions().iter();
                if sessions
                    .any(|session| session.session_id() == Some(id) && session.status().unwrap().as_str() == status)
                {
                    return;
                }
            }
        }
    };
    timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("{id} is not {status}"));
}
