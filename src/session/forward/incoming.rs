//! One connection that came in.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connection of a program on this machine.
pub(crate) struct Incoming {
    socket: Socket,
    /// Dropped when the connection is closed.
    _guard: Option<Box<dyn Send + Sync>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(test)]
    Memory(tokio::io::DuplexStream, Reset),
}

/// Whether a connection in memory was reset.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Reset(std::sync::Arc<std::sync::atomic::AtomicBool>);

#[cfg(test)]
impl Reset {
    pub(crate) fn was_reset(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Incoming {
    /// Keeps `guard` for as long as the connection is open.
    pub(super) fn with_guard(self, guard: impl Send + Sync + 'static) -> Self {
        Self { _guard: Some(Box::new(guard)), ..self }
    }

    /// A connection in memory: the program's end, ours, and whether ours was reset.
    #[cfg(test)]
    pub(crate) fn in_memory() -> (tokio::io::DuplexStream, Self, Reset) {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let reset = Reset::default();
        (near, Self { socket: Socket::Memory(far, reset.clone()), _guard: None }, reset)
    }

    /// Closes the connection so that the program sees a failure, not an orderly end: what it got may not be all.
    pub(super) fn reset(&self) {
        match &self.socket {
            // Without it the program takes the end for an orderly one.
            Socket::Tcp(stream) => drop(stream.set_zero_linger()),
            #[cfg(unix)]
            Socket::Unix(_) => {}
            #[cfg(test)]
            Socket::Memory(_, reset) => reset.0.store(true, std::sync::atomic::Ordering::SeqCst),
        }
    }

    /// The address of the program, for TCP.
    #[cfg(test)]
    pub(super) fn peer(&self) -> Option<std::net::SocketAddr> {
        match &self.socket {
            Socket::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(_) => None,
            Socket::Memory(..) => None,
        }
    }
}

impl From<TcpStream> for Incoming {
    fn from(stream: TcpStream) -> Self {
        // What was gathered on its way here must not wait again.
        let _ = stream.set_nodelay(true);
        Self { socket: Socket::Tcp(stream), _guard: None }
    }
}

#[cfg(unix)]
impl From<UnixStream> for Incoming {
    fn from(stream: UnixStream) -> Self {
        Self { socket: Socket::Unix(stream), _guard: None }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

impl AsyncRead for Incoming {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(test)]
            Socket::Memory(stream, _) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Incoming {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(test)]
            Socket::Memory(stream, _) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(test)]
            Socket::Memory(stream, _) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(test)]
            Socket::Memory(stream, _) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
