//! Where connections come in: a TCP port on one address or both loopback addresses, or a unix socket.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::task::Poll;

use tokio::net::TcpListener;

use super::endpoint::{Bind, Listen, LocalPort};
use super::error::ListenError;
use super::incoming::Incoming;
use super::port_owner::port_owner;
#[cfg(unix)]
use super::unix_listener::UnixListener;

#[cfg(test)]
pub(super) mod memory;

/// Ports that are tried at most for one that is free on both loopback addresses.
const ATTEMPTS: usize = 16;

/// An open port or socket. Connections that are not accepted yet wait in the system's queue: 1,024, or fewer where the
/// system allows fewer.
#[derive(Debug)]
pub(crate) struct Listener {
    sockets: Vec<TcpListener>,
    #[cfg(unix)]
    unix: Option<UnixListener>,
    /// Why the port is another one than was preferred.
    moved: Option<&'static str>,
    /// Connections that a test makes.
    #[cfg(test)]
    memory: Option<memory::Memory>,
}

impl Listener {
    /// Opens it.
    ///
    /// # Errors
    /// [`ListenError`]; a port that was not named is replaced by a free one instead.
    pub(crate) fn open(listen: &Listen) -> Result<Self, ListenError> {
        match listen {
            Listen::Tcp { bind, port: LocalPort::Named(port) } => Self::tcp(*bind, *port),
            Listen::Tcp { bind, port: LocalPort::Any } => Self::tcp(*bind, 0),
            Listen::Tcp { bind, port: LocalPort::Preferred(port) } => Self::tcp(*bind, *port).or_else(|error| {
                let moved = match &error {
                    ListenError::Taken { .. } => "taken",
                    ListenError::Reserved(_) => "reserved",
                    _ => return Err(error),
                };
                Ok(Self { moved: Some(moved), ..Self::tcp(*bind, 0)? })
            }),
            Listen::Unix(path) => Self::unix(path.clone()),
        }
    }

    fn tcp(bind: Bind, port: u16) -> Result<Self, ListenError> {
        let sockets = match bind {
            Bind::Address(address) => vec![open(address, port)?],
            Bind::Loopback => loopback(port)?,
        };
        Ok(Self {
            sockets,
            #[cfg(unix)]
            unix: None,
            moved: None,
            #[cfg(test)]
            memory: None,
        })
    }

    #[cfg(unix)]
    fn unix(path: PathBuf) -> Result<Self, ListenError> {
        Ok(Self {
            sockets: Vec::new(),
            unix: Some(UnixListener::open(path)?),
            moved: None,
            #[cfg(test)]
            memory: None,
        })
    }

    #[cfg(not(unix))]
    fn unix(path: PathBuf) -> Result<Self, ListenError> {
        let reason = "unix sockets are not supported on this system";
        Err(ListenError::Socket { path: path.display().to_string(), reason })
    }

    /// The addresses; empty for a unix socket.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// The path, for a unix socket.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        #[cfg(unix)]
        if let Some(unix) = &self.unix {
            return Some(unix.path().to_owned());
        }
        None
    }

    /// An open file of it.
    #[cfg(unix)]
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        let unix = || self.unix.as_ref().map(AsFd::as_fd);
        self.sockets.first().map(AsFd::as_fd).or_else(unix)
    }

    /// What the port is that was preferred, if it is another one.
    pub(crate) fn moved(&self) -> Option<&'static str> {
        self.moved
    }

    /// The next connection. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the system says; it may go away, for example when there were too many open files.
    pub(crate) async fn accept(&self) -> io::Result<Incoming> {
        poll_fn(|cx| {
            for socket in &self.sockets {
                if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                    return Poll::Ready(accepted.map(|(stream, _)| stream.into()));
                }
            }
            #[cfg(unix)]
            if let Some(unix) = &self.unix {
                return unix.poll_accept(cx);
            }
            #[cfg(test)]
            if let Some(memory) = &self.memory {
                return memory.poll_accept(cx);
            }
            Poll::Pending
        })
        .await
    }

    /// A listener in memory of a process with these files, and the way to make it a connection.
    #[cfg(test)]
    pub(crate) fn in_memory(files: memory::Files) -> (Self, tokio::sync::mpsc::Sender<Incoming>) {
        let (memory, sender) = memory::Memory::new(files);
        let listener = Self {
            sockets: Vec::new(),
            #[cfg(unix)]
            unix: None,
            moved: None,
            memory: Some(memory),
        };
        (listener, sender)
    }

    /// The files of the process, in a simulation.
    #[cfg(test)]
    pub(super) fn files(&self) -> Option<&memory::Files> {
        self.memory.as_ref().map(memory::Memory::files)
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            return write!(f, "{}", path.display());
        }
        for (index, address) in self.addresses().iter().enumerate() {
            write!(f, "{}{address}", if index > 0 { " and " } else { "" })?;
        }
        Ok(())
    }
}

