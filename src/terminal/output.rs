//! Bytes to standard output or error, without blocking the runtime.
//!
//! A thread of its own writes, because the open file is shared with the program that started us and must not be made
//! non-blocking. Between the two is a bounded buffer: a slow terminal slows the session, and many small messages become
//! few writes.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use super::{platform, raw};

/// How much may wait to be written. As much again may be on its way in the writing thread.
pub(crate) const MAX_BUFFERED: usize = 256 * 1024;

/// How often it is looked whether somebody still reads.
const READER_POLL: Duration = Duration::from_millis(200);

/// What is written to a terminal at once.
const PIECE: usize = 4096;

/// Standard output or standard error. [Flush](Self::flush) it before the process exits.
#[derive(Debug)]
pub struct Output {
    shared: Arc<Shared>,
    is_terminal: bool,
    /// To look whether somebody reads.
    file: File,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// For the thread: there is something to write, or no more to come.
    filled: Condvar,
    /// For the task: there is room again, or all is written, or it failed.
    progress: Notify,
}

#[derive(Debug, Default)]
struct State {
    buffer: Vec<u8>,
    writing: bool,
    closed: bool,
    /// What is not written yet never will be.
    abandoned: bool,
    error: Option<io::Error>,
}

impl Output {
    /// Standard output.
    ///
    /// # Errors
    /// The system gives no descriptor or no thread for it.
    pub fn stdout() -> io::Result<Self> {
        Self::to_file(platform::stdout()?)
    }

    /// Standard error.
    ///
    /// # Errors
    /// The system gives no descriptor or no thread for it.
    pub fn stderr() -> io::Result<Self> {
        Self::to_file(platform::stderr()?)
    }

    pub(crate) fn to_file(file: File) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let is_terminal = file.is_terminal();
        let for_thread = Arc::clone(&shared);
        let own = file.try_clone()?;
        thread::Builder::new().name("output".into()).spawn(move || for_thread.pump(&file, is_terminal))?;
        Ok(Self { shared, is_terminal, file: own })
    }

    /// Waits until nobody can read any more what is written: the other end of a pipe is closed. For ever where that cannot
    /// be seen. Cancel safe.
    pub async fn reader_gone(&self) {
        while !platform::is_reader_gone(&self.file) {
            tokio::time::sleep(READER_POLL).await;
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Takes as much of `bytes` as there is room for, at least one byte, and returns how much. Waits while there is no
    /// room. Cancel safe: nothing is taken unless it returns.
    ///
    /// # Errors
    /// An earlier write failed, with the kind of its error ([`BrokenPipe`](io::ErrorKind::BrokenPipe) when the reader
    /// went away). The output takes nothing any more.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(taken) = self.shared.take(bytes)? {
                return Ok(taken);
            }
            self.shared.progress.notified().await;
        }
    }

    /// Takes all of `bytes`. When it is cancelled a part may have been taken.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.write(bytes).await?;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Waits until all that was taken is written. Cancel safe. A terminal may take nothing for ever: put a limit on it
    /// where the process is about to exit.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.shared.is_written()? {
            self.shared.progress.notified().await;
        }
        Ok(())
    }
}

impl Output {
    /// Gives up what is not written yet, for a terminal that does not take it in time: it must not come after the
    /// terminal was restored. A piece of it may be on its way.
    pub fn abandon(self) {
        let mut state = self.shared.lock();
        state.abandoned = true;
        state.buffer.clear();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let mut state = self.lock();
        state.check()?;
        let taken = bytes.len().min(MAX_BUFFERED - state.buffer.len());
        if taken == 0 {
            return Ok(None);
        }
        state.buffer.extend_from_slice(&bytes[..taken]);
        drop(state);
        self.filled.notify_one();
        Ok(Some(taken))
    }

    fn is_written(&self) -> io::Result<bool> {
        let state = self.lock();
        state.check()?;
        Ok(state.buffer.is_empty() && !state.writing)
    }

    fn pump(&self, file: &File, is_terminal: bool) {
        let mut batch = Vec::new();
        loop {
            let mut state = self
                .filled
                .wait_while(self.lock(), |state| state.buffer.is_empty() && !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            if state.buffer.is_empty() {
                return;
            }
            std::mem::swap(&mut state.buffer, &mut batch);
            state.writing = true;
            drop(state);
            self.progress.notify_one();

            let written =
                if is_terminal { self.write_pieces(file, &batch) } else { platform::write_blocking(file, &batch) };
            batch.clear();

            let mut state = self.lock();
            state.writing = false;
            let failed = written.is_err();
            state.error = written.err();
            drop(state);
            self.progress.notify_one();
            if failed {
                return;
            }
        }
    }

    /// Writes to a terminal, which may be taken from us after each piece.
    fn write_pieces(&self, file: &File, batch: &[u8]) -> io::Result<()> {
        for piece in batch.chunks(PIECE) {
            if self.lock().abandoned {
                break;
            }
            raw::write(piece, || platform::write_blocking(file, piece))?;
        }
        Ok(())
    }
}

impl State {
    fn check(&self) -> io::Result<()> {
        match &self.error {
            None => Ok(()),
            // Errors of the system cannot be cloned, but made again from their number.
            Some(error) => Err(error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
