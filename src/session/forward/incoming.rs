//! One connection that came in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::socks::pool::Lease;

/// A connection of a program on this machine.
#[derive(Debug)]
pub(crate) struct Local {
    socket: Socket,
    /// Who shares a session with others holds on to it for as long as the connection is open.
    _lease: Option<Lease>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Local {
    /// Gives the lease back when the connection is closed.
    pub(super) fn with_lease(self, lease: Lease) -> Self {
        Self { _lease: Some(lease), ..self }
    }

    /// Closes the connection so that the program sees a failure, not an orderly end: what it got may not be all.
    pub(super) fn reset(&self) {
        if let Socket::Tcp(stream) = &self.socket {
            // Without it the program takes the end for an orderly one.
            let _ = stream.set_zero_linger();
        }
    }

    /// The address of the program, for TCP.
    #[cfg(test)]
    pub(super) fn peer(&self) -> Option<std::net::SocketAddr> {
        match &self.socket {
            Socket::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(_) => None,
        }
    }
}

impl From<TcpStream> for Local {
    fn from(stream: TcpStream) -> Self {
        // Whatever was gathered on its way here is not to wait again.
        let _ = stream.set_nodelay(true);
        Self { socket: Socket::Tcp(stream), _lease: None }
    }
}

#[cfg(unix)]
impl From<UnixStream> for Local {
    fn from(stream: UnixStream) -> Self {
        Self { socket: Socket::Unix(stream), _lease: None }
    }
}

impl AsyncRead for Local {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Local {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
