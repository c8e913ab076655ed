//! The grammar of forwards: `[BIND:][LOCAL:]PORT`, `[BIND:][LOCAL:]HOST:PORT`, `unix:PATH:[HOST:]PORT`.
//!
//! It is read from the right. `PORT` is the remote port; a word before it is a local port if it is a number, else a
//! host. So `10.0.0.5:80` is port 80 of that host, as the instance reaches it; an address to listen on takes its local
//! port with it: `127.0.0.2:8080:80`. IPv6 addresses stand in brackets. The local port 0 leaves the choice to ssmx.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::session::forward::{Bind, Destination, Listen, LocalPort};

/// One forward as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardSpec {
    /// Where connections come in; `Loopback` unless an address was typed.
    pub listen: Listen,
    /// Where they go.
    pub destination: Destination,
    /// What was typed.
    pub text: String,
}

impl ForwardSpec {
    /// The forward with another address to listen on, unless it names its own.
    pub fn bound_to(mut self, address: Bind) -> Self {
        if let Listen::Tcp { bind: bind @ Bind::Loopback, .. } = &mut self.listen {
            *bind = address;
        }
        self
    }
}

impl FromStr for ForwardSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (listen, destination) = match text.strip_prefix("unix:") {
            Some(rest) => unix(rest)?,
            None => tcp(text)?,
        };
        Ok(Self { listen, destination, text: text.to_owned() })
    }
}

/// An address to listen on: an IP address, with or without brackets, or `localhost` for both loopback addresses.
///
/// # Errors
/// It is neither.
pub fn bind(text: &str) -> Result<Bind, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Bind::Loopback);
    }
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    plain.parse().map(Bind::Address).map_err(|_| format!("`{text}` is no IP address to listen on"))
}

fn tcp(text: &str) -> Result<(Listen, Destination), String> {
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
        None => LocalPort::Preferred(destination.port),
        Some(0) => LocalPort::Any,
        Some(port) => LocalPort::Named(port),
    };
    Ok((Listen::Tcp { bind, port }, destination))
}

/// A path may have colons in it; what stands last is the port, and what stands before it a host unless it looks like
/// the end of a path.
fn unix(text: &str) -> Result<(Listen, Destination), String> {
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

fn destination(host: Option<&str>, port: &str) -> Result<Destination, String> {
    let wanted = || format!("`{port}` is no remote port: expected a number from 1 to 65535 at the end");
    let number = Some(port).filter(|port| is_number(port)).and_then(|port| port.parse().ok());
    let port = number.filter(|&port| port != 0).ok_or_else(wanted)?;
    let host = host.map(remote_host).transpose()?;
    // The agent's own default, which needs no document of its own.
    Ok(Destination { host: host.filter(|host| !host.eq_ignore_ascii_case("localhost")), port })
}

fn remote_host(text: &str) -> Result<String, String> {
    let refused = || format!("`{text}` is no host: expected a name or an IP address, IPv6 in brackets");
    if let Some(inner) = text.strip_prefix('[') {
        let address = inner.strip_suffix(']').ok_or_else(refused)?;
        return match address.parse() {
            Ok(IpAddr::V6(address)) => Ok(address.to_string()),
            _ => Err(refused()),
        };
    }
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if text.is_empty() || text.len() > HOST_LIMIT || text.starts_with('-') || !text.chars().all(is_fine) {
        return Err(refused());
    }
    Ok(text.to_owned())
}

fn local_port(text: &str) -> Result<u16, String> {
    let number = Some(text).filter(|text| is_number(text)).and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("`{text}` is no local port: expected a number from 0 to 65535"))
}

/// What stands between the colons that stand outside brackets.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' if !inside && at == start => inside = true,
            ']' if inside => inside = false,
            '[' | ']' => return Err("brackets belong around an IPv6 address".to_owned()),
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
        return Err(format!("too many colons: IPv6 addresses stand in brackets; {EXPECTED}"));
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
mod tests {
    use super::*;

