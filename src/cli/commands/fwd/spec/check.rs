//! What must hold for any forward: one function for the test that runs the corpus and for the fuzzer, which includes
//! this file.

use crate::cli::commands::fwd::spec::{ForwardSpec, bind};
use crate::session::forward::{Bind, Listen, LocalPort};

/// Reads `bytes` as a forward.
///
/// # Panics
/// When something does not hold: it leads nowhere, it leads to the instance as if that were another host, or what it
/// means is another forward when it is written out.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = bind(text);
    let Ok(spec) = text.parse::<ForwardSpec>() else { return };
    let destination = &spec.destination;
    assert!(destination.port != 0 && spec.text == text);
    let host = destination.host.as_deref().unwrap_or("localhost");
    if destination.host.is_some() {
        assert!(!host.is_empty() && !host.starts_with('-') && !host.contains(['/', '{', '"', ' ']), "{host}");
        let address = host.parse::<std::net::IpAddr>().map(|address| address.to_canonical());
        let itself = address.is_ok_and(|address| address.is_loopback() || address.is_unspecified());
        assert!(!itself && !host.trim_end_matches('.').eq_ignore_ascii_case("localhost"), "{host}");
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let to = format!("{host}:{}", destination.port);
    let written = match &spec.listen {
        Listen::Unix(path) => format!("unix:{}:{to}", path.display()),
        Listen::Tcp { bind, port } => {
            let address = match bind {
                // Without it a host of this name would be the word for a socket.
                Bind::Loopback => (host == "unix").then(|| "localhost:".to_owned()),
                Bind::Address(ip) => Some(if ip.is_ipv6() { format!("[{ip}]:") } else { format!("{ip}:") }),
            };
            let local = match port {
                LocalPort::Named(port) => Some(format!("{port}:")),
                LocalPort::Any => Some("0:".to_owned()),
                LocalPort::Preferred(_) => None,
            };
            format!("{}{}{to}", address.unwrap_or_default(), local.unwrap_or_default())
        }
    };
    let again: ForwardSpec = written.parse().unwrap_or_else(|error| panic!("{text:?} is {written:?}: {error}"));
    assert_eq!((&again.listen, &again.destination), (&spec.listen, destination), "{text:?} is {written:?}");
}
