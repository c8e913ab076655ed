//! The way to a server: trusted roots, proxies, TCP and TLS, the same for the SDK and for the WebSocket.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::GaiResolver},
    rt::TokioIo,
};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::ClientConfig};
use tower_service::Service;

use super::{
    error::{Cause, Error, ErrorKind},
    proxy::Proxies,
    tls,
};
use crate::syntax::without_brackets;

/// A byte stream to a server: TCP or TLS, direct or through a proxy.
pub(crate) type BoxedStream = Box<dyn Stream>;

/// What a [`BoxedStream`] can do.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream, and how what is said on it has to begin.
pub(super) struct Opened {
    pub(super) stream: BoxedStream,
    /// A proxy at the other end wants the whole URL in each request, and passes them on.
    pub(super) forwards: bool,
}

/// What a proxy does for plain HTTP. What is encrypted, it lets through in any case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Forward,
    Tunnel,
}

/// Trusted roots and proxies, read once when ssmx starts.
#[derive(Clone)]
pub struct NetSettings {
    pub(super) proxies: Arc<Proxies>,
    tls: Arc<ClientConfig>,
    roots: usize,
    /// Stands in place of the network.
    #[cfg(test)]
    pub(super) world: Option<Arc<dyn super::simulated::World>>,
}

impl NetSettings {
    /// Reads the proxies from the environment and the roots from the operating system, or, if there is one, from a
    /// bundle alone, as the AWS CLI does. The bundle comes with the name of what names it.
    ///
    /// # Errors
    ///
    /// If the bundle cannot be read or holds no certificate. Missing roots of the system are an error only when a
    /// certificate is to be checked.
    pub fn load(ca_bundle: Option<(&'static str, PathBuf)>) -> Result<Self, Error> {
        Self::new(ca_bundle.as_ref().map(|(name, path)| (*name, path.as_path())), Proxies::from_env())
    }

    pub(super) fn new(ca_bundle: Option<(&str, &Path)>, proxies: Proxies) -> Result<Self, Error> {
        let (tls, roots) = tls::client(ca_bundle)?;
        Ok(Self {
            proxies: Arc::new(proxies),
            tls: Arc::new(tls),
            roots,
            #[cfg(test)]
            world: None,
        })
    }

    /// Opens a stream to `host:port`, through a proxy if the environment asks for one, as TLS if `tls` is set.
    /// An IPv6 address may stand in brackets.
    ///
    /// # Errors
    ///
    /// Always of kind [`ErrorKind::Network`]: name not found, refused, proxy, certificate, or 10 seconds gone.
    pub async fn connect(&self, host: &str, port: u16, tls: bool) -> Result<BoxedStream, Error> {
        #[cfg(test)]
        if let Some(world) = &self.world {
            return world.connect().map_err(|err| Error::network(CONNECT, "cannot connect", &err));
        }
        let to = destination(host, port, tls)?;
        match timeout(CONNECT_TIMEOUT, self.open(&to, Plain::Tunnel)).await {
            Ok(opened) => opened.map(|opened| opened.stream),
            Err(_) => {
                let message = format!("could not connect to {host}:{port} within {} s", CONNECT_TIMEOUT.as_secs());
                Err(Error::new(ErrorKind::Network, Cause::Timeout, CONNECT, message))
            }
        }
    }

    /// Opens a stream to the server of a URL. It is for the caller to limit the time.
    pub(super) fn open<'a>(&'a self, to: &'a Uri, plain: Plain) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.open_now(to, plain))
    }

