//! What this room asks of a Unix.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_current_process_group, waitid};
use rustix::termios::{self, OptionalActions, QueueSelector, Termios};
use tokio::signal::unix::{self as signals, SignalKind};

use super::raw;
use super::signals::Termination;
use super::size::Size;

/// How long a terminal that takes no output may hold up our way out.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(500);

/// A terminal in raw mode, and what it was before.
#[derive(Debug)]
pub(super) struct Saved {
    tty: OwnedFd,
    original: Termios,
}

impl Saved {
    pub(super) fn enter_raw() -> io::Result<Self> {
        let stdin = rustix::stdio::stdin();
        let original = termios::tcgetattr(stdin)?;
        // Without a name (in a container, say) the descriptor at hand serves too.
        let tty = reopen_terminal(stdin).map_or_else(|_| stdin.try_clone_to_owned(), |file| Ok(file.into()))?;
        let saved = Self { tty, original };
        saved.try_make_raw()?;
        Ok(saved)
    }

    pub(super) fn make_raw(&self) {
        if let Err(error) = self.try_make_raw() {
            tracing::debug!(%error, "raw mode could not be taken again");
        }
    }

    /// Says farewell and restores. What the terminal reported until then (mouse, focus) was not meant for the shell, and is
    /// dropped if asked for, together with what was typed.
    pub(super) fn restore(&self, farewell: &[u8], flush_input: bool) {
        // In the background the terminal belongs to another program by now, and touching it would stop us.
        if termios::tcgetpgrp(&self.tty).is_ok_and(|foreground| foreground != getpgrp()) {
            return;
        }
        if !farewell.is_empty() {
            self.write(farewell);
        }
        if flush_input {
            let _ = termios::tcflush(&self.tty, QueueSelector::IFlush);
        }
        let _ = retry_on_intr(|| termios::tcsetattr(&self.tty, OptionalActions::Now, &self.original));
    }

    /// Writes directly to the terminal, as far as it takes it within [`FAREWELL_TIMEOUT`].
    pub(super) fn write(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if !wait(self.tty.as_fd(), PollFlags::OUT, Some(FAREWELL_TIMEOUT)).unwrap_or(false) {
                return;
            }
            match rustix::io::write(&self.tty, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        }
    }

    fn try_make_raw(&self) -> io::Result<()> {
        let mut raw = self.original.clone();
        raw.make_raw();
        retry_on_intr(|| termios::tcsetattr(&self.tty, OptionalActions::Now, &raw))?;
        Ok(())
    }
}

/// Opens the terminal behind a descriptor anew. `O_NONBLOCK` belongs to the open file, which our descriptors share with
/// the shell that started us, so that it may only be set on one of our own.
fn reopen_terminal(fd: BorrowedFd<'_>) -> io::Result<File> {
    let name = termios::ttyname(fd, Vec::new())?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32)
        .open(Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())))
}

/// Standard input as a file of its own, unbuffered.
pub(super) fn stdin() -> io::Result<File> {
    Ok(rustix::stdio::stdin().try_clone_to_owned()?.into())
}

/// How many bytes can be read at once; 0 where that is not known.
pub(super) fn waiting(file: &File) -> usize {
    rustix::io::ioctl_fionread(file).ok().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0)
}

