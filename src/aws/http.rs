//! The HTTP client of the SDK, over the connections of [`NetSettings`].
//!
//! The client that the SDK builds for itself knows no AWS_CA_BUNDLE, would reach a sandbox on loopback through a proxy,
//! and does not say why a proxy refused.

use std::{
    collections::HashMap,
    fmt, io,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind as RetryKind};
use http::{Request, Uri, header::PROXY_AUTHORIZATION};
use hyper_util::{
    client::legacy::{
        Client, Error as ClientError,
        connect::{Connected, Connection, capture_connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};
use tower_service::Service;

use super::{
    error::{Cause, Error, ErrorKind, find},
    net::{BoxedStream, NetSettings, Opened, Plain},
};

impl NetSettings {
    pub(crate) fn http_client(&self) -> SharedHttpClient {
        #[cfg(test)]
        if let Some(world) = &self.world {
            return super::simulated::http_client(world);
        }
        SharedHttpClient::new(Pools { net: self.clone(), pools: Mutex::default() })
    }
}

type Pool = Client<Connect, SdkBody>;

/// The open connections, apart by the time that opening one may take, which is one of a few.
struct Pools {
    net: NetSettings,
    pools: Mutex<HashMap<Option<Duration>, Pool>>,
}

impl HttpClient for Pools {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let within = settings.connect_timeout();
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.entry(within).or_insert_with(|| {
            let connect = Connect { net: self.net.clone(), within };
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connect)
        });
        let patience = settings.read_timeout();
        SharedHttpConnector::new(Requests { net: self.net.clone(), pool: pool.clone(), patience })
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools").field("net", &self.net).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Requests {
    net: NetSettings,
    pool: Pool,
    /// Longest wait for an answer to begin.
    patience: Option<Duration>,
}

impl HttpConnector for Requests {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(err) => return HttpConnectorFuture::ready(Err(ConnectorError::user(err.into()))),
        };
        if let Err(err) = self.introduce(&mut request) {
            return HttpConnectorFuture::ready(Err(ConnectorError::user(err.into())));
        }
        capture(&mut request);
        let (answer, patience) = (self.pool.request(request), self.patience);
        HttpConnectorFuture::new(async move {
            let answered = match patience {
                None => answer.await,
                Some(patience) => match timeout(patience, answer).await {
                    Ok(answered) => answered,
                    Err(elapsed) => return Err(ConnectorError::timeout(elapsed.into())),
                },
            };
            let response = answered.map_err(classified)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(response).map_err(|err| ConnectorError::other(err.into(), None))
        })
    }
}

impl Requests {
    /// A proxy that passes plain requests on wants to know from whom each is.
    fn introduce(&self, request: &mut Request<SdkBody>) -> Result<(), Error> {
        if request.uri().scheme_str() == Some("http")
            && let Some(proxy) = self.net.proxies.choose(request.uri())?
            && let Some(auth) = proxy.auth()
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, auth.clone());
        }
        Ok(())
    }
}

/// Lets the SDK give up a connection on which an answer failed.
fn capture(request: &mut Request<SdkBody>) {
    let captured = capture_connection(request);
    if let Some(wanted) = request.extensions().get::<CaptureSmithyConnection>() {
        wanted.set_connection_retriever(move || {
            captured.connection_metadata().as_ref()?;
            let captured = captured.clone();
            let poison = move || captured.connection_metadata().iter().for_each(Connected::poison);
            Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
        });
    }
}

/// Whether a request that failed may be made again.
fn classified(err: ClientError) -> ConnectorError {
    let own = find::<Error>(&err).map(Error::cause);
    let http = find::<hyper::Error>(&err);
    match own {
        Some(Cause::Timeout) => ConnectorError::timeout(err.into()),
        // The next attempt would fail in the same way.
        Some(Cause::Proxy | Cause::Tls | Cause::UnknownIssuer) => ConnectorError::other(err.into(), None),
        Some(_) => ConnectorError::io(err.into()),
        None if http.is_some_and(hyper::Error::is_timeout) => ConnectorError::timeout(err.into()),
        None if http.is_some_and(hyper::Error::is_user) => ConnectorError::user(err.into()),
        None if http.is_some_and(hyper::Error::is_incomplete_message) => {
            ConnectorError::other(err.into(), Some(RetryKind::TransientError))
        }
        None if http.is_some_and(|http| http.is_closed() || http.is_canceled())
            || find::<io::Error>(&err).is_some() =>
        {
            ConnectorError::io(err.into())
        }
        None => ConnectorError::other(err.into(), None),
    }
}

/// Opens a connection for the pool.
#[derive(Clone, Debug)]
struct Connect {
    net: NetSettings,
    within: Option<Duration>,
}

impl Service<Uri> for Connect {
    type Response = TokioIo<Way>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Way>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Self { net, within } = self.clone();
        Box::pin(async move {
            let opening = net.open(&to, Plain::Forward);
            let opened = match within {
                None => opening.await,
                Some(within) => timeout(within, opening).await.unwrap_or_else(|_| {
                    let host = to.host().unwrap_or_default();
                    let message = format!("could not connect to {host} within {} s", within.as_secs());
                    Err(Error::new(ErrorKind::Network, Cause::Timeout, "connection", message))
                }),
            };
            opened.map(|Opened { stream, forwards }| TokioIo::new(Way { stream, forwards }))
        })
    }
}

/// A connection to a server, or to a proxy that passes requests on.
struct Way {
    stream: BoxedStream,
    forwards: bool,
}

impl Connection for Way {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.forwards)
    }
}

impl AsyncRead for Way {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Way {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
