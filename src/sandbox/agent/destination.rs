//! Where a port session connects to.
//!
//! **Only to this machine.** A port of an instance is that port of 127.0.0.1, or of ::1. So are the ports of what an
//! instance could reach in its network: other instances of the fleet, by Name, id, private name or private address,
//! and any name under `sandbox.internal` or `rds.amazonaws.com`. Every other name goes to this machine's resolver, as
//! a real instance asks its own; but an address that is not a loopback address refuses every connection here, without
//! being tried. Addresses that the real agent does not forward to are refused as there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::work::PortWork;
use crate::sandbox::fleet::{Fleet, Instance};

/// What `localhost` is.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// The port of SSH servers.
const SSH: u16 = 22;

/// Names that lead to this machine: everything below these.
const PLAYED_DOMAINS: [&str; 2] = [".sandbox.internal", ".rds.amazonaws.com"];

/// Metadata, DNS, time, licences: which an agent never forwards to (its default configuration). Recent ones refuse their
/// own machine too, when it comes as a host.
const DENIED: [IpAddr; 9] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 253)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 123)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 250)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 251)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x240)),
];

/// How long the resolver may take. The real agent waits for as long as it takes.
const RESOLVER: Duration = Duration::from_secs(10);

/// How long a connection may take, on one machine. The real agent waits for as long as it takes.
const CONNECT: Duration = Duration::from_secs(10);

/// The addresses of a destination and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    addresses: Vec<IpAddr>,
    port: u16,
    /// The instance that it is, if it is one.
    instance: Option<Arc<Instance>>,
}

impl Destination {
    /// Resolves the destination of a session. An unknown name is an error only when it is dialled.
    ///
    /// # Errors
    /// The text with which the real agent fails the session.
    pub(crate) async fn resolve(work: &PortWork, from: &Arc<Instance>, fleet: &Fleet) -> Result<Self, String> {
        let Some(port) = work.port_number else {
            return Err(format!("Port number is empty in session properties. {}", work.properties));
        };
        let host = work.host.as_deref().unwrap_or_default();
        let instance = if host.is_empty() { Some(from) } else { neighbour(host, from, fleet) }.cloned();
        let addresses = match instance {
            Some(_) => LOOPBACK.to_vec(),
            None if is_played(host) => LOOPBACK.to_vec(),
            None => lookup(host).await,
        };
        // Its own machine is a session without a host.
        let is_denied =
            |address: &IpAddr| DENIED.contains(address) || address.is_loopback() || address.is_unspecified();
        let looked_up = instance.is_none() && !is_played(host);
        if looked_up && addresses.iter().any(|address| is_denied(&address.to_canonical())) {
            return Err(format!("Forwarding to IP address {host} is forbidden."));
        }
        Ok(Self { addresses, port, instance })
    }

    /// The instance whose SSH server this is, if it is one's.
    pub(crate) fn ssh_server(&self) -> Option<&Arc<Instance>> {
        self.instance.as_ref().filter(|_| self.port == SSH)
    }

    /// Connects to another port in the instance's stead.
    pub(crate) fn lead_to(&mut self, port: u16) {
        self.port = port;
    }

    /// Connects to the first address that takes it.
    ///
    /// # Errors
    /// The real agent's error for the first address.
    pub(crate) async fn dial(&self) -> Result<TcpStream, String> {
        let mut first = None;
        for &address in &self.addresses {
            let address = SocketAddr::new(address, self.port);
            match connect(address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => _ = first.get_or_insert_with(|| format!("dial tcp {address}: {}", describe(&error))),
            }
        }
        Err(first.unwrap_or_else(|| "missing address".to_owned()))
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let socket = timeout(CONNECT, TcpStream::connect(address)).await??;
    socket.set_nodelay(true)?;
    Ok(socket)
}

async fn lookup(host: &str) -> Vec<IpAddr> {
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    match timeout(RESOLVER, lookup_host((host, 0))).await {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        Ok(Err(error)) => {
            tracing::debug!(host, %error, "no address");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// The instance of this name or address.
fn neighbour<'a>(host: &str, from: &Instance, fleet: &'a Fleet) -> Option<&'a Arc<Instance>> {
    let host = plain(host);
    let address: Option<Ipv4Addr> = host.parse().ok();
    fleet.iter().filter(|other| other.region == from.region).find(|other| {
        Some(other.private_ip) == address
            || other.id == host
            || other.name().is_some_and(|name| name.eq_ignore_ascii_case(&host))
            || other.private_dns_name() == host
    })
}

/// Whether a name stands for something that runs on this machine.
fn is_played(host: &str) -> bool {
    PLAYED_DOMAINS.iter().any(|domain| plain(host).ends_with(domain))
}

fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => format!("connect: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::agent::testing::forward;
    use crate::sandbox::agent::work::Work;

    async fn resolve(host: &str) -> Result<Destination, String> {
        let fleet = Fleet::builtin("us-east-1");
        let Work::Port(work) = forward(7, Some(host)) else { unreachable!() };
        Destination::resolve(&work, fleet.iter().next().unwrap(), &fleet).await
    }

    #[tokio::test]
    async fn names_of_the_network_are_this_machine() {
        let fleet = Fleet::builtin("us-east-1");
        let db = fleet.iter().find(|one| one.name() == Some("db")).unwrap();
        let address = db.private_ip.to_string();
        let names = [
            "",
            "db",
            "DB.",
            &db.id,
            &address,
            &db.private_dns_name(),
            "orders.rds.amazonaws.com",
            "x.sandbox.internal",
        ];
        for host in names {
            assert_eq!(resolve(host).await.unwrap().addresses, LOOPBACK, "{host}");
        }
    }

    #[tokio::test]
    async fn what_the_real_agent_denies_is_denied() {
        for host in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fd00:ec2::254",
            "localhost",
            "127.0.1.1",
            "::1",
            "169.254.169.251",
            "0.0.0.0",
        ] {
            assert_eq!(resolve(host).await, Err(format!("Forwarding to IP address {host} is forbidden.")));
        }
    }

    #[tokio::test]
    async fn nothing_but_this_machine_is_dialled() {
        for host in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let error = resolve(host).await.unwrap().dial().await.unwrap_err();
            let shown = SocketAddr::new(host.parse().unwrap(), 7);
            assert_eq!(error, format!("dial tcp {shown}: connect: connection refused"));
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_fails_when_it_is_dialled() {
        let destination = resolve("no such name").await.unwrap();
        assert_eq!(destination.dial().await.unwrap_err(), "missing address");
    }
}
