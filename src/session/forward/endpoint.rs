//! What is forwarded where.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
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
    /// A port of a host as a person or a program names it. The instance itself has no host, however it is spelled: for
    /// other hosts there is another document, through which agents refuse to lead to their own machine.
    pub(crate) fn of(host: Option<String>, port: u16) -> Self {
        Self { host: host.filter(|host| !is_itself(host)), port }
    }

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

/// Names that systems give to their own loopback addresses, besides those under `localhost` (RFC 6761).
const OWN_NAMES: [&str; 7] = [
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
];

/// Whether a host, without brackets, is the instance itself.
fn is_itself(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    match address(&host) {
        // Connections to the address that stands for all of a machine lead to the machine.
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => host == "localhost" || host.ends_with(".localhost") || OWN_NAMES.contains(&host.as_str()),
    }
}

/// Whether a host is a loopback address other than those of `localhost`, as which agents know their own machine: what
/// listens on it alone is out of reach.
pub(crate) fn is_out_of_reach(host: &str) -> bool {
    address(host.strip_suffix('.').unwrap_or(host)).is_some_and(|address| match address {
        IpAddr::V4(address) => address.is_loopback() && address != Ipv4Addr::LOCALHOST,
        IpAddr::V6(_) => false,
    })
}

/// The address that a host is, also in the forms that resolvers take.
fn address(host: &str) -> Option<IpAddr> {
    let known = host.parse().map(|address: IpAddr| address.to_canonical());
    known.ok().or_else(|| short_address(host).map(IpAddr::V4))
}

/// An IPv4 address with parts left out, or in other bases: `127.1`, `0x7f000001`.
fn short_address(host: &str) -> Option<Ipv4Addr> {
    let parts = host.split('.').map(|part| match part.strip_prefix("0x") {
        Some(digits) => number(digits, 16),
        None if part.starts_with('0') => number(part, 8),
        None => number(part, 10),
    });
    let parts: Vec<u32> = parts.collect::<Option<_>>()?;
    let (last, first) = parts.split_last().filter(|(_, first)| first.len() < 4)?;
    // The last part stands for all bytes that are left.
    let start = first.iter().try_fold(0, |start, part| (*part < 256).then_some(start << 8 | part))?;
    let bits = 8 * (4 - first.len() as u32);
    let fits = bits == 32 || last >> bits == 0;
    fits.then(|| Ipv4Addr::from_bits(if bits == 32 { *last } else { start << bits | last }))
}

fn number(digits: &str, base: u32) -> Option<u32> {
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, base).ok()
}

#[cfg(test)]
mod tests;