    async fn open_now(&self, to: &Uri, plain: Plain) -> Result<Opened, Error> {
        let (host, tls) = (to.host().unwrap_or_default(), to.scheme_str() == Some("https"));
        let stream: BoxedStream = match self.proxies.choose(to)? {
            None => Box::new(connect_tcp(to).await?),
            Some(proxy) => {
                tracing::debug!(proxy = proxy.host(), "connecting through a proxy");
                let tcp = connect_tcp(proxy.url()).await.map_err(|err| {
                    let message = format!("the proxy cannot be reached: {}", err.message());
                    Error::new(ErrorKind::Network, Cause::Proxy, "proxy", message)
                })?;
                let mut stream: BoxedStream = Box::new(tcp);
                if proxy.is_tls() {
                    stream = self.secure(proxy.host(), stream).await?;
                }
                if !tls && plain == Plain::Forward {
                    return Ok(Opened { stream, forwards: true });
                }
                proxy.tunnel(stream, format!("{host}:{}", port(to))).await?
            }
        };
        let stream = if tls { self.secure(host, stream).await? } else { stream };
        Ok(Opened { stream, forwards: false })
    }

    async fn secure(&self, host: &str, stream: BoxedStream) -> Result<BoxedStream, Error> {
        let prefix = format!("cannot open a TLS connection to {host}");
        let name = ServerName::try_from(without_brackets(host).to_owned())
            .map_err(|err| Error::network(CONNECT, &prefix, &err))?;
        match TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            // Another attempt may fare better, unlike after a certificate that is refused.
            Err(err) if is_cut(&err) => {
                Err(Error::new(ErrorKind::Network, Cause::Broken, CONNECT, format!("{prefix}: {err}")))
            }
            Err(err) => Err(Error::network(CONNECT, &prefix, &err)),
        }
    }
}

fn is_cut(err: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(err.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

impl fmt::Debug for NetSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("NetSettings");
        debug.field("roots", &self.roots).field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

fn destination(host: &str, port: u16, tls: bool) -> Result<Uri, Error> {
    let scheme = if tls { "https" } else { "http" };
    let uri = format!("{scheme}://{host}:{port}/").parse();
    uri.map_err(|err| Error::network(CONNECT, &format!("{host} is not a valid server name"), &err))
}

/// Connects to the host and port of a URL, whatever its scheme.
async fn connect_tcp(to: &Uri) -> Result<TcpStream, Error> {
    connected(to, attempt(to, GaiResolver::new())).await
}

type Attempt<E> = BoxFuture<'static, Result<TokioIo<TcpStream>, E>>;

/// Of both families of addresses the second gets its chance before the first has failed (RFC 8305).
fn attempt<R, E>(to: &Uri, resolver: R) -> Attempt<E>
where
    HttpConnector<R>: Service<Uri, Response = TokioIo<TcpStream>, Error = E, Future: Send + 'static>,
{
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_happy_eyeballs_timeout(Some(SECOND_FAMILY));
    connector.set_connect_timeout(Some(TCP_TIMEOUT));
    // Keys must not wait for more keys, and a path that died must be noticed although nothing is said on it.
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE));
    Box::pin(connector.call(to.clone()))
}

async fn connected<E: std::error::Error + 'static>(to: &Uri, attempt: Attempt<E>) -> Result<TcpStream, Error> {
    attempt.await.map(TokioIo::into_inner).map_err(|err| {
        let host = to.host().unwrap_or_default();
        match err.to_string().as_str() {
            "dns error" => Error::unresolved(CONNECT, host, &err),
            _ => Error::network(CONNECT, &format!("cannot connect to {host}:{}", port(to)), &err),
        }
    })
}

fn port(to: &Uri) -> u16 {
    to.port_u16().unwrap_or(if to.scheme_str() == Some("https") { 443 } else { 80 })
}

const CONNECT: &str = "connection";

/// Longest time for name, TCP, proxy and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time for the addresses of one family together, of which each gets its share.
const TCP_TIMEOUT: Duration = Duration::from_secs(8);

/// After this without a connection, the other family of addresses is tried beside the first, as RFC 8305 proposes.
const SECOND_FAMILY: Duration = Duration::from_millis(250);

/// Shorter than the idle timeouts of NAT gateways and firewalls, which begin at about a minute.
const KEEPALIVE: Duration = Duration::from_secs(30);
