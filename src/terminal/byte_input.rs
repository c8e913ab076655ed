//! Standard input byte by byte, each taken only when it is asked for, so that what is typed after the last one that is
//! wanted is left to the next reader: another program, or a session of ours.

use std::io;
use std::sync::mpsc as requests;
use std::thread;

use tokio::sync::mpsc;

use super::platform::{self, Interest, Reader};

/// Standard input. No byte is taken from it but those that [`Self::next`] returned; one that came at the very moment in
/// which this is dropped while a byte is asked for is lost.
#[derive(Debug)]
pub(crate) struct ByteInput {
    requests: requests::Sender<()>,
    bytes: mpsc::Receiver<io::Result<Option<u8>>>,
    /// A byte was asked for, and has not come.
    asked: bool,
    /// So many of the next bytes were typed before the terminal was raw.
    typed_ahead: usize,
    _interest: Interest,
}

impl ByteInput {
    /// Opens standard input for reading. Nothing else may read it meanwhile.
    ///
    /// # Errors
    /// The system gives no descriptor or no thread for it.
    pub(crate) fn open() -> io::Result<Self> {
        let file = platform::stdin()?;
        Self::from_file(file, 0)
    }

    /// As [`Self::open`], on a terminal that was made raw just now. In what was typed before that, the key Enter has
    /// become a line feed; it is a carriage return again.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_raw() -> io::Result<Self> {
        let file = platform::stdin()?;
        let typed_ahead = platform::waiting(&file);
        Self::from_file(file, typed_ahead)
    }

    fn from_file(file: std::fs::File, typed_ahead: usize) -> io::Result<Self> {
        let (requests, asked) = requests::channel();
        let (sender, bytes) = mpsc::channel(1);
        let (mut reader, interest) = Reader::new(file)?;
        thread::Builder::new().name("keys".into()).spawn(move || {
            while asked.recv().is_ok() {
                let mut byte = [0];
                let read = reader.read(&mut byte).map(|read| (read > 0).then_some(byte[0]));
                if sender.blocking_send(read).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { requests, bytes, asked: false, typed_ahead, _interest: interest })
    }

    /// The next byte; none at the end. Cancel safe.
    ///
    /// # Errors
    /// As reading a file.
    pub(crate) async fn next(&mut self) -> io::Result<Option<u8>> {
        if !self.asked {
            // Without the thread there is an end, which the other channel tells.
            let _ = self.requests.send(());
            self.asked = true;
        }
        let byte = self.bytes.recv().await.unwrap_or(Ok(None));
        self.asked = false;
        let ahead = self.typed_ahead > 0;
        self.typed_ahead = self.typed_ahead.saturating_sub(1);
        Ok(byte?.map(|byte| if ahead && byte == b'\n' { b'\r' } else { byte }))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;

    use super::*;

    #[tokio::test]
    async fn what_was_not_asked_for_is_left_to_others() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut other = reader.try_clone().unwrap();
        let mut input = ByteInput::from_file(OwnedFd::from(reader).into(), 2).unwrap();
        writer.write_all(b"\n\n\nrest").unwrap();
        for expected in *b"\r\r\n" {
            assert_eq!(input.next().await.unwrap(), Some(expected));
        }
        drop(input);
        drop(writer);
        let mut rest = String::new();
        other.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "rest");
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_loses_nothing() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut input = ByteInput::from_file(OwnedFd::from(reader).into(), 0).unwrap();
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), input.next()).await.is_err());
        writer.write_all(b"ab").unwrap();
        assert_eq!(input.next().await.unwrap(), Some(b'a'));
        assert_eq!(input.next().await.unwrap(), Some(b'b'));
        drop(writer);
        assert_eq!(input.next().await.unwrap(), None);
        assert_eq!(input.next().await.unwrap(), None);
    }
}
