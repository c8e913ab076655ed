//! Raw bytes from standard input, without blocking the runtime or the exit.
//!
//! A thread of its own reads, and nobody waits for it at the end. Polling in the runtime would need non-blocking
//! descriptors, and `O_NONBLOCK` belongs to the open file, which is shared with the shell that started us.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::platform::{self, Interest, Reader};

/// The most that one read returns, so that a paste comes in few pieces.
pub const MAX_READ: usize = 64 * 1024;

/// How many reads the thread may be ahead of us.
const READ_AHEAD: usize = 2;

/// Standard input. When it is dropped, no further byte is taken from a terminal, so that what is typed next is left to
/// whoever reads next.
#[derive(Debug)]
pub struct Input {
    reads: mpsc::Receiver<io::Result<Bytes>>,
    _interest: Interest,
}

impl Input {
    /// Opens standard input for reading. Only one may be open at a time.
    ///
    /// # Errors
    /// The descriptor or the thread cannot be had.
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
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
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
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use super::*;

    async fn read_all(input: &mut Input) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let read = input.read().await.unwrap();
            if read.is_empty() {
                return all;
            }
            all.extend_from_slice(&read);
        }
    }

    #[tokio::test]
    async fn a_file_is_read_to_its_end_and_stays_there() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..300_000).map(|n| (n % 251) as u8).collect();
        file.write_all(&content).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let mut input = Input::from_file(file).unwrap();
        assert!(read_all(&mut input).await == content);
        assert_eq!(input.read().await.unwrap(), Bytes::new());
    }

    #[tokio::test]
    async fn a_pipe_that_somebody_made_non_blocking_is_waited_for() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let reader = OwnedFd::from(reader);
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let mut input = Input::from_file(reader.into()).unwrap();
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(20), input.read()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        writer.write_all(b"late").unwrap();
        assert_eq!(input.read().await.unwrap(), "late");
        drop(writer);
        assert_eq!(input.read().await.unwrap(), "");
    }

    #[tokio::test]
    async fn dropping_it_leaves_what_comes_later_to_others() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut other = reader.try_clone().unwrap();
        let mut input = Input::from_file(OwnedFd::from(reader).into()).unwrap();
        writer.write_all(b"ours").unwrap();
        assert_eq!(input.read().await.unwrap(), "ours");
        let Input { mut reads, _interest } = input;
        drop(_interest);
        assert_eq!(reads.recv().await.unwrap().unwrap(), "", "the thread goes");
        writer.write_all(b"theirs").unwrap();
        let mut theirs = [0; 6];
        std::io::Read::read_exact(&mut other, &mut theirs).unwrap();
        assert_eq!(&theirs, b"theirs");
    }

    #[tokio::test]
    async fn a_directory_is_an_error_then_the_end() {
        let mut input = Input::from_file(File::open("/").unwrap()).unwrap();
        assert!(input.read().await.is_err());
        assert_eq!(input.read().await.unwrap(), "");
    }
}
