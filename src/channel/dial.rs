//! Opening the WebSocket of a session: connect, sign, upgrade.

use std::time::Duration;

use http::{HeaderValue, Request, header};
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, handshake::client::generate_key, protocol::WebSocketConfig},
};

use super::stream_url::StreamUrl;
use crate::aws::{self, Aws, BoxedStream, ErrorKind};

/// Why a WebSocket could not be opened. Carries no header, token or query.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// No connection, or nothing to sign the request with.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// The server answered with another HTTP status than 101.
    #[error("the message gateway {host} refuses the connection with HTTP status {status}")]
    Refused {
        /// The server.
        host: String,
        /// The status.
        status: u16,
    },
    /// The server does not speak WebSocket, or broke off while it should.
    #[error("the message gateway {host} does not open a WebSocket: {reason}")]
    Handshake {
        /// The server.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// It took too long.
    #[error("no WebSocket to {host} within {seconds} s")]
    Timeout {
        /// The server.
        host: String,
        /// How long was waited.
        seconds: u64,
    },
}

impl DialError {
    /// What family the failure belongs to; enough to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Aws(err) => err.kind(),
            Self::Refused { status: 401, .. } => ErrorKind::Credentials,
            Self::Refused { status: 403, .. } => ErrorKind::Permission,
            Self::Refused { status: 404 | 410, .. } => ErrorKind::NotFound,
            Self::Refused { status: 429, .. } => ErrorKind::Throttled,
            Self::Refused { status: 500.., .. } => ErrorKind::Service,
            Self::Refused { .. } | Self::Handshake { .. } | Self::Timeout { .. } => ErrorKind::Network,
        }
    }

    /// Whether dialling again later, with the credentials and token of then, can succeed.
    ///
    /// Even a 403 can pass: it is the answer to credentials that have expired and to a token that was used before.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Aws(err) => err.is_retryable_for_resume(),
            Self::Refused { status, .. } => !matches!(status, 404 | 410),
            Self::Handshake { .. } | Self::Timeout { .. } => true,
        }
    }

    /// What to do about it, best first; may be empty.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Aws(err) => err.hints(),
            Self::Refused { status: 401 | 403, .. } => vec![
                "the credentials may have expired, or belong to another account than the session: log in again"
                    .to_owned(),
                "ask for an IAM policy that allows ssmmessages:OpenDataChannel on the session".to_owned(),
                "check the clock of this machine: a signature is good for five minutes".to_owned(),
            ],
            Self::Refused { status: 404 | 410, .. } => vec!["the session has ended: start a new one".to_owned()],
            Self::Refused { .. } | Self::Handshake { .. } => vec![
                "if a proxy stands between, it must let WebSockets pass; NO_PROXY exempts a host from it".to_owned(),
            ],
            Self::Timeout { .. } => {
                vec!["check the network, and HTTPS_PROXY if AWS is reached through a proxy".to_owned()]
            }
        }
    }
}

/// Opens a WebSocket to `url`, signed with the credentials as they are now unless the URL is presigned.
///
/// # Errors
///
/// If that fails, or is not done within ten seconds.
pub async fn dial(aws: &Aws, url: &StreamUrl) -> Result<WebSocketStream<BoxedStream>, DialError> {
    dial_within(DIAL_TIMEOUT, aws, url).await
}

async fn dial_within(limit: Duration, aws: &Aws, url: &StreamUrl) -> Result<WebSocketStream<BoxedStream>, DialError> {
    // Credentials come first and have a limit of their own: a person may be asked for a code.
    let signed = aws.sign_upgrade(&url.url()).await?;
    let open = async {
        let stream = aws.net().connect(&url.host, url.port, url.tls).await?;
        let request = upgrade(url, signed).map_err(|err| handshake(url, err.to_string()))?;
        let opened = client_async_with_config(request, stream, Some(config())).await;
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
            DialError::Refused { host: url.host.clone(), status: response.status().as_u16() }
        }
        other => handshake(url, other.to_string()),
    }
}

fn handshake(url: &StreamUrl, reason: String) -> DialError {
    DialError::Handshake { host: url.host.clone(), reason }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT))
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_LIMIT)
}

/// Longest time from nothing to an open WebSocket.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest message that is taken, in bytes. Agents send messages of about 1 KiB; the limit is for who is not one.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// Frames are gathered up to this many bytes before the socket is written without being asked to.
const WRITE_BUFFER: usize = 128 * 1024;

