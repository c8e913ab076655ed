//! What is forwarded where.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// Where connections come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Tcp { bind: Bind, port: LocalPort },
    Unix(PathBuf),
}

/// The addresses of a TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bind {
    /// 127.0.0.1 and ::1, with the same port.
    Loopback,
    Address(IpAddr),
}

/// A local port, and whose wish it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocalPort {
    /// The person named it: no other will do.
    Named(u16),
    /// We would like it, because the remote port has this number; another one does as well.
    Preferred(u16),
    /// Any that is free.
    Any,
}

/// What the instance connects to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Destination {
    /// A host that the instance can reach, by a name that it resolves; `None` for the instance itself.
    pub host: Option<String>,
    /// The port, not 0.
    pub port: u16,
}

impl Destination {
    /// In words, for connections that go through `target`.
    pub(crate) fn through(&self, target: &str) -> String {
        match &self.host {
            Some(_) => format!("{self} through {target}"),
            None => format!("{target}:{}", self.port),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, "port {}", self.port),
        }
    }
}