/// Whether the other end of a pipe or a socket is closed, or a terminal is gone.
pub(super) fn is_reader_gone(file: &File) -> bool {
    let mut polled = [PollFd::new(file, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut polled, Some(&now)).is_ok()
        && polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Standard output as a file of its own, unbuffered.
pub(super) fn stdout() -> io::Result<File> {
    Ok(rustix::stdio::stdout().try_clone_to_owned()?.into())
}

/// Standard error as a file of its own, unbuffered.
pub(super) fn stderr() -> io::Result<File> {
    Ok(rustix::stdio::stderr().try_clone_to_owned()?.into())
}

/// Reads a file until its reader loses interest.
#[derive(Debug)]
pub(super) struct Reader {
    file: File,
    cancelled: PipeReader,
    /// The end was met, which a terminal says only once.
    ended: bool,
}

/// The interest in what a [`Reader`] reads; dropping it makes the reader return without taking another byte.
#[derive(Debug)]
pub(super) struct Interest {
    _dropped_to_cancel: PipeWriter,
}

impl Reader {
    pub(super) fn new(file: File) -> io::Result<(Self, Interest)> {
        let (cancelled, writer) = io::pipe()?;
        Ok((Self { file, cancelled, ended: false }, Interest { _dropped_to_cancel: writer }))
    }

    /// Blocks until there is something, then reads what is there; 0 at the end and when cancelled. A terminal hands out
    /// 4 KiB at a time however much it has, so it is asked until it has no more or the buffer is full.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && !self.ended {
            let mut fds = [
                PollFd::from_borrowed_fd(self.cancelled.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.file.as_fd(), PollFlags::IN),
            ];
            let patience = (filled > 0).then_some(Timespec { tv_sec: 0, tv_nsec: 0 });
            retry_on_intr(|| rustix::event::poll(&mut fds, patience.as_ref()))?;
            if !fds[0].revents().is_empty() || fds[1].revents().is_empty() {
                break;
            }
            match rustix::io::read(&self.file, &mut buffer[filled..]) {
                Ok(0) => self.ended = true,
                // The terminal hung up.
                Err(Errno::IO) if termios::isatty(&self.file) => self.ended = true,
                Ok(read) => filled += read,
                // Another program that shares the open file made it non-blocking and was faster than us.
                Err(Errno::INTR | Errno::AGAIN) => {}
                // What was read before is handed on first; the error comes again.
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }
}

/// Blocks until all is written. Another program that shares the open file may have made it non-blocking.
pub(super) fn write_blocking(file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                wait(file.as_fd(), PollFlags::OUT, None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether the descriptor became ready in time. A hangup counts as ready: the call that follows says what it is.
fn wait(fd: BorrowedFd<'_>, what: PollFlags, patience: Option<Duration>) -> io::Result<bool> {
    let patience = patience.map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() });
    let ready = retry_on_intr(|| rustix::event::poll(&mut [PollFd::from_borrowed_fd(fd, what)], patience.as_ref()))?;
    Ok(ready > 0)
}

pub(super) fn size() -> Option<Size> {
    [rustix::stdio::stdout(), rustix::stdio::stderr(), rustix::stdio::stdin()]
        .into_iter()
        .find_map(|fd| termios::tcgetwinsize(fd).ok())
        .map(|size| Size { cols: size.ws_col, rows: size.ws_row })
}

/// Stops our process group, so that the shell sees the whole pipeline stopped and not a part of it still running.
pub(super) fn stop() -> io::Result<()> {
    Ok(kill_current_process_group(Signal::TSTP)?)
}

pub(super) fn send(process: u32, signal: Termination) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let signal = Signal::from_named_raw(signal.number().into());
    if let (Some(process), Some(signal)) = (process, signal) {
        let _ = rustix::process::kill_process(process, signal);
    }
}

/// Whether what is pressed in the terminal reaches this process, and with it the children in its group.
pub(super) fn is_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    terminal.is_ok_and(|tty| termios::tcgetpgrp(&tty).is_ok_and(|foreground| foreground == getpgrp()))
}

/// SIGCONT.
#[derive(Debug)]
pub(super) struct Continued(signals::Signal);

impl Continued {
    pub(super) fn listen() -> io::Result<Self> {
        // SIGCONT has one number on Linux and another on the BSDs.
        signals::signal(SignalKind::from_raw(Signal::CONT.as_raw())).map(Self)
    }

    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// SIGTSTP.
#[derive(Debug)]
pub(super) struct Suspensions(signals::Signal);

impl Suspensions {
    pub(super) fn listen() -> io::Result<Self> {
        signals::signal(SignalKind::from_raw(Signal::TSTP.as_raw())).map(Self)
    }

    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// SIGCHLD.
#[derive(Debug)]
pub(super) struct SuspendedChild(signals::Signal);

impl SuspendedChild {
    pub(super) fn listen() -> io::Result<Self> {
        signals::signal(SignalKind::child()).map(Self)
    }

    pub(super) async fn next(&mut self, child: u32) {
        let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) else {
            return std::future::pending().await;
        };
        loop {
            self.0.recv().await;
            // Only stops matter here: the end is left to the caller that waits for it.
            let stops = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
            if matches!(waitid(WaitId::Pid(child), stops), Ok(Some(_))) {
                return;
            }
        }
    }
}

/// The moments at which the size may have changed: told by a signal, or while we were stopped and could not be told.
#[derive(Debug)]
pub(super) struct SizeWakes {
    resized: signals::Signal,
    continued: Continued,
}

impl SizeWakes {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { resized: signals::signal(SignalKind::window_change())?, continued: Continued::listen()? })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.resized.recv() => {}
            () = self.continued.next() => raw::reassert(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Terminations([Option<signals::Signal>; 4]);

impl Terminations {
    pub(super) fn listen_to(wanted: &[Termination], always: &[Termination]) -> io::Result<Self> {
        let listen = |signal: Termination| {
            if !always.contains(&signal) && (!wanted.contains(&signal) || ignored_at_start(signal)) {
                return Ok(None);
            }
            signals::signal(SignalKind::from_raw(signal.number().into())).map(Some)
        };
        Ok(Self([
            listen(Termination::Hangup)?,
            listen(Termination::Interrupt)?,
            listen(Termination::Quit)?,
            listen(Termination::Terminate)?,
        ]))
    }

    pub(super) async fn next(&mut self) -> Termination {
        let [hangup, interrupt, quit, terminate] = &mut self.0;
        tokio::select! {
            () = receive(hangup) => Termination::Hangup,
            () = receive(interrupt) => Termination::Interrupt,
            () = receive(quit) => Termination::Quit,
            () = receive(terminate) => Termination::Terminate,
        }
    }
}

async fn receive(signal: &mut Option<signals::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether the signal was ignored when we were started. Only Linux tells without a system call that is unsafe in Rust.
fn ignored_at_start(signal: Termination) -> bool {
    use std::sync::OnceLock;
    static IGNORED: OnceLock<u64> = OnceLock::new();
    let ignored = IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    });
    ignored & (1 << (signal.number() - 1)) != 0
}
