//! The grammar of forwards: `[BIND:][LOCAL:]PORT`, `[BIND:][LOCAL:]HOST:PORT`, `unix:PATH:[HOST:]PORT`.
//!
//! It is read from the right. `PORT` is the remote port; a word before it is a local port if it is a number, else a
//! host. So `10.0.0.5:80` is port 80 of that host, as the instance reaches it; an address to listen on takes its local
//! port with it: `127.0.0.2:8080:80`. IPv6 addresses stand in brackets. The local port 0 leaves the choice to ssmx.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::session::forward::{Bind, Destination, Listen, LocalPort, is_out_of_reach};

/// One forward as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForwardSpec {
    /// Where connections come in; `Loopback` unless an address was typed.
    pub listen: Listen,
    /// Where they go.
    pub destination: Destination,
    /// A loopback address of the instance that was typed, and that no session leads to: they lead to `localhost`.
    pub out_of_reach: Option<String>,
    /// What was typed.
    pub text: String,
}

impl ForwardSpec {
    /// The forward with another address to listen on, unless it names its own.
    pub(crate) fn bound_to(mut self, address: Bind) -> Self {
        if let Listen::Tcp { bind: bind @ Bind::Loopback, .. } = &mut self.listen {
            *bind = address;
        }
        self
    }
}

impl FromStr for ForwardSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (listen, (destination, out_of_reach)) = match text.strip_prefix("unix:") {
            Some(rest) => unix(rest)?,
            None => tcp(text)?,
        };
        Ok(Self { listen, destination, out_of_reach, text: text.to_owned() })
    }
}

/// An address to listen on: an IP address, with or without brackets, or `localhost` for both loopback addresses.
///
/// # Errors
/// It is neither.
pub(crate) fn bind(text: &str) -> Result<Bind, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Bind::Loopback);
    }
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    plain.parse().map(Bind::Address).map_err(|_| format!("`{text}` is not an IP address to listen on"))
}

fn tcp(text: &str) -> Result<(Listen, (Destination, Option<String>)), String> {
    let parts = parts(text)?;
    let (address, local, host, port) = match parts.as_slice() {
        [port] => (None, None, None, port),
        [local, port] if is_number(local) => (None, Some(*local), None, port),
        [host, port] => (None, None, Some(*host), port),
        [address, local, port] if is_number(local) => (Some(*address), Some(*local), None, port),
        [local, host, port] if is_number(local) => (None, Some(*local), Some(*host), port),
        [address, host, port] => (Some(*address), None, Some(*host), port),
        [address, local, host, port] => (Some(*address), Some(*local), Some(*host), port),
        _ => return Err(format!("too many colons: {EXPECTED}")),
    };
    let destination = destination(host, port)?;
    let bind = address.map_or(Ok(Bind::Loopback), bind)?;
    let port = match local.map(local_port).transpose()? {
        None => LocalPort::Preferred(destination.0.port),
        Some(0) => LocalPort::Any,
        Some(port) => LocalPort::Named(port),
    };
    Ok((Listen::Tcp { bind, port }, destination))
}

/// A path may have colons in it; what stands last is the port, and what stands before it a host unless it looks like
/// the end of a path.
fn unix(text: &str) -> Result<(Listen, (Destination, Option<String>)), String> {
    let expected = || "expected unix:PATH:PORT or unix:PATH:HOST:PORT".to_owned();
    let (rest, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let at = if rest.ends_with(']') { rest.rfind(":[") } else { rest.rfind(':') };
    let (path, host) = match at.map(|at| (&rest[..at], &rest[at + 1..])) {
        Some((path, host)) if !host.contains('/') => (path, Some(host)),
        _ => (rest, None),
    };
    if path.is_empty() {
        return Err(expected());
    }
    Ok((Listen::Unix(PathBuf::from(path)), destination(host, port)?))
}

/// Where it leads; and the loopback address that was meant, if that is out of reach.
fn destination(host: Option<&str>, port: &str) -> Result<(Destination, Option<String>), String> {
    let refused = || format!("`{port}` is not a remote port: expected a number from 1 to 65535 at the end");
    let number = Some(port).filter(|port| is_number(port)).and_then(|port| port.parse().ok());
    let port = number.filter(|&port| port != 0).ok_or_else(refused)?;
    let host = host.map(remote_host).transpose()?;
    Ok((Destination::of(host.clone(), port), host.filter(|host| is_out_of_reach(host))))
}

fn remote_host(text: &str) -> Result<String, String> {
    let refused = || format!("`{text}` is not a host: expected a name or an IP address, IPv6 in brackets");
    if let Some(inner) = text.strip_prefix('[') {
        let address = inner.strip_suffix(']').ok_or_else(refused)?;
        return match address.parse() {
            Ok(IpAddr::V6(address)) => Ok(address.to_string()),
            _ => Err(refused()),
        };
    }
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    // A number would be an address of which nobody thinks, and a port in most places.
    if text.is_empty()
        || is_number(text)
        || text.len() > HOST_LIMIT
        || text.starts_with(['-', '.'])
        || text.contains("..")
        || !text.chars().all(is_fine)
    {
        return Err(refused());
    }
    Ok(text.to_owned())
}

fn local_port(text: &str) -> Result<u16, String> {
    let number = Some(text).filter(|text| is_number(text)).and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("`{text}` is not a local port: expected a number from 0 to 65535"))
}

/// What stands between the colons that stand outside brackets.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' if !inside && at == start => inside = true,
            ']' if inside => inside = false,
            '[' | ']' => return Err("only IPv6 addresses take brackets".to_owned()),
            ':' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err("a bracket is not closed".to_owned());
    }
    parts.push(&text[start..]);
    if parts.len() > 4 {
        return Err(format!("too many colons: put IPv6 addresses in brackets; {EXPECTED}"));
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(EXPECTED.to_owned());
    }
    Ok(parts)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const EXPECTED: &str = "expected [BIND:][LOCAL:]PORT, [BIND:][LOCAL:]HOST:PORT or unix:PATH:PORT";

/// RFC 1035.
const HOST_LIMIT: usize = 253;

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;
