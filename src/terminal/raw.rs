//! Raw mode, and the way back out of it on every path.
//!
//! What has to be put back is kept for the whole process, not in the guard, because the ways out are many: the guard is
//! dropped, a panic (which never drops it in a build that aborts), a signal that must end us at once, a suspension.
//! All of them come through [`restore`], which does its work once.

use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use super::platform::{self, Saved};
use super::screen_modes::ScreenModes;
use super::size::{self, Size};

/// How long a stopped process may take to stop: between sending the signal and being gone, other threads run on.
const STOP_TIMEOUT: Duration = Duration::from_millis(250);
/// How often, a millisecond apart, a panic tries for the lock, which the panicking thread itself may hold.
const PANIC_TRIES: usize = 100;

static TERMINAL: Mutex<Terminal> = Mutex::new(Terminal { saved: None, modes: ScreenModes::new() });

struct Terminal {
    /// The state before raw mode; present while raw.
    saved: Option<Saved>,
    modes: ScreenModes,
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
        restore();
        platform::stop()?;
        let _ = tokio::time::timeout(STOP_TIMEOUT, continued.next()).await;

        let mut terminal = lock();
        let saved = Saved::enter_raw()?;
        saved.write(&terminal.modes.redo());
        terminal.saved = Some(saved);
        drop(terminal);
        Ok(size::size())
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
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

/// Notes output on its way to the terminal.
pub(super) fn track(output: &[u8]) {
    lock().modes.track(output);
}

impl Terminal {
    fn restore(&mut self) {
        if let Some(saved) = self.saved.take() {
            saved.restore(&self.modes.undo());
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
