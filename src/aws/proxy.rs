//! HTTP proxies: which requests go through one, and the tunnel through it.

use std::{fmt, net::IpAddr};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{HOST, PROXY_AUTHORIZATION},
};
use http_body_util::Empty;
use hyper::{body::Incoming, client::conn::http1, upgrade};
use hyper_util::{client::proxy::matcher::Matcher, rt::TokioIo};

use super::error::{Cause, Error, ErrorKind};
use super::net::BoxedStream;
use crate::syntax::without_brackets;

/// Which proxy serves which server, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say (either case).
pub(crate) struct Proxies(Matcher);

/// A proxy chosen for a connection.
pub(crate) struct Proxy {
    url: Uri,
    auth: Option<HeaderValue>,
}

impl Proxies {
    pub(crate) fn from_env() -> Self {
        Self(Matcher::from_env())
    }

    /// One proxy for everything, as tests need it: the environment of a process is shared by all of them.
    #[cfg(test)]
    pub(crate) fn fixed(url: &str, no_proxy: &str) -> Self {
        Self(Matcher::builder().all(url.to_owned()).no(no_proxy.to_owned()).build())
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(Matcher::builder().build())
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
        let Some(found) = self.0.intercept(destination) else {
            return Ok(None);
        };
        match found.uri().scheme_str() {
            Some("http" | "https") => Ok(Some(Proxy { url: found.uri().clone(), auth: found.basic_auth().cloned() })),
            other => {
                let scheme = other.unwrap_or_default();
                Err(failed(format!("the proxy URL must begin with http:// or https://, not {scheme}://")))
            }
        }
    }
}

/// Without the password that a proxy URL may hold.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Proxy {
    pub(super) fn url(&self) -> &Uri {
        &self.url
    }

    pub(super) fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }

    /// Whether the way to the proxy itself is TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// What the proxy wants with each request that it passes on.
    pub(super) fn auth(&self) -> Option<&HeaderValue> {
        self.auth.as_ref()
    }

    /// Asks the proxy at the other end of `stream` for a tunnel to a host and port, as `host:port`.
    ///
    /// # Errors
    ///
    /// If the proxy refuses, or does not answer with an HTTP head of at most 8 KiB.
    pub(super) async fn tunnel(&self, stream: BoxedStream, to: String) -> Result<BoxedStream, Error> {
        let mut request = Request::connect(&to).header(HOST, &to);
        if let Some(auth) = &self.auth {
            request = request.header(PROXY_AUTHORIZATION, auth);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|err| self.broken(&err))?;
        // Some proxies know headers by the case that they are usually written in.
        let http = http1::Builder::new().max_buf_size(HEAD_LIMIT).title_case_headers(true).clone();
        let handshake: BoxFuture<'_, hyper::Result<_>> = Box::pin(http.handshake(TokioIo::new(stream)));
        let (mut sender, connection) = handshake.await.map_err(|err| self.broken(&err))?;
        let connection: BoxFuture<'_, hyper::Result<()>> = Box::pin(connection.with_upgrades());
        let exchange = async move {
            let response = sender.send_request(request).await.map_err(|err| self.broken(&err))?;
            match response.status().is_success() {
                true => upgrade::on(response).await.map_err(|err| self.broken(&err)),
                false => Err(self.refusal(&response, &to)),
            }
        };
        let (tunnel, _) = tokio::join!(exchange, connection);
        Ok(Box::new(TokioIo::new(tunnel?)))
    }

    fn refusal(&self, response: &Response<Incoming>, to: &str) -> Error {
        let (host, status) = (self.host(), response.status());
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let verb = if self.auth.is_some() { "rejects the" } else { "requires a" };
            return failed(format!("the proxy {host} {verb} user and password (status {status})"));
        }
        failed(format!("the proxy {host} refuses {to} with status {status}"))
    }

    fn broken(&self, err: &(dyn std::error::Error + 'static)) -> Error {
        let host = self.host();
        match err.downcast_ref::<hyper::Error>() {
            Some(err) if err.is_parse_too_large() => {
                failed(format!("the proxy {host} sent a response header that is too long"))
            }
            Some(err) if err.is_parse() => failed(format!("the proxy {host} does not respond like an HTTP proxy")),
            _ => Error::network("proxy", &format!("the connection to the proxy {host} failed"), err),
        }
    }
}

/// Whether a host (as in a URL, IPv6 in brackets) is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    match without_brackets(host).parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn is_local(host: &str) -> bool {
    let on_link = match without_brackets(host).parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_link_local(),
        // The instance metadata service over IPv6 has unique local addresses: fd00:ec2::254 and fd00:ec2::23.
        Ok(IpAddr::V6(ip)) => ip.is_unicast_link_local() || ip.segments()[..2] == [0xfd00, 0x0ec2],
        Err(_) => false,
    };
    on_link || is_loopback(host)
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::Network, Cause::Proxy, "proxy", message)
}

/// Longest answer to CONNECT, in bytes.
const HEAD_LIMIT: usize = 8 * 1024;

#[cfg(test)]
mod tests;
