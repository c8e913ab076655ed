//! What this room asks of Windows: so far the streams only. A raw console needs calls that are unsafe in Rust.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::AsHandle;
use std::time::Duration;

use super::signals::Termination;
use super::size::Size;

/// How often the size is asked for; the console tells of changes only together with the keys.
const SIZE_POLL: Duration = Duration::from_millis(500);

fn unsupported<T>(what: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, format!("{what} is not supported on Windows yet")))
}

#[derive(Debug)]
pub(super) struct Saved;

impl Saved {
    pub(super) fn enter_raw() -> io::Result<Self> {
        unsupported("raw mode")
    }

    pub(super) fn make_raw(&self) {}

    pub(super) fn restore(&self, _farewell: &[u8], _flush_input: bool) {}

    pub(super) fn write(&self, _bytes: &[u8]) {}
}

pub(super) fn stdin() -> io::Result<File> {
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}

pub(super) fn waiting(_file: &File) -> usize {
    0
}

pub(super) fn is_reader_gone(_file: &File) -> bool {
    false
}

pub(super) fn stdout() -> io::Result<File> {
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

pub(super) fn stderr() -> io::Result<File> {
    Ok(io::stderr().as_handle().try_clone_to_owned()?.into())
}

/// Reads a file until its reader loses interest.
#[derive(Debug)]
pub(super) struct Reader(File);

/// The interest in what a [`Reader`] reads. A read that waits cannot be called off here.
#[derive(Debug)]
pub(super) struct Interest;

impl Reader {
    pub(super) fn new(file: File) -> io::Result<(Self, Interest)> {
        Ok((Self(file), Interest))
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The other end of a pipe is gone.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
                result => return result,
            }
        }
    }
}

pub(super) fn write_blocking(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

pub(super) fn size() -> Option<Size> {
    None
}

pub(super) fn stop() -> io::Result<()> {
    unsupported("suspending")
}

/// All programs of a console hear of its keys.
pub(super) fn is_foreground() -> bool {
    true
}

/// A console tells all its programs by itself.
pub(super) fn send(_process: u32, _signal: Termination) {}

#[derive(Debug)]
pub(super) struct Continued;

impl Continued {
    pub(super) fn listen() -> io::Result<Self> {
        unsupported("suspending")
    }

    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}

/// There is no such thing here.
#[derive(Debug)]
pub(super) struct Suspensions;

impl Suspensions {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}

/// There is no such thing here.
#[derive(Debug)]
pub(super) struct SuspendedChild;

impl SuspendedChild {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self, _child: u32) {
        std::future::pending().await
    }
}

#[derive(Debug)]
pub(super) struct SizeWakes(tokio::time::Interval);

impl SizeWakes {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self(tokio::time::interval(SIZE_POLL)))
    }

    pub(super) async fn next(&mut self) {
        self.0.tick().await;
    }
}

#[derive(Debug)]
pub(super) struct Terminations {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
    heard: Vec<Termination>,
}

impl Terminations {
    pub(super) fn listen_to(wanted: &[Termination], always: &[Termination]) -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            heard: [wanted, always].concat(),
            ctrl_c: windows::ctrl_c()?,
            ctrl_break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    pub(super) async fn next(&mut self) -> Termination {
        loop {
            let signal = tokio::select! {
                _ = self.ctrl_c.recv() => Termination::Interrupt,
                _ = self.ctrl_break.recv() => Termination::Quit,
                _ = self.close.recv() => Termination::Hangup,
                _ = self.shutdown.recv() => Termination::Terminate,
            };
            if self.heard.contains(&signal) {
                return signal;
            }
        }
    }
}