    fn spec(text: &str) -> ForwardSpec {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn is_tcp(text: &str, bind: &str, port: LocalPort, host: Option<&str>, remote: u16) {
        let ForwardSpec { listen, destination, .. } = spec(text);
        let bind = match bind {
            "" => Bind::Loopback,
            address => Bind::Address(address.parse().unwrap()),
        };
        assert_eq!(listen, Listen::Tcp { bind, port }, "{text}");
        assert_eq!(destination, Destination { host: host.map(str::to_owned), port: remote }, "{text}");
    }

    #[test]
    fn ports() {
        use LocalPort::{Any, Named, Preferred};
        is_tcp("5432", "", Preferred(5432), None, 5432);
        is_tcp("8080:80", "", Named(8080), None, 80);
        is_tcp("0:5432", "", Any, None, 5432);
        is_tcp("127.0.0.2:8080:80", "127.0.0.2", Named(8080), None, 80);
        is_tcp("[::1]:5433:5432", "::1", Named(5433), None, 5432);
        is_tcp("0.0.0.0:0:80", "0.0.0.0", Any, None, 80);
        is_tcp("localhost:8080:80", "", Named(8080), None, 80);
        is_tcp("1:65535", "", Named(1), None, 65535);
    }

    #[test]
    fn hosts() {
        use LocalPort::{Any, Named, Preferred};
        is_tcp("db.internal:5432", "", Preferred(5432), Some("db.internal"), 5432);
        is_tcp("5433:db.internal:5432", "", Named(5433), Some("db.internal"), 5432);
        is_tcp("0:db.internal:5432", "", Any, Some("db.internal"), 5432);
        is_tcp("127.0.0.2:5433:db:5432", "127.0.0.2", Named(5433), Some("db"), 5432);
        is_tcp("127.0.0.2:db:5432", "127.0.0.2", Preferred(5432), Some("db"), 5432);
        is_tcp("[::]:5433:db:5432", "::", Named(5433), Some("db"), 5432);
        is_tcp("10.0.0.5:80", "", Preferred(80), Some("10.0.0.5"), 80);
        is_tcp("[fd00::5]:80", "", Preferred(80), Some("fd00::5"), 80);
        is_tcp("8080:[fd00::5]:80", "", Named(8080), Some("fd00::5"), 80);
        is_tcp("[::1]:8080:[FD00:0::5]:80", "::1", Named(8080), Some("fd00::5"), 80);
        is_tcp("localhost:80", "", Preferred(80), None, 80);
        is_tcp("8080:localhost:80", "", Named(8080), None, 80);
        is_tcp("my_db-1:80", "", Preferred(80), Some("my_db-1"), 80);
        is_tcp("3com.example:80", "", Preferred(80), Some("3com.example"), 80);
    }

    #[test]
    fn unix_sockets() {
        for (text, path, host, port) in [
            ("unix:/tmp/db.sock:5432", "/tmp/db.sock", None, 5432),
            ("unix:db.sock:5432", "db.sock", None, 5432),
            ("unix:/tmp/a:b/db.sock:5432", "/tmp/a:b/db.sock", None, 5432),
            ("unix:/tmp/db.sock:db.internal:5432", "/tmp/db.sock", Some("db.internal"), 5432),
            ("unix:/tmp/db.sock:[fd00::5]:5432", "/tmp/db.sock", Some("fd00::5"), 5432),
            ("unix:/tmp/db.sock:localhost:5432", "/tmp/db.sock", None, 5432),
        ] {
            let ForwardSpec { listen, destination, .. } = spec(text);
            assert_eq!(listen, Listen::Unix(path.into()), "{text}");
            assert_eq!(destination, Destination { host: host.map(str::to_owned), port }, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (text, says) in [
            ("", "expected [BIND:]"),
            ("0", "no remote port"),
            ("65536", "no remote port"),
            ("+80", "no remote port"),
            ("http", "no remote port"),
            ("80:", "expected [BIND:]"),
            (":80", "expected [BIND:]"),
            ("80:0", "no remote port"),
            ("99999:80", "no local port"),
            ("99999:db:80", "no local port"),
            ("5433:5432:80", "`5433` is no IP address"),
            ("db:80:80", "`db` is no IP address"),
            ("1.2.3:8080:db:80", "`1.2.3` is no IP address"),
            ("::1:80", "expected [BIND:]"),
            ("fd00::5:8080:80", "IPv6 addresses stand in brackets"),
            ("1:2:3:4:5", "too many colons"),
            ("[::1:80", "not closed"),
            ("::1]:80", "brackets"),
            ("a[b]:80", "brackets"),
            ("[db]:80", "no host"),
            ("[127.0.0.1]:80", "no host"),
            ("a b:80", "no host"),
            ("a/b:80", "no host"),
            ("-host:80", "no host"),
            ("127.0.0.1:x:db:80", "no local port"),
            ("unix:", "expected unix:PATH"),
            ("unix:80", "expected unix:PATH"),
            ("unix::80", "expected unix:PATH"),
            ("unix:/tmp/x:", "no remote port"),
            ("unix:/tmp/x:db", "no remote port"),
        ] {
            let error = text.parse::<ForwardSpec>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_for_all_leaves_those_that_name_their_own() {
        let any = Bind::Address("0.0.0.0".parse().unwrap());
        let bound = |text: &str| spec(text).bound_to(any).listen;
        assert_eq!(bound("80"), Listen::Tcp { bind: any, port: LocalPort::Preferred(80) });
        let own = Bind::Address("127.0.0.2".parse().unwrap());
        assert_eq!(bound("127.0.0.2:8:80"), Listen::Tcp { bind: own, port: LocalPort::Named(8) });
        assert_eq!(bound("unix:/x:80"), Listen::Unix("/x".into()));
    }
}
