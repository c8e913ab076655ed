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
use crate::channel::stream_url::Policy;
use crate::testing::keys;

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
    let err = dial_raw(b"HTTP/1.1 403 Forbidden\r\nX-Secret: TOPSECRET\r\nContent-Length: 9\r\n\r\nTOPSECRET").await;
    assert!(matches!(err, DialError::Refused { status: 403, .. }), "{err}");
    assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::Permission, true));
    assert!(err.hints()[0].contains("log in again"));
    assert!(!format!("{err} {err:?}").contains("TOPSECRET"));

    let err = dial_raw(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::NotFound, false));
}

#[tokio::test]
async fn whoever_answers_in_place_of_the_gateway_is_named() {
    let page = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 38\r\n\r\n\
        <title>Blocked</title> by your company";
    let err = dial_raw(page).await;
    assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::Network, true), "a page is no refusal of IAM");
    let text = err.to_string();
    assert!(text.ends_with("something other than AWS answered: status 403 Forbidden, text/html: “Blocked”"), "{text}");

    let login = b"HTTP/1.1 302 Found\r\nLocation: https://login.corp/?token=SECRET\r\nContent-Length: 0\r\n\r\n";
    let text = dial_raw(login).await.to_string();
    assert!(text.ends_with("status 302 Found, redirecting to https://login.corp/"), "{text}");

    let err = dial_raw(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno").await;
    assert!(matches!(err, DialError::Refused { status: 403, .. }), "{err}");
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
async fn a_closed_port_is_a_matter_of_the_network() {
    let aws = aws().await;
    let (listener, url) = listen(&aws, "").await;
    drop(listener);
    let err = dial(&aws, &url).await.err().unwrap();
    assert_eq!((err.kind(), err.is_retryable()), (ErrorKind::Network, true));
    assert!(!err.hints().is_empty());
}
