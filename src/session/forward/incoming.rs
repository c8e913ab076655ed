//! One connection that came in.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::task::unconstrained;
use tokio::time::sleep;

use super::orphan;

#[cfg(test)]
pub(super) mod memory;

/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;

/// More than a system keeps of what a program has sent.
const MOST_UNREAD: usize = 16 << 20;

/// How soon to look whether a program is gone, and how often in the end. It is so a moment after its last packet.
const FIRST_LOOK: Duration = Duration::from_millis(4);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// A connection of a program on this machine. Unless it is [complete](Self::complete), dropping it resets it: whatever
/// becomes of whoever holds it, the program does not take for the end what is not.
pub(crate) struct Incoming {
    socket: Socket,
    complete: AtomicBool,
    /// Dropped when the connection is closed.
    guard: Option<Box<dyn Send + Sync>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(test)]
    Memory(memory::Pipe),
}

impl Incoming {
    /// Keeps `guard` for as long as the connection is open.
    pub(super) fn with_guard(mut self, guard: impl Send + Sync + 'static) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    fn new(socket: Socket) -> Self {
        Self { socket, complete: AtomicBool::new(false), guard: None }
    }

    /// Says whether the program has all it is to get.
    pub(super) fn complete(&self, complete: bool) {
        self.complete.store(complete, Ordering::Relaxed);
    }

    /// A connection in memory: the program's end, ours, and whether ours was reset.
    #[cfg(test)]
    pub(crate) fn in_memory() -> (tokio::io::DuplexStream, Self, memory::Reset) {
        let (near, far, reset) = memory::pipe();
        (near, Self::new(Socket::Memory(far)), reset)
    }

    /// Closes the connection so that the program sees a failure, not an orderly end: what it got may not be all.
    pub(super) fn reset(&self) {
        match &self.socket {
            // Without it the program takes the end for an orderly one.
            Socket::Tcp(stream) => drop(stream.set_zero_linger()),
            #[cfg(unix)]
            Socket::Unix(_) => {}
            #[cfg(test)]
            Socket::Memory(pipe) => pipe.reset(),
        }
    }