/// The same port on both loopback addresses, or on the one that this machine has.
fn loopback(port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let mut attempt = 1;
    loop {
        let first = match open(Ipv4Addr::LOCALHOST.into(), port) {
            Ok(first) => first,
            Err(error) if is_missing(&error) => return Ok(vec![open(Ipv6Addr::LOCALHOST.into(), port)?]),
            Err(error) => return Err(error),
        };
        let chosen = first.local_addr().map_err(|error| refused(Ipv4Addr::LOCALHOST.into(), port, error))?.port();
        match open(Ipv6Addr::LOCALHOST.into(), chosen) {
            Ok(second) => return Ok(vec![first, second]),
            Err(error) if is_missing(&error) => return Ok(vec![first]),
            Err(ListenError::Taken { .. }) if port == 0 && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Whether the machine has no addresses of this family.
fn is_missing(error: &ListenError) -> bool {
    match error {
        ListenError::NotOurs(_) => true,
        // EAFNOSUPPORT of Linux and of the BSDs, WSAEAFNOSUPPORT.
        ListenError::Address { error, .. } => {
            error.kind() == ErrorKind::Unsupported || matches!(error.raw_os_error(), Some(97 | 47 | 10047))
        }
        _ => false,
    }
}

fn open(address: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    let opened = std::net::TcpListener::bind((address, port)).and_then(|socket| {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    });
    opened.map_err(|error| refused(address, port, error))
}

fn refused(address: IpAddr, port: u16, error: io::Error) -> ListenError {
    match error.kind() {
        ErrorKind::AddrInUse => ListenError::Taken { port, owner: port_owner(port) },
        ErrorKind::PermissionDenied if port != 0 => ListenError::Reserved(port),
        ErrorKind::AddrNotAvailable => ListenError::NotOurs(address),
        _ => ListenError::Address { address: SocketAddr::new(address, port).to_string(), error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_loopback(port: LocalPort) -> Result<Listener, ListenError> {
        Listener::open(&Listen::Tcp { bind: Bind::Loopback, port })
    }

    #[tokio::test]
    async fn both_loopback_addresses_share_a_port_and_accept() {
        let listener = open_loopback(LocalPort::Any).unwrap();
        let addresses = listener.addresses();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == addresses[0].port()));
        for address in addresses {
            let client = tokio::net::TcpStream::connect(address).await.unwrap();
            let accepted = listener.accept().await.unwrap();
            assert_eq!(accepted.peer(), client.local_addr().ok());
        }
    }

    #[tokio::test]
    async fn a_named_port_that_is_taken_is_an_error_and_a_preferred_one_moves_on() {
        let taken = open_loopback(LocalPort::Any).unwrap();
        let port = taken.addresses()[0].port();
        let error = open_loopback(LocalPort::Named(port)).unwrap_err();
        assert!(error.to_string().starts_with(&format!("port {port} is taken")), "{error}");
        #[cfg(target_os = "linux")]
        assert!(error.to_string().ends_with(&format!("(pid {})", std::process::id())), "{error}");
        let moved = open_loopback(LocalPort::Preferred(port)).unwrap();
        assert!(moved.moved() == Some("taken") && moved.addresses()[0].port() != port);
        drop(taken);
        let stays = open_loopback(LocalPort::Preferred(port)).unwrap();
        assert!(stays.moved().is_none() && stays.addresses()[0].port() == port);
    }

    #[tokio::test]
    async fn a_port_taken_on_one_family_only_is_taken() {
        let Ok(six) = std::net::TcpListener::bind("[::1]:0") else { return };
        let port = six.local_addr().unwrap().port();
        assert!(matches!(open_loopback(LocalPort::Named(port)), Err(ListenError::Taken { .. })));
    }

    #[tokio::test]
    async fn an_address_that_is_not_ours_is_an_error() {
        let bind = Bind::Address("192.0.2.1".parse().unwrap());
        let error = Listener::open(&Listen::Tcp { bind, port: LocalPort::Any }).unwrap_err();
        assert_eq!(error.to_string(), "192.0.2.1 is not an address of this machine");
        assert!(!error.is_about_the_port(), "another port would not help");
    }

    #[test]
    fn a_port_that_needs_a_privilege_is_not_taken() {
        let address = Ipv4Addr::LOCALHOST.into();
        let error = refused(address, 80, ErrorKind::PermissionDenied.into());
        assert_eq!(error.to_string(), "port 80 is reserved: listening on it needs a privilege that ssmx does not have");
        assert!(error.is_about_the_port());
    }
}
