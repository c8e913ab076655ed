//! A listener in memory, for simulations, and the files that a process may have open there.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::session::forward::incoming::Incoming;

/// The error of a system that has no file left for a process.
const EMFILE: i32 = 24;

/// Connections that a test makes.
#[derive(Debug)]
pub(super) struct Memory {
    incoming: Mutex<mpsc::Receiver<Incoming>>,
    files: Files,
}

/// The files of a process: each connection is one.
#[derive(Clone, Debug)]
pub(crate) struct Files(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    open: AtomicU64,
    limit: u64,
}

/// An open file. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct File(Files);

impl Files {
    /// No more than `limit` may be open.
    pub(crate) fn new(limit: u64) -> Self {
        Self(Arc::new(Counts { open: AtomicU64::new(0), limit }))
    }

    /// Opens one.
    ///
    /// # Errors
    /// There may be no more.
    pub(crate) fn open(&self) -> io::Result<File> {
        let Counts { open, limit } = &*self.0;
        let opened = open.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |open| (open < *limit).then_some(open + 1));
        opened.map(|_| File(self.clone())).map_err(|_| io::Error::from_raw_os_error(EMFILE))
    }

    /// The limit, and how many are open.
    pub(in crate::session::forward) fn counts(&self) -> (u64, u64) {
        (self.0.limit, self.0.open.load(Ordering::SeqCst))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Memory {
    pub(super) fn new(files: Files) -> (Self, mpsc::Sender<Incoming>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self { incoming: Mutex::new(receiver), files }, sender)
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        // Without a file the connection stays where it is, as in the system's queue.
        let file = self.files.open();
        let mut incoming = self.incoming.lock().expect("no panic");
        match (file, incoming.is_empty()) {
            (Err(error), false) => Poll::Ready(Err(error)),
            (Err(_), true) => Poll::Pending,
            (Ok(file), _) => incoming.poll_recv(cx).map(|one| match one {
                Some(incoming) => Ok(incoming.with_guard(file)),
                None => Err(io::ErrorKind::NotConnected.into()),
            }),
        }
    }
}