/// The write buffer never grows beyond this: writing then fails, which its user prevents by waiting for room.
const WRITE_BUFFER_LIMIT: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_tungstenite::{
        accept_hdr_async,
        tungstenite::{
            Message,
            handshake::server::{Request as Upgrade, Response},
        },
    };

    use super::*;
    use crate::{aws::keys, channel::stream_url::Policy};

    async fn aws() -> Aws {
        Aws::for_tests("http://127.0.0.1:1", vec![keys("AKIDTEST")]).await
    }

    async fn listen(aws: &Aws, query: &str) -> (TcpListener, StreamUrl) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/v1/data-channel/alice-0123{query}", listener.local_addr().unwrap());
        (listener, StreamUrl::parse(&url, &Policy::of(aws)).unwrap())
    }

    /// Dials a server that answers the upgrade with these bytes.
    async fn dial_raw(answer: &'static [u8]) -> DialError {
        let aws = aws().await;
        let (listener, url) = listen(&aws, "").await;
        let server = tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            let mut seen = [0; 4096];
            let read = stream.read(&mut seen).await.unwrap();
            assert!(seen[..read].starts_with(b"GET /v1/data-channel/alice-0123 HTTP/1.1\r\n"));
            stream.write_all(answer).await.unwrap();
        });
        let err = dial(&aws, &url).await.err().unwrap();
        server.await.unwrap();
        err
    }

    /// The headers that a server sees, after both have exchanged a message.
    async fn dial_whole(query: &str) -> http::HeaderMap {
        let aws = aws().await;
        let (listener, url) = listen(&aws, query).await;
        let server = tokio::spawn(async move {
            let stream = listener.accept().await.unwrap().0;
            let mut headers = None;
            #[expect(clippy::result_large_err, reason = "the type is the library's")]
            let keep = |upgrade: &Upgrade, response: Response| {
                headers = Some(upgrade.headers().clone());
                Ok(response)
            };
            let mut socket = accept_hdr_async(stream, keep).await.unwrap();
            let message = socket.next().await.unwrap().unwrap();
            socket.send(message).await.unwrap();
            headers.unwrap()
        });
        let mut socket = dial(&aws, &url).await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
        server.await.unwrap()
    }

    #[tokio::test]
    async fn the_upgrade_is_signed_and_covers_the_host_only() {
        let headers = dial_whole("?role=publish_subscribe").await;
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.contains("Credential=AKIDTEST/"), "{authorization}");
        assert!(authorization.contains("/eu-west-1/ssmmessages/aws4_request"), "{authorization}");
        assert!(authorization.contains("SignedHeaders=host;x-amz-date,"), "{authorization}");
        assert!(headers["host"].to_str().unwrap().starts_with("127.0.0.1:"));
    }

    #[tokio::test]
    async fn a_presigned_url_is_not_signed_again() {
        let headers = dial_whole("?X-Amz-Signature=00").await;
        assert!(!headers.contains_key("authorization") && !headers.contains_key("x-amz-date"));
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_status_and_nothing_else() {
        let err =
            dial_raw(b"HTTP/1.1 403 Forbidden\r\nX-Secret: TOPSECRET\r\nContent-Length: 9\r\n\r\nTOPSECRET").await;
        assert!(matches!(err, DialError::Refused { status: 403, .. }), "{err}");
        assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::Permission, true));
        assert!(err.hints()[0].contains("log in again"));
        assert!(!format!("{err} {err:?}").contains("TOPSECRET"));

        let err = dial_raw(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::NotFound, false));
    }

    #[tokio::test]
    async fn a_server_that_speaks_something_else_is_an_error() {
        for answer in [&b"SSH-2.0-OpenSSH_9.6\r\n\r\n"[..], b"", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"] {
            let err = dial_raw(answer).await;
            assert!(matches!(err, DialError::Handshake { .. }), "{err}");
            assert!(err.is_retryable());
        }
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let aws = aws().await;
        let (listener, url) = listen(&aws, "").await;
        let err = dial_within(Duration::from_millis(50), &aws, &url).await.err().unwrap();
        assert!(matches!(err, DialError::Timeout { .. }), "{err}");
        drop(listener);
    }

    #[tokio::test]
    async fn nobody_listening_is_a_matter_of_the_network() {
        let aws = aws().await;
        let (listener, url) = listen(&aws, "").await;
        drop(listener);
        let err = dial(&aws, &url).await.err().unwrap();
        assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::Network, true));
        assert!(!err.hints().is_empty());
    }
}
