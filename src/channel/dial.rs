//! Opening the WebSocket of a session: connect, sign, upgrade.

use std::time::Duration;

use http::{HeaderValue, Request, header};
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, handshake::client::generate_key, protocol::WebSocketConfig},
};

use super::line::Line;
use super::stream_url::StreamUrl;
use crate::aws::{self, Aws, BoxedStream, ErrorKind};

/// Why a WebSocket could not be opened. Carries no token or query, and nothing of what the gateway itself answered but
/// its status.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum DialError {
    /// No connection, or nothing to sign the request with.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// The server answered with another HTTP status than 101.
    #[error("the message gateway {host} refused the connection with HTTP status {status}")]
    Refused {
        /// The server, without its port.
        host: String,
        /// The HTTP status that it answered with.
        status: u16,
    },
    /// A login page, a proxy or another server answered in its place.
    #[error("could not open a WebSocket to the message gateway {host}: {answer}")]
    Foreign {
        /// The server, without its port.
        host: String,
        /// Who answered, as far as can be told.
        answer: String,
    },
    /// The server does not speak WebSocket, or broke off while it should.
    #[error("the message gateway {host} did not open a WebSocket: {reason}")]
    Handshake {
        /// The server, without its port.
        host: String,
        /// What it did instead.
        reason: String,
    },
    /// It took too long.
    #[error("could not open a WebSocket to {host} within {seconds} s")]
    Timeout {
        /// The server, without its port.
        host: String,
        /// How long was waited.
        seconds: u64,
    },
}

impl DialError {
    /// What family the failure belongs to; enough to choose an exit code.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Aws(err) => err.kind(),
            Self::Refused { status: 401, .. } => ErrorKind::Credentials,
            Self::Refused { status: 403, .. } => ErrorKind::Permission,
            Self::Refused { status: 404 | 410, .. } => ErrorKind::NotFound,
            Self::Refused { status: 429, .. } => ErrorKind::Throttled,
            Self::Refused { status: 500.., .. } => ErrorKind::Service,
            Self::Refused { .. } | Self::Foreign { .. } | Self::Handshake { .. } | Self::Timeout { .. } => {
                ErrorKind::Network
            }
        }
    }

    /// Whether dialling again later, with the credentials and token of then, can succeed.
    ///
    /// Even a 403 can pass: it is the answer to credentials that have expired and to a token that was used before.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Aws(err) => err.is_retryable_for_resume(),
            Self::Refused { status, .. } => !matches!(status, 404 | 410),
            Self::Foreign { .. } | Self::Handshake { .. } | Self::Timeout { .. } => true,
        }
    }

    /// What to do about it, best first; may be empty.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Aws(err) => err.hints(),
            Self::Refused { status: 401 | 403, .. } => vec![
                "the credentials may have expired, or may belong to a different account than the session: log in again"
                    .to_owned(),
                "ask for an IAM policy that allows ssmmessages:OpenDataChannel on the session".to_owned(),
                "check the clock of this machine: a signature is good for five minutes".to_owned(),
            ],
            Self::Refused { status: 404 | 410, .. } => vec!["the session has ended: start a new one".to_owned()],
            Self::Refused { .. } | Self::Foreign { .. } | Self::Handshake { .. } => {
                vec!["a proxy in between must let WebSockets through; NO_PROXY exempts a host from it".to_owned()]
            }
            Self::Timeout { .. } => {
                vec!["check the network, and HTTPS_PROXY if there is a proxy".to_owned()]
            }
        }
    }
}

/// Opens a WebSocket to `url`, on a stream that leads there if there is one, signed with the credentials as they are now
/// unless the URL is presigned.
///
/// # Errors
///
/// If that fails, or is not done within ten seconds.
pub(crate) async fn dial(
    aws: &Aws,
    url: &StreamUrl,
    stream: Option<BoxedStream>,
) -> Result<WebSocketStream<Line>, DialError> {
    dial_within(DIAL_TIMEOUT, aws, url, stream).await
}

async fn dial_within(
    limit: Duration,
    aws: &Aws,
    url: &StreamUrl,
    stream: Option<BoxedStream>,
) -> Result<WebSocketStream<Line>, DialError> {
    // Credentials come first and have a limit of their own: a person may be asked for a code.
    let signed = aws.sign_upgrade(&url.url()).await?;
    let open = async {
        let stream = match stream {
            Some(stream) => stream,
            None => aws.net().connect(&url.host, url.port, url.tls).await?,
        };
        let request = upgrade(url, signed).map_err(|err| handshake(url, err.to_string()))?;
        let opened = client_async_with_config(request, Line::new(stream), Some(config())).await;
        let (socket, _response) = opened.map_err(|err| refused(url, err))?;
        Ok(socket)
    };
    let timed_out = |_| Err(DialError::Timeout { host: url.host.clone(), seconds: limit.as_secs() });
    timeout(limit, open).await.unwrap_or_else(timed_out)
}

fn upgrade(url: &StreamUrl, signed: Option<aws::SignedHeaders>) -> Result<Request<()>, http::Error> {
    let scheme = if url.tls { "wss" } else { "ws" };
    let mut request = Request::get(format!("{scheme}://{}{}", url.authority(), url.path_and_query))
        .header(header::HOST, url.authority())
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
        .header(header::USER_AGENT, HeaderValue::from_static(concat!("ssmx/", env!("CARGO_PKG_VERSION"))))
        .body(())?;
    request.headers_mut().extend(signed.into_iter().flatten());
    Ok(request)
}

fn refused(url: &StreamUrl, err: tungstenite::Error) -> DialError {
    match err {
        tungstenite::Error::Http(response) => {
            let (host, status) = (url.host.clone(), response.status().as_u16());
            match aws::foreign_upgrade(&response) {
                Some(answer) => DialError::Foreign { host, answer },
                None => DialError::Refused { host, status },
            }
        }
        other => handshake(url, other.to_string()),
    }
}

fn handshake(url: &StreamUrl, reason: String) -> DialError {
    DialError::Handshake { host: url.host.clone(), reason }
}

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_LIMIT)
}

/// Longest time from nothing to an open WebSocket.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest message that is taken, in bytes. Agents send messages of about 1 KiB; the limit is for peers that are not.
pub(super) const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// Bytes read at a time. The library fills as many with zeros before each read, which for the small messages of real agents
/// costs more than the read itself where they are many.
const READ_BUFFER: usize = 32 * 1024;

/// Frames are gathered up to this many bytes before the socket is written without being asked to.
const WRITE_BUFFER: usize = 128 * 1024;

/// The write buffer never grows beyond this: writing then fails, which its user prevents by waiting for room.
const WRITE_BUFFER_LIMIT: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests;
