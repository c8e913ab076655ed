//! Raw bytes from standard input, without blocking the runtime or the exit.
//!
//! A thread of its own reads, which is not waited for at the end. Polling in the runtime would need non-blocking
//! descriptors, and `O_NONBLOCK` belongs to the open file, which is shared with the shell that started us.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::platform::{self, Interest, Reader};

/// The most that one read returns, so that a paste comes in few pieces.
pub(crate) const MAX_READ: usize = 64 * 1024;

/// How many reads the thread may be ahead of us.
const READ_AHEAD: usize = 2;

/// Standard input. When it is dropped, no further byte is taken from a terminal, so that what is typed next is left to
/// the next reader.
#[derive(Debug)]
pub struct Input {
    reads: mpsc::Receiver<io::Result<Bytes>>,
    _interest: Interest,
}

impl Input {
    /// Opens standard input for reading. Only one may be open at a time.
    ///
    /// # Errors
    /// The system gives no descriptor or no thread for it.
    pub fn open() -> io::Result<Self> {
        Self::from_file(platform::stdin()?)
    }

    pub(crate) fn from_file(file: File) -> io::Result<Self> {
        let (sender, reads) = mpsc::channel(READ_AHEAD);
        let (reader, interest) = Reader::new(file)?;
        thread::Builder::new().name("input".into()).spawn(move || pump(reader, &sender))?;
        Ok(Self { reads, _interest: interest })
    }

    /// The next bytes, up to [`MAX_READ`]; empty at the end, and ever after. Cancel safe.
    ///
    /// # Errors
    /// As reading a file. After an error comes the end.
    pub async fn read(&mut self) -> io::Result<Bytes> {
        self.reads.recv().await.unwrap_or_else(|| Ok(Bytes::new()))
    }
}

/// Whether standard input is a terminal. Escape keys are for terminals only.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Whether a person can be asked: standard input and standard error are a terminal.
pub(crate) fn can_ask() -> bool {
    is_terminal() && io::stderr().is_terminal()
}

fn pump(mut reader: Reader, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; MAX_READ].into_boxed_slice();
    loop {
        let read = reader.read(&mut buffer).map(|read| Bytes::copy_from_slice(&buffer[..read]));
        let last = read.as_ref().map_or(true, Bytes::is_empty);
        if sender.blocking_send(read).is_err() || last {
            return;
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
