//! Why a listener cannot be opened, and why a session is not ready.

use std::io;
use std::net::IpAddr;

use crate::channel::End;

/// Why a port or a socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ListenError {
    /// Another process has the port.
    #[error("port {port} is taken{}", by(.owner))]
    Taken {
        port: u16,
        /// The process, if the system tells.
        owner: Option<String>,
    },
    /// Only privileged users may listen on the port.
    #[error("port {0} is reserved: listening on it needs a privilege that ssmx does not have")]
    Reserved(u16),
    /// The address belongs to another machine, or to none.
    #[error("{0} is not an address of this machine")]
    NotOurs(IpAddr),
    /// The system refuses the address.
    #[error("cannot listen on {address}: {error}")]
    Address {
        /// The address, or the path of the socket.
        address: String,
        /// What the system says.
        error: io::Error,
    },
    /// Another program listens on the socket, or the file is not a socket.
    #[error("cannot listen on `{path}`: {reason}")]
    Socket {
        /// The path of the socket.
        path: String,
        /// Why not.
        reason: &'static str,
    },
}

impl ListenError {
    /// Whether another port may do.
    pub(crate) fn is_about_the_port(&self) -> bool {
        matches!(self, Self::Taken { .. } | Self::Reserved(_))
    }
}

fn by(owner: &Option<String>) -> String {
    owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default()
}

/// Why a session that was started is not ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// It has ended.
    #[error("{}", early(.0))]
    Ended(End),
    /// It took more than 30 s.
    #[error("the agent was not ready in time")]
    TimedOut,
    /// The agent, of this version, ignores the host: it would connect to the instance itself instead.
    #[error("agent {0} is too old to forward to other hosts: it would connect to the instance itself")]
    NoRemoteHosts(String),
}

fn early(end: &End) -> &str {
    match end {
        End::Closed(reason) if !reason.trim().is_empty() => reason.trim(),
        _ => "the session ended before it was ready",
    }
}
