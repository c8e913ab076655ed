//! The one listener of a sandbox: requests of the control plane, and upgrades for the gateway.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::account::Account;
use super::api::{self, Late};
use super::gateway;

/// Connections at a time; further ones wait in the kernel's queue.
const MOST_CONNECTIONS: u32 = 4_096;

/// Counts connections.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Semaphore>);

impl Connections {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST_CONNECTIONS as usize)))
    }

    /// Waits until all are closed; from then on no more than one is accepted.
    pub(crate) async fn closed(&self) {
        // The one that is left over is that of the connection that may come next.
        let _ = self.0.acquire_many(MOST_CONNECTIONS - 1).await;
    }
}

/// Largest body of a request. The largest that the services here take is below 100 KiB.
const MOST_BODY: usize = 1024 * 1024;

/// How long a connection may be idle, or take for the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_mins(2);

/// How long the body of a request may take.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, account: Arc<Account>, Connections(permits): Connections) {
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: existing connections have to end first.
                tracing::warn!(%error, "cannot accept");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let account = Arc::clone(&account);
        tokio::spawn(async move {
            tokio::select! {
                result = connection(stream, &account, Arc::new(permit)) => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "connection ended");
                    }
                }
                () = account.stopped() => {}
            }
        });
    }
}

async fn connection(stream: TcpStream, account: &Arc<Account>, permit: Arc<OwnedSemaphorePermit>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let service = service_fn(|mut request: Request<Incoming>| {
        // An upgraded connection leaves this function, and still counts.
        request.extensions_mut().insert(Arc::clone(&permit));
        answer(account, request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
        .map_err(io::Error::other)
}

async fn answer(account: &Arc<Account>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if gateway::is_upgrade(&request) {
        return Ok(gateway::upgrade(account, request));
    }
    let (head, body) = request.into_parts();
    let body = match timeout(BODY_DEADLINE, Limited::new(body, MOST_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Ok(status(StatusCode::PAYLOAD_TOO_LARGE)),
        Ok(Err(_)) => return Ok(status(StatusCode::BAD_REQUEST)),
        Err(_) => return Ok(status(StatusCode::REQUEST_TIMEOUT)),
    };
    let _under_way = UnderWay::new(account);
    sleep(account.options.api_latency).await;
    let response = api::answer(account, &head, &body);
    if let Some(Late(time)) = response.extensions().get() {
        sleep(*time).await;
    }
    Ok(response)
}

/// A call of the API that is being answered.
struct UnderWay<'a>(&'a Account);

impl<'a> UnderWay<'a> {
    fn new(account: &'a Account) -> Self {
        account.api_calls.lock().unwrap_or_else(PoisonError::into_inner).begin();
        Self(account)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.api_calls.lock().unwrap_or_else(PoisonError::into_inner).end();
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}
