//! The destination: what a connection is for is told by its first bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Result;

/// Bytes that are read or written at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// What a connection asks for.
#[derive(Clone, Copy)]
pub(crate) enum Request {
    /// Take this many bytes, then say so with one.
    Take(u64),
    /// Send this many bytes.
    Give(u64),
    /// Send back whatever comes.
    Echo,
    /// Take whatever comes, and count it.
    Count,
}

impl Request {
    const SIZE: usize = 9;

    /// The first bytes of a connection.
    pub(crate) fn encode(self) -> [u8; Self::SIZE] {
        let (kind, count) = match self {
            Self::Take(count) => (0, count),
            Self::Give(count) => (1, count),
            Self::Echo => (2, 0),
            Self::Count => (3, 0),
        };
        let mut bytes = [kind; Self::SIZE];
        bytes[1..].copy_from_slice(&count.to_be_bytes());
        bytes
    }

    fn decode(bytes: [u8; Self::SIZE]) -> Self {
        let [kind, count @ ..] = bytes;
        let count = u64::from_be_bytes(count);
        match kind {
            0 => Self::Take(count),
            1 => Self::Give(count),
            2 => Self::Echo,
            _ => Self::Count,
        }
    }
}

/// Serves until the process ends.
pub(crate) struct Server {
    /// Where it listens on the loopback.
    pub(crate) port: u16,
    counted: Arc<AtomicU64>,
}

/// How long the first byte of an upload may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    /// Starts it.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let counted = Arc::new(AtomicU64::new(0));
        let counter = counted.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = counter.clone();
                // A connection that fails is seen at its other end.
                std::thread::spawn(move || serve(stream, &counter));
            }
        });
        Ok(Self { port, counted })
    }

    /// Bytes that were counted so far.
    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    /// Waits until so many were.
    pub(crate) fn wait_for_counted(&self, count: u64) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.counted() < count {
            if Instant::now() > deadline {
                return Err("nothing is uploaded".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Bytes a second that are counted for a time from now on.
    pub(crate) fn speed(&self, time: Duration) -> f64 {
        let (before, began) = (self.counted(), Instant::now());
        std::thread::sleep(time);
        (self.counted() - before) as f64 / began.elapsed().as_secs_f64()
    }
}

fn serve(mut stream: TcpStream, counter: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0; Request::SIZE];
    stream.read_exact(&mut request)?;
    let mut buffer = vec![0; CHUNK];
    match Request::decode(request) {
        Request::Take(count) => {
            take(&mut stream, count, &mut buffer)?;
            stream.write_all(&[1])
        }
        Request::Give(count) => give(&mut stream, count, &buffer),
        Request::Count => loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            counter.fetch_add(read as u64, Ordering::Relaxed);
        },
        Request::Echo => loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..read])?;
        },
    }
}

/// Reads exactly so many bytes.
pub(crate) fn take(stream: &mut TcpStream, mut count: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    while count > 0 {
        let most = usize::try_from(count).unwrap_or(usize::MAX).min(buffer.len());
        let read = stream.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        count -= read as u64;
    }
    Ok(())
}

/// Writes so many bytes.
pub(crate) fn give(stream: &mut TcpStream, mut count: u64, buffer: &[u8]) -> std::io::Result<()> {
    while count > 0 {
        let most = usize::try_from(count).unwrap_or(usize::MAX).min(buffer.len());
        stream.write_all(&buffer[..most])?;
        count -= most as u64;
    }
    Ok(())
}
