//! Raw mode, and the way back out of it on every path.
//!
//! What has to be put back is kept for the whole process, not in the guard, because the ways out are many: the guard is
//! dropped, a panic (which never drops it in a build that aborts), a signal that must end us at once, a suspension.
//! All of them come through [`restore`], which does its work once.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use super::platform::{self, Saved};
use super::screen_modes::ScreenModes;
use super::size::{self, Size};

/// How long a stopped process may take to stop: between sending the signal and being gone, other threads run on.
const STOP_TIMEOUT: Duration = Duration::from_millis(250);
/// How often, a millisecond apart, a panic tries for the lock, which the panicking thread itself may hold.
const PANIC_TRIES: usize = 100;

/// How long a piece of output may take to be written before a suspension goes on without it: a terminal may take
/// nothing for ever.
const PIECE_TIMEOUT: Duration = Duration::from_millis(250);

static TERMINAL: Mutex<Terminal> =
    Mutex::new(Terminal { saved: None, modes: ScreenModes::new(), writing: 0, suspended: false });

/// Rung when a piece of output is written, and when a suspension is over.
static TURN: Condvar = Condvar::new();

struct Terminal {
    /// The state before raw mode; present while raw.
    saved: Option<Saved>,
    modes: ScreenModes,
    /// Pieces of output that are being written.
    writing: usize,
    /// The terminal belongs to another program for now, and output waits.
    suspended: bool,
}

/// The terminal of standard input is in raw mode while this lives: every key reaches the remote side as it is, and
/// nothing is echoed or translated.
#[derive(Debug)]
#[must_use = "raw mode ends when this is dropped"]
pub struct RawMode(());

impl RawMode {
    /// Puts the terminal of standard input into raw mode.
    ///
    /// Output that may change the modes of the screen should go through [`Output`](super::Output), so that they can be
    /// undone; [flush](super::Output::flush) it before the guard is dropped.
    ///
    /// # Errors
    /// Standard input is no terminal, or the terminal refuses.
    pub fn enter() -> io::Result<Self> {
        restore_in_panic();
        let mut terminal = lock();
        if terminal.saved.is_none() {
            terminal.saved = Some(Saved::enter_raw()?);
            terminal.modes = ScreenModes::new();
        }
        Ok(Self(()))
    }

    /// Gives the terminal back, stops this process and its pipeline as Ctrl-Z would, and takes the terminal again when
    /// continued. Returns the size it then has, which may have changed without a signal.
    ///
    /// Where nothing could continue us (there is no shell with job control above us) the system ignores the stop, and
    /// this returns after a moment.
    ///
    /// # Errors
    /// The terminal cannot be taken again; it is left as it was before the session.
    pub async fn suspend(&mut self) -> io::Result<Option<Size>> {
        let mut continued = platform::Continued::listen()?;
        let suspension = Suspension::begin();
        platform::stop()?;
        let _ = tokio::time::timeout(STOP_TIMEOUT, continued.next()).await;

        let mut terminal = lock();
        let saved = Saved::enter_raw()?;
        saved.write(&terminal.modes.redo());
        terminal.saved = Some(saved);
        drop(terminal);
        drop(suspension);
        Ok(size::size())
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

/// While it lives the terminal is as it was before raw mode, and nothing is written to it.
struct Suspension;

impl Suspension {
    fn begin() -> Self {
        let mut terminal = lock();
        terminal.suspended = true;
        let written = TURN.wait_timeout_while(terminal, PIECE_TIMEOUT, |terminal| terminal.writing > 0);
        written.unwrap_or_else(PoisonError::into_inner).0.restore();
        Self
    }
}

impl Drop for Suspension {
    fn drop(&mut self) {
        lock().suspended = false;
        TURN.notify_all();
    }
}

/// Puts the terminal back as it was before raw mode, and undoes the screen modes left by the remote side. Does nothing
/// when the terminal is not in raw mode.
pub(crate) fn restore() {
    lock().restore();
}

/// Takes raw mode again if the session is in it. A shell gives the terminal its own mode while a job is stopped, and not
/// every shell gives the job's mode back when it goes on.
pub(super) fn reassert() {
    if let Some(saved) = &lock().saved {
        saved.make_raw();
    }
}

/// Notes a piece of output and writes it. Waits while the terminal belongs to another program.
pub(super) fn write(output: &[u8], write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut terminal = TURN.wait_while(lock(), |terminal| terminal.suspended).unwrap_or_else(PoisonError::into_inner);
    terminal.modes.set_rows(size::size().map(|size| size.rows));
    terminal.modes.track(output);
    terminal.writing += 1;
    drop(terminal);
    let written = write();
    lock().writing -= 1;
    TURN.notify_all();
    written
}

impl Terminal {
    fn restore(&mut self) {
        if let Some(saved) = self.saved.take() {
            saved.restore(&self.modes.undo(), self.modes.has_reported());
        }
    }
}

fn lock() -> MutexGuard<'static, Terminal> {
    TERMINAL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn restore_in_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            for _ in 0..PANIC_TRIES {
                match TERMINAL.try_lock() {
                    Ok(mut terminal) => terminal.restore(),
                    Err(TryLockError::Poisoned(terminal)) => terminal.into_inner().restore(),
                    Err(TryLockError::WouldBlock) => {
                        thread::sleep(Duration::from_millis(1));
                        continue;
                    }
                }
                break;
            }
            next(panic);
        }));
    });
}