    /// Reads what the program sends, 16 KiB at most, in memory of just that size; empty when it has sent its last byte.
    /// Dropping the future loses nothing.
    pub(super) async fn read(&self) -> io::Result<Bytes> {
        loop {
            self.ready(Interest::READABLE).await?;
            let mut chunk = [0; CHUNK];
            let read = match &self.socket {
                Socket::Tcp(stream) => stream.try_read(&mut chunk),
                #[cfg(unix)]
                Socket::Unix(stream) => stream.try_read(&mut chunk),
                #[cfg(test)]
                Socket::Memory(pipe) => pipe.read(&mut chunk).await,
            };
            match read {
                Ok(count) => return Ok(Bytes::copy_from_slice(&chunk[..count])),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes all of it. Dropping the future leaves open how much was written.
    pub(super) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.ready(Interest::WRITABLE).await?;
            let written = match &self.socket {
                Socket::Tcp(stream) => stream.try_write(bytes),
                #[cfg(unix)]
                Socket::Unix(stream) => stream.try_write(bytes),
                #[cfg(test)]
                Socket::Memory(pipe) => pipe.write(bytes).await,
            };
            match written {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells the program that it has got all there is.
    fn finish(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            #[cfg(unix)]
            Socket::Unix(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            #[cfg(test)]
            Socket::Memory(pipe) => pipe.finish(),
        }
    }

    /// Waits until the program has reset the connection. It is noticed also while nothing is read or written.
    pub(super) async fn is_reset(&self) {
        while self.ready(Interest::ERROR).await.is_ok_and(|ready| !ready.is_error()) {}
    }

    /// Waits until nobody reads any more what is written here: for programs that have sent all they have to send, and
    /// may have closed the connection for both directions without a word. For ever where the system does not tell.
    pub(super) async fn is_gone(&self) {
        let mut pause = FIRST_LOOK;
        while !self.is_orphaned() {
            sleep(pause).await;
            pause = (4 * pause).min(LAST_LOOK);
        }
    }

    /// Whether [`Incoming::is_gone`] would tell.
    pub(super) fn shows_when_gone(&self) -> bool {
        match &self.socket {
            Socket::Tcp(stream) => {
                stream.peer_addr().and_then(|there| Ok(orphan::can_tell(there, stream.local_addr()?))).unwrap_or(false)
            }
            #[cfg(unix)]
            Socket::Unix(_) => true,
            #[cfg(test)]
            Socket::Memory(_) => true,
        }
    }

    /// Lets the program read its last bytes in peace, and waits until it has closed the connection.
    pub(super) async fn linger(&self) {
        self.complete(true);
        if self.finish().is_ok() {
            while self.read().await.is_ok_and(|bytes| !bytes.is_empty()) {}
        }
    }

    /// Throws away what was not read. How many bytes, if the program has sent its last one, and so may be gone: it is not
    /// told by a reset then.
    pub(super) fn discard(&self) -> Option<usize> {
        let mut discarded = 0;
        while discarded < MOST_UNREAD {
            match unconstrained(self.read()).now_or_never() {
                Some(Ok(bytes)) if bytes.is_empty() => return Some(discarded),
                Some(Ok(bytes)) => discarded += bytes.len(),
                Some(Err(_)) | None => return None,
            }
        }
        None
    }

    fn is_orphaned(&self) -> bool {
        match &self.socket {
            Socket::Tcp(stream) => match (stream.local_addr(), stream.peer_addr()) {
                (Ok(here), Ok(there)) => orphan::is_orphaned(there, here),
                _ => false,
            },
            #[cfg(unix)]
            Socket::Unix(stream) => {
                let ready = stream.ready(Interest::WRITABLE);
                ready.now_or_never().is_some_and(|ready| ready.is_ok_and(|r| r.is_write_closed()))
            }
            #[cfg(test)]
            Socket::Memory(pipe) => pipe.is_orphaned(),
        }
    }

    /// The program's end, for a person to find it by.
    pub(super) fn name(&self) -> String {
        match &self.socket {
            Socket::Tcp(stream) => {
                stream.peer_addr().map_or_else(|_| "a connection".to_owned(), |peer| peer.to_string())
            }
            #[cfg(unix)]
            Socket::Unix(_) => "a connection to the socket".to_owned(),
            #[cfg(test)]
            Socket::Memory(_) => "a connection in memory".to_owned(),
        }
    }

    /// The address of the program, for TCP.
    #[cfg(test)]
    pub(super) fn peer(&self) -> Option<std::net::SocketAddr> {
        match &self.socket {
            Socket::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(_) => None,
            Socket::Memory(_) => None,
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<tokio::io::Ready> {
        match &self.socket {
            Socket::Tcp(stream) => stream.ready(interest).await,
            #[cfg(unix)]
            Socket::Unix(stream) => stream.ready(interest).await,
            #[cfg(test)]
            Socket::Memory(_) if interest == Interest::ERROR => std::future::pending().await,
            #[cfg(test)]
            Socket::Memory(_) => Ok(tokio::io::Ready::ALL),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.complete.load(Ordering::Relaxed) {
            self.reset();
        }
    }
}

impl From<TcpStream> for Incoming {
    fn from(stream: TcpStream) -> Self {
        // What was gathered on its way here must not wait again.
        let _ = stream.set_nodelay(true);
        Self::new(Socket::Tcp(stream))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Incoming {
    fn from(stream: UnixStream) -> Self {
        Self::new(Socket::Unix(stream))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

/// For the SOCKS5 protocol's crate, which wants these two.
impl AsyncRead for Incoming {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(test)]
            Socket::Memory(pipe) => Pin::new(pipe.stream()).poll_read(cx, buf),
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
            Socket::Memory(pipe) => Pin::new(pipe.stream()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(test)]
            Socket::Memory(pipe) => Pin::new(pipe.stream()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(test)]
            Socket::Memory(pipe) => Pin::new(pipe.stream()).poll_shutdown(cx),
        }
    }
}
