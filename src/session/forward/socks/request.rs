//! What a program asks for by SOCKS5, and what it is answered.
//!
//! The protocol itself is the crate's. Here is what it means: which requests are fine, which destination is which
//! session's, and which reply stands for which failure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fast_socks5::server::{Socks5ServerProtocol, SocksServerError, states};
use fast_socks5::util::target_addr::TargetAddr;
use fast_socks5::{ReplyError, Socks5Command};

use crate::session::forward::endpoint::{Destination, is_out_of_reach};
use crate::session::forward::incoming::Incoming;

/// Longest host that is passed on: that of the domain name system.
const HOST_LIMIT: usize = 253;

/// Why a program is refused, as far as a reply of SOCKS5 can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No reply says more.
    Failed,
    /// It is forbidden.
    NotAllowed,
    /// The host does not answer, or there can be none of that name.
    HostUnreachable,
    /// The destination refuses the connection.
    Refused,
    /// Only `CONNECT` is spoken here.
    NotSupported,
}

impl Refusal {
    fn reply(self) -> ReplyError {
        match self {
            Self::Failed => ReplyError::GeneralFailure,
            Self::NotAllowed => ReplyError::ConnectionNotAllowed,
            Self::HostUnreachable => ReplyError::HostUnreachable,
            Self::Refused => ReplyError::ConnectionRefused,
            Self::NotSupported => ReplyError::CommandNotSupported,
        }
    }
}

/// A program that has named a destination, and waits for the answer.
pub(super) struct Request(Socks5ServerProtocol<Incoming, states::CommandRead>);

impl Request {
    /// Reads what the program asks for.
    ///
    /// # Errors
    /// Why it cannot have what it asks for, in words, if that is worth telling. It has got its reply.
    pub(super) async fn read(incoming: Incoming) -> Result<(Self, Destination), Option<String>> {
        // Until it is granted, an answer of ours is all that it gets.
        incoming.complete(true);
        let protocol = Socks5ServerProtocol::accept_no_auth(incoming).await.map_err(|error| describe(&error))?;
        let (protocol, command, target) = protocol.read_command().await.map_err(|error| describe(&error))?;
        let request = Self(protocol);
        let refused = match command {
            Socks5Command::TCPConnect => match destination(&target) {
                Some(destination) => return Ok((request, destination)),
                None => (Refusal::HostUnreachable, format!("`{target}` is not a host and port")),
            },
            Socks5Command::TCPBind | Socks5Command::UDPAssociate => {
                let what = if matches!(command, Socks5Command::TCPBind) { "BIND" } else { "UDP" };
                (
                    Refusal::NotSupported,
                    format!("a program asked for {what}, but Session Manager supports only CONNECT"),
                )
            }
        };
        request.refuse(refused.0).await;
        Err(Some(refused.1))
    }

    /// Answers that the connection stands, as far as we know, and hands it over; `None` when the program has gone.
    pub(super) async fn grant(self) -> Option<Incoming> {
        // Which address the instance connects from is not known.
        let unknown = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        self.0.reply_success(unknown).await.ok().inspect(|incoming| incoming.complete(false))
    }

    /// Answers that there is no connection, and closes.
    pub(super) async fn refuse(self, refusal: Refusal) {
        // A program that has gone wants no answer.
        let _ = self.0.reply_error(&refusal.reply()).await;
    }
}

/// What went wrong in a conversation, where that is the program's or its user's mistake.
fn describe(error: &SocksServerError) -> Option<String> {
    match error {
        SocksServerError::UnsupportedSocksVersion(4) => {
            Some("a program speaks SOCKS4; tell it to use SOCKS5 (`socks5h://`)".to_owned())
        }
        SocksServerError::UnsupportedSocksVersion(byte) => {
            let hint = if byte.is_ascii_alphabetic() { ", perhaps HTTP" } else { "" };
            Some(format!("a program does not speak SOCKS5{hint}; tell it to use a SOCKS5 proxy (`socks5h://`)"))
        }
        SocksServerError::AuthMethodUnacceptable(_) => {
            Some("a program insists on a password, but there is none".to_owned())
        }
        SocksServerError::UnknownCommand(command) => Some(format!("a program sent the unknown command {command}")),
        // It went away, or what it sent was cut short.
        _ => None,
    }
}

/// Where a session has to lead for this request; `None` when there can be none.
fn destination(target: &TargetAddr) -> Option<Destination> {
    let (host, port) = match target {
        TargetAddr::Ip(address) => (address.ip().to_canonical().to_string(), address.port()),
        // One name, one session, however it is spelled.
        TargetAddr::Domain(name, port) => (name.to_ascii_lowercase(), *port),
    };
    if port == 0 || !is_host(&host) {
        return None;
    }
    if is_out_of_reach(&host) {
        tracing::info!(host, "leads to localhost of the instance: sessions reach no other loopback address");
    }
    Some(Destination::of(Some(host), port))
}

/// Whether it can go into the parameters of a document. It stands for itself there, but better safe.
fn is_host(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    !text.is_empty() && text.len() <= HOST_LIMIT && !text.starts_with('-') && text.chars().all(is_fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_itself_and_other_hosts() {
        let ip = |text: &str| destination(&TargetAddr::Ip(text.parse().unwrap()));
        let name = |text: &str, port| destination(&TargetAddr::Domain(text.to_owned(), port));
        let own = Some(Destination { host: None, port: 80 });
        for itself in ["127.0.0.1:80", "127.0.1.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80", "0.0.0.0:80", "[::]:80"] {
            assert_eq!(ip(itself), own, "{itself}");
        }
        for itself in ["LocalHost", "localhost.", "127.1", "127.0.1.1", "app.localhost"] {
            assert_eq!(name(itself, 80), own, "{itself}");
        }
        let host = |host: &str| Some(Destination { host: Some(host.to_owned()), port: 80 });
        assert_eq!(ip("10.0.0.5:80"), host("10.0.0.5"));
        assert_eq!(ip("[fd00::5]:80"), host("fd00::5"));
        assert_eq!(name("Orders.Internal", 80), host("orders.internal"));
        for (bad, port) in [("", 80), ("-x", 80), ("a b", 80), ("a\nb", 80), ("x", 0), (&"x".repeat(254), 80)] {
            assert_eq!(name(bad, port), None, "{bad}");
        }
    }
}
