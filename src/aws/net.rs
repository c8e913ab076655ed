//! The way to a server: trusted roots, proxies, TCP and TLS, the same for the SDK and for the WebSocket.

#[cfg(test)]
mod tests;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use http::Uri;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs},
};

use super::{
    error::{Cause, Error, ErrorKind},
    proxy::Proxies,
};

/// A byte stream to a server: TCP or TLS, direct or through a proxy.
pub(crate) type BoxedStream = Box<dyn Stream>;

/// What a [`BoxedStream`] can do.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Trusted roots and proxies, read once when ssmx starts.
#[derive(Clone)]
pub struct NetSettings {
    pub(super) roots: Arc<Vec<CertificateDer<'static>>>,
    pub(super) proxies: Arc<Proxies>,
    tls: Arc<ClientConfig>,
    /// Stands in place of the network.
    #[cfg(test)]
    pub(super) world: Option<Arc<dyn super::simulated::World>>,
}

impl NetSettings {
    /// Reads the proxies from the environment and the roots from the operating system, or, if there is one, from
    /// `ca_bundle` alone, as the AWS CLI does.
    ///
    /// # Errors
    ///
    /// If the bundle cannot be read or holds no certificate. Missing roots of the system are an error only when a
    /// certificate is to be checked.
    pub fn load(ca_bundle: Option<&Path>) -> Result<Self, Error> {
        Self::new(ca_bundle, Proxies::from_env())
    }

    pub(super) fn new(ca_bundle: Option<&Path>, proxies: Proxies) -> Result<Self, Error> {
        let found = match ca_bundle {
            Some(path) => read_bundle(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        // Only what the verifier can use goes on: the SDK's TLS connector panics on anything else.
        let mut store = RootCertStore::empty();
        let roots: Vec<_> = found.into_iter().filter(|root| store.add(root.clone()).is_ok()).collect();
        match ca_bundle {
            Some(path) if roots.is_empty() => {
                return Err(bundle_error(path, "it contains no usable certificate"));
            }
            _ => tracing::debug!(roots = roots.len(), bundle = ca_bundle.is_some(), "trusted roots loaded"),
        }
        Ok(Self {
            roots: Arc::new(roots),
            proxies: Arc::new(proxies),
            tls: Arc::new(tls_config(store)?),
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
        match timeout(CONNECT_TIMEOUT, self.connect_unbounded(host, port, tls)).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("could not connect to {host}:{port} within {} s", CONNECT_TIMEOUT.as_secs());
                Err(Error::new(ErrorKind::Network, Cause::Timeout, CONNECT, message))
            }
        }
    }

    async fn connect_unbounded(&self, host: &str, port: u16, tls: bool) -> Result<BoxedStream, Error> {
        let stream: BoxedStream = match self.proxies.choose(&destination(host, port, tls)?)? {
            None => Box::new(connect_tcp(host, port).await?),
            Some(proxy) => {
                tracing::debug!(proxy = proxy.host, port = proxy.port, "connecting through a proxy");
                let tcp = connect_tcp(&proxy.host, proxy.port).await?;
                let mut stream: BoxedStream =
                    if proxy.tls { self.secure(&proxy.host, Box::new(tcp)).await? } else { Box::new(tcp) };
                proxy.tunnel(&mut stream, host, port).await?;
                stream
            }
        };
        if tls { self.secure(host, stream).await } else { Ok(stream) }
    }

    async fn secure(&self, host: &str, stream: BoxedStream) -> Result<BoxedStream, Error> {
        let prefix = format!("cannot open a TLS connection to {host}");
        let name = ServerName::try_from(bare(host).to_owned()).map_err(|err| Error::network(CONNECT, &prefix, &err))?;
        match TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(err) => Err(Error::network(CONNECT, &prefix, &err)),
        }
    }
}

impl fmt::Debug for NetSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("NetSettings");
        debug.field("roots", &self.roots.len()).field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    certificates.map_err(|err| bundle_error(path, &err.to_string()))
}

fn bundle_error(path: &Path, reason: &str) -> Error {
    let message = format!("cannot use the CA bundle {}: {reason}", path.display());
    Error::new(ErrorKind::Usage, Cause::CaBundle, "configuration", message)
}

fn tls_config(roots: RootCertStore) -> Result<ClientConfig, Error> {
    // The provider is named, not installed for the process: a second one in the tree would make the default a panic.
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| Error::network(CONNECT, "cannot set up TLS", &err))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn destination(host: &str, port: u16, tls: bool) -> Result<Uri, Error> {
    let scheme = if tls { "https" } else { "http" };
    let uri = format!("{scheme}://{host}:{port}/").parse();
    uri.map_err(|err| Error::network(CONNECT, &format!("{host} is not a valid server name"), &err))
}

async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, Error> {
    let failed = |err: &std::io::Error| Error::network(CONNECT, &format!("cannot connect to {host}:{port}"), err);
    let resolved = tokio::net::lookup_host((bare(host), port)).await;
    let addresses = resolved
        .map_err(|err| Error::new(ErrorKind::Network, Cause::Dns, CONNECT, format!("cannot resolve {host}: {err}")))?;
    let mut last = None;
    for address in addresses.take(ADDRESS_LIMIT) {
        match timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream).map_err(|err| failed(&err))?;
                return Ok(stream);
            }
            Ok(Err(err)) => last = Some(err),
            Err(elapsed) => last = Some(elapsed.into()),
        }
    }
    let none = || std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    Err(failed(&last.unwrap_or_else(none)))
}

/// Keys must not wait for more keys, and a path that died must be noticed although nothing is said on it.
fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

const CONNECT: &str = "connection";

/// Longest time for name, TCP, proxy and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time for one address, so that a dead one (IPv6 without a route) does not use up the whole.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);

/// How many addresses of a name are tried.
const ADDRESS_LIMIT: usize = 8;

/// Shorter than the idle timeouts of NAT gateways and firewalls, which begin at about a minute.
const KEEPALIVE: Duration = Duration::from_secs(30);
