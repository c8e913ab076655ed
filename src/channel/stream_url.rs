//! Where a data channel may lead.
//!
//! The URL comes from an answer of the service, and what is sent there is a signed request, the session's token and
//! every key that is typed. So it must be a Session Manager host of the partition, an endpoint that the person
//! configured, or, when the API itself is on loopback, loopback.

use std::fmt;

use http::Uri;
use thiserror::Error;

use super::ahead::Place;
use crate::aws::{Aws, is_gateway, is_loopback, is_presigned};

/// The place of a data channel, found acceptable.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StreamUrl {
    /// Whether the connection is TLS. It is not only on loopback, or where the person allows it.
    pub tls: bool,
    /// The host in lower case, an IPv6 address in brackets.
    pub host: String,
    /// The port, which the URL may have left out.
    pub port: u16,
    /// The path with the query, beginning with `/`.
    pub path_and_query: String,
    /// Whether the query carries a signature, so that the upgrade request needs none.
    pub presigned: bool,
}

/// What is known about where data channels may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    /// The region of the session.
    pub region: &'a str,
    /// The SSM endpoint, if one was configured.
    pub ssm_endpoint: Option<&'a str>,
    /// The endpoint that takes the place of scheme, host and port of every stream URL, if one was configured.
    pub messages_endpoint: Option<&'a str>,
    /// Whether it may be unencrypted also on other machines.
    pub allow_insecure: bool,
}

/// Why a stream URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum StreamUrlError {
    /// It is not a URL, or has parts that a stream URL never has.
    #[error("the stream URL is refused: {0}")]
    Malformed(&'static str),
    /// It leads to a host that is not Session Manager.
    #[error("the stream URL is refused: `{host}` is not a Session Manager host for region {region}")]
    Host {
        /// The host that it names.
        host: String,
        /// The region of the session.
        region: String,
    },
    /// It would send the session in the clear.
    #[error("the stream URL is refused: the connection to `{0}` would not be encrypted")]
    Unencrypted(String),
    /// The endpoint configured for data channels cannot be used.
    #[error(
        "the endpoint configured for ssmmessages (ssmmessages_endpoint_url, AWS_ENDPOINT_URL_SSMMESSAGES) is refused: {0}"
    )]
    Endpoint(&'static str),
}

impl StreamUrl {
    /// Parses a stream URL and holds it against the policy.
    ///
    /// # Errors
    ///
    /// If it is malformed, longer than 8 KiB, or leads where no data channel may be.
    pub(crate) fn parse(url: &str, policy: &Policy<'_>) -> Result<Self, StreamUrlError> {
        let parts = Parts::parse(url, &["wss", "ws"]).map_err(StreamUrlError::Malformed)?;
        let Parts { mut tls, mut host, mut port, path_and_query } = parts;
        if !path_and_query.starts_with('/') {
            return Err(StreamUrlError::Malformed("it has no path"));
        }
        if let Some(endpoint) = policy.messages_endpoint {
            let own = Parts::parse(endpoint, &["wss", "https", "ws", "http"]).map_err(StreamUrlError::Endpoint)?;
            if own.path_and_query.len() > 1 {
                return Err(StreamUrlError::Endpoint("it has a path"));
            }
            (tls, host, port) = (own.tls, own.host, own.port);
        } else if !policy.allows(&host, port) {
            return Err(StreamUrlError::Host { host, region: policy.region.to_owned() });
        }
        if !tls && !is_loopback(&host) && !policy.allow_insecure {
            return Err(StreamUrlError::Unencrypted(host));
        }
        let presigned = is_presigned(&path_and_query);
        Ok(Self { tls, host, port, path_and_query, presigned })
    }

    /// The value of the Host header: the host, and the port unless it is the default one of the scheme.
    pub(crate) fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Where the connection leads.
    pub(super) fn place(&self) -> Place {
        (self.tls, self.host.clone(), self.port)
    }

    /// The whole URL. Its query is a secret if it is presigned.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.authority(), self.path_and_query)
    }
}

impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

impl<'a> Policy<'a> {
    /// The policy for sessions that were started by `aws`.
    pub(crate) fn of(aws: &'a Aws) -> Self {
        Self {
            region: aws.region(),
            ssm_endpoint: aws.ssm_endpoint(),
            messages_endpoint: aws.messages_endpoint(),
            allow_insecure: aws.allows_insecure(),
        }
    }

    /// Where data channels will be, as far as that can be known before; `gateway` is the host of AWS's own.
    pub(super) fn likely(&self, gateway: Option<String>) -> Option<Place> {
        let Some(endpoint) = self.messages_endpoint else { return gateway.map(|host| (true, host, 443)) };
        let own = Parts::parse(endpoint, &["wss", "https", "ws", "http"]).ok()?;
        (own.tls || is_loopback(&own.host) || self.allow_insecure).then_some((own.tls, own.host, own.port))
    }

    fn allows(&self, host: &str, port: u16) -> bool {
        let endpoint = self.ssm_endpoint.and_then(|url| Parts::parse(url, &["https", "http"]).ok());
        match endpoint {
            Some(endpoint) if is_loopback(&endpoint.host) && is_loopback(host) => true,
            Some(endpoint) if !is_loopback(host) && endpoint.host == host => true,
            _ => port == 443 && is_gateway(host, self.region),
        }
    }
}

/// A URL taken apart.
struct Parts {
    tls: bool,
    host: String,
    port: u16,
    path_and_query: String,
}

impl Parts {
    fn parse(url: &str, schemes: &[&str]) -> Result<Self, &'static str> {
        if url.len() > URL_LIMIT {
            return Err("it is longer than 8 KiB");
        }
        if url.contains('#') {
            return Err("it has a fragment");
        }
        let uri: Uri = url.parse().map_err(|_| "it is not a URL")?;
        let scheme = uri.scheme_str().ok_or("it has no scheme")?;
        if !schemes.contains(&scheme) {
            return Err("it has the wrong scheme");
        }
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("it has a user name");
        }
        let host = authority.host().to_ascii_lowercase();
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        let ipv6 = host.starts_with('[') && host.ends_with(']');
        if host.is_empty() || host.len() > HOST_LIMIT || !(plain || ipv6) {
            return Err("its host is not a valid server name");
        }
        let tls = matches!(scheme, "wss" | "https");
        // A colon without a number after it is a port to some readers and none to others.
        let port = match (authority.port(), &authority.as_str()[authority.host().len()..]) {
            (None, "") => {
                if tls {
                    443
                } else {
                    80
                }
            }
            (Some(port), _) if port.as_u16() != 0 => port.as_u16(),
            _ => return Err("its port is not a number from 1 to 65535"),
        };
        let path_and_query = uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
        Ok(Self { tls, host, port, path_and_query })
    }
}

/// Presigned URLs have some two thousand characters.
const URL_LIMIT: usize = 8 * 1024;

/// Bytes of a host name, by RFC 1035.
const HOST_LIMIT: usize = 253;

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;
