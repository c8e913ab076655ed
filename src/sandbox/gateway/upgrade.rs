//! The way in: `GET /v1/data-channel/<session id>?role=publish_subscribe`, upgraded to a WebSocket.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::client;
use crate::sandbox::account::Account;
use crate::sandbox::services::sigv4::{self, SignedRequest};
use crate::sandbox::sessions::session::Session;

/// Largest message that the gateway takes. The real limit is not known; agents take any size.
const MOST_MESSAGE: usize = 16 * 1024 * 1024;

const PATH: &str = "/v1/data-channel/";

/// Whether a request is for the gateway.
pub(crate) fn is_upgrade(request: &Request<Incoming>) -> bool {
    request.uri().path().starts_with(PATH)
}

/// Answers a request for a session's data channel, and serves the channel.
pub(crate) fn upgrade(account: &Arc<Account>, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let session_id = request.uri().path().strip_prefix(PATH).unwrap_or_default();
    let Some(session) = account.sessions.find_anywhere(session_id) else {
        return empty(StatusCode::NOT_FOUND);
    };
    if let Err(status) = check(account, &session, &request) {
        return empty(status);
    }
    let Some(accept) = accept_key(&request) else { return empty(StatusCode::BAD_REQUEST) };
    // From here on the client may believe that it is connected.
    let cuts = account.cuts();
    let account = Arc::clone(account);
    let permit = request.extensions_mut().remove::<Arc<OwnedSemaphorePermit>>();
    tokio::spawn(async move {
        let stopping = Arc::clone(&account);
        tokio::select! {
            () = serve(account, session, cuts, request) => {}
            () = stopping.stopped() => {}
        }
        drop(permit);
    });
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The role, and the signature where there is one.
fn check(account: &Account, session: &Session, request: &Request<Incoming>) -> Result<(), StatusCode> {
    if request.method() != Method::GET || request.uri().query() != Some("role=publish_subscribe") {
        return Err(StatusCode::BAD_REQUEST);
    }
    if !request.headers().contains_key(AUTHORIZATION) {
        let refused = account.options.require_signed_upgrade;
        return if refused { Err(StatusCode::FORBIDDEN) } else { Ok(()) };
    }
    let signed = SignedRequest { method: request.method(), uri: request.uri(), headers: request.headers(), body: b"" };
    let scope = sigv4::verify(&account.credentials, &signed, std::time::SystemTime::now()).map_err(|refused| {
        tracing::debug!(session = session.id, %refused, "upgrade refused");
        StatusCode::FORBIDDEN
    })?;
    if scope.service != "ssmmessages" || scope.region != session.region {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(())
}

/// The answer to the client's key, if the request is for a WebSocket at all.
fn accept_key(request: &Request<Incoming>) -> Option<HeaderValue> {
    let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let upgrade = header(UPGRADE)?.eq_ignore_ascii_case("websocket");
    let connection = header(CONNECTION)?.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    if !upgrade || !connection || header(SEC_WEBSOCKET_VERSION)? != "13" {
        return None;
    }
    derive_accept_key(header(SEC_WEBSOCKET_KEY)?.as_bytes()).parse().ok()
}

async fn serve(account: Arc<Account>, session: Arc<Session>, cuts: watch::Receiver<u64>, request: Request<Incoming>) {
    let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
    // The socket itself, so that a cut can reset it.
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        unreachable!("the server serves nothing but TCP streams")
    };
    let config = WebSocketConfig::default().max_message_size(Some(MOST_MESSAGE)).max_frame_size(Some(MOST_MESSAGE));
    let stream = parts.io.into_inner();
    let socket =
        WebSocketStream::from_partially_read(stream, parts.read_buf.to_vec(), Role::Server, Some(config)).await;
    client::serve(account, session, cuts, socket).await;
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}
