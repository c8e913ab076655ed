//! HTTP proxies: which requests go through one, and the tunnel through it.

use std::{fmt, net::IpAddr};

use aws_smithy_http_client::proxy::ProxyConfig;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::{Cause, Error, ErrorKind};

/// Which proxy serves which server, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say (either case).
pub(crate) struct Proxies {
    matcher: Matcher,
    sdk: ProxyConfig,
}

/// A proxy chosen for a connection.
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether the way to the proxy itself is TLS.
    pub(crate) tls: bool,
    auth: Option<HeaderValue>,
}

impl Proxies {
    pub(crate) fn from_env() -> Self {
        Self { matcher: Matcher::from_env(), sdk: ProxyConfig::from_env() }
    }

    /// One proxy for everything, as tests need it: the environment of a process is shared by all of them.
    #[cfg(test)]
    pub(crate) fn fixed(url: &str, no_proxy: &str) -> Self {
        Self {
            matcher: Matcher::builder().all(url.to_owned()).no(no_proxy.to_owned()).build(),
            sdk: ProxyConfig::all(url).expect("a proxy URL"),
        }
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { matcher: Matcher::builder().build(), sdk: ProxyConfig::disabled() }
    }

    /// The settings for the SDK's HTTP client. It must only be used where [`Self::choose`] names a proxy.
    pub(crate) fn sdk(&self) -> ProxyConfig {
        self.sdk.clone()
    }

    /// The proxy for a server, if it is not to be reached directly.
    ///
    /// What is on this machine or on its own link (instance metadata, container credentials) is never behind a proxy,
    /// whatever the environment says.
    ///
    /// # Errors
    ///
    /// If the proxy is of a kind other than `http://` and `https://`.
    pub(crate) fn choose(&self, destination: &Uri) -> Result<Option<Proxy>, Error> {
        if destination.host().is_none_or(is_local) {
            return Ok(None);
        }
        let Some(found) = self.matcher.intercept(destination) else {
            return Ok(None);
        };
        let tls = match found.uri().scheme_str() {
            Some("http") => false,
            Some("https") => true,
            other => {
                let scheme = other.unwrap_or_default();
                return Err(failed(format!("the proxy URL must begin with http:// or https://, not {scheme}://")));
            }
        };
        let host = found.uri().host().unwrap_or_default().to_owned();
        let port = found.uri().port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Some(Proxy { host, port, tls, auth: found.basic_auth().cloned() }))
    }
}

/// Without the password that a proxy URL may hold, which the SDK's own `Debug` shows.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.matcher.fmt(f)
    }
}

impl Proxy {
    /// Asks the proxy at the other end of `stream` for a tunnel to `host:port`.
    ///
    /// # Errors
    ///
    /// If the proxy refuses, or does not answer with an HTTP head of at most 8 KiB.
    pub(crate) async fn tunnel<S>(&self, stream: &mut S, host: &str, port: u16) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
        if let Some(auth) = &self.auth {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(auth.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        let broken = |err| Error::network("proxy", &format!("the connection to the proxy {} failed", self.host), &err);
        stream.write_all(&request).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;

        let head = self.read_head(stream).await?;
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => {
                let verb = if self.auth.is_some() { "rejects the" } else { "requires a" };
                Err(failed(format!("the proxy {} {verb} user and password", self.host)))
            }
            Some(status) => Err(failed(format!("the proxy {} refuses {host}:{port} with status {status}", self.host))),
            None => Err(failed(format!("the proxy {} does not respond like an HTTP proxy", self.host))),
        }
    }

    async fn read_head<S: AsyncRead + Unpin>(&self, stream: &mut S) -> Result<Vec<u8>, Error> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows the head belongs to the tunnel. It is some hundred bytes, once a connection.
            match stream.read_u8().await {
                Ok(byte) if head.len() < HEAD_LIMIT => head.push(byte),
                Ok(_) => {
                    return Err(failed(format!("the proxy {} sent a response header that is too long", self.host)));
                }
                Err(err) => {
                    return Err(Error::network(
                        "proxy",
                        &format!("the connection to the proxy {} failed", self.host),
                        &err,
                    ));
                }
            }
        }
        Ok(head)
    }
}

/// Whether a host (as in a URL, IPv6 in brackets) is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let on_link = match bare.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_link_local(),
        // The instance metadata service over IPv6 has unique local addresses: fd00:ec2::254 and fd00:ec2::23.
        Ok(IpAddr::V6(ip)) => ip.is_unicast_link_local() || ip.segments()[..2] == [0xfd00, 0x0ec2],
        Err(_) => false,
    };
    on_link || is_loopback(host)
}

fn status(head: &[u8]) -> Option<u16> {
    let head = std::str::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split_whitespace();
    words.next()?.starts_with("HTTP/1.").then_some(())?;
    words.next()?.parse().ok()
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::Network, Cause::Proxy, "proxy", message)
}

/// Longest answer to CONNECT, in bytes.
const HEAD_LIMIT: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(proxies: &Proxies, url: &str) -> Option<(String, u16, bool)> {
        let proxy = proxies.choose(&url.parse().unwrap()).unwrap()?;
        Some((proxy.host, proxy.port, proxy.tls))
    }

    #[test]
    fn what_is_local_is_never_proxied() {
        let proxies = Proxies::fixed("http://proxy.corp:3128", "");
        for url in [
            "http://127.0.0.1:9000/",
            "https://127.9.9.9/",
            "http://[::1]:80/",
            "http://[::ffff:127.0.0.1]/",
            "http://LOCALHOST:8080/",
            "http://169.254.169.254/latest",
            "http://169.254.170.2/v2/credentials",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert_eq!(chosen(&proxies, url), None, "{url}");
        }
        for url in ["https://ssm.eu-west-1.amazonaws.com/", "https://10.0.0.1/", "http://localhost.example.com/"] {
            assert_eq!(chosen(&proxies, url), Some(("proxy.corp".to_owned(), 3128, false)), "{url}");
        }
    }

    #[test]
    fn no_proxy_holds_and_other_schemes_are_refused() {
        let proxies = Proxies::fixed("https://proxy.corp", ".amazonaws.com");
        assert_eq!(chosen(&proxies, "https://ssm.eu-west-1.amazonaws.com/"), None);
        assert_eq!(chosen(&proxies, "https://ssm.api.aws/"), Some(("proxy.corp".to_owned(), 443, true)));

        let socks = Matcher::builder().all("socks5://proxy.corp:1080".to_owned()).build();
        let proxies = Proxies { matcher: socks, sdk: ProxyConfig::disabled() };
        let err = proxies.choose(&"https://example.com".parse().unwrap()).err().unwrap();
        assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Proxy));
    }

    #[test]
    fn only_an_http_head_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407 \r\n\r\n"), Some(407));
        assert_eq!(status(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(status(b"\xff\r\n\r\n"), None);
    }

    #[tokio::test]
    async fn an_endless_head_is_refused() {
        let proxies = Proxies::fixed("http://proxy.corp:3128", "");
        let proxy = proxies.choose(&"https://example.com".parse().unwrap()).unwrap().unwrap();
        let (mut ours, mut theirs) = tokio::io::duplex(64);
        let endless = tokio::spawn(async move { while theirs.write_all(&[b'x'; 64]).await.is_ok() {} });
        let err = proxy.tunnel(&mut ours, "example.com", 443).await.unwrap_err();
        assert_eq!(err.message(), "the proxy proxy.corp sent a response header that is too long");
        drop(ours);
        endless.await.unwrap();
    }
}
