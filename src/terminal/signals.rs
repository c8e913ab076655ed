//! The signals that end a session, received in time to end it properly.

use std::fmt;
use std::future::Future;
use std::io;

use super::platform;
use super::raw::restore;

/// A request from outside to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// SIGINT: Ctrl-C in a terminal that is not raw.
    Interrupt,
    /// SIGQUIT: Ctrl-\ in a terminal that is not raw.
    Quit,
    /// SIGTERM.
    Terminate,
}

impl Termination {
    /// The number of the signal, the same on every Unix.
    pub fn number(self) -> u8 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Terminate => 15,
        }
    }

    /// The exit code by which shells report an end by this signal: 128 and its number.
    pub fn exit_code(self) -> u8 {
        128 + self.number()
    }
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The signal handlers cannot be installed.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for signals")]
pub struct SignalError(#[from] io::Error);

/// All termination signals, one after the other. Those that were ignored when ssmx started (under nohup, or in the
/// background of a script) stay ignored.
#[derive(Debug)]
pub struct Terminations(platform::Terminations);

impl Terminations {
    /// From here on the signals no longer end the process by themselves. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`SignalError`]
    pub fn listen() -> Result<Self, SignalError> {
        Self::listen_to(&[Termination::Hangup, Termination::Interrupt, Termination::Quit, Termination::Terminate], &[])
    }

    /// As [`Self::listen`], to some of the signals. Those of `always` are heard also where they were ignored at the
    /// start, for programs started by one that ignores them for itself: the setting is inherited.
    ///
    /// # Errors
    /// [`SignalError`]
    pub fn listen_to(signals: &[Termination], always: &[Termination]) -> Result<Self, SignalError> {
        Ok(Self(platform::Terminations::listen_to(signals, always)?))
    }

    /// Waits for the next signal. Cancel safe.
    pub async fn next(&mut self) -> Termination {
        self.0.next().await
    }
}

/// SIGTSTP: Ctrl-Z in a terminal that is not raw. From here on it no longer suspends the process.
#[derive(Debug)]
pub struct Suspensions(platform::Suspensions);

impl Suspensions {
    /// Listens, also where the signal was ignored at the start. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`SignalError`]
    pub fn listen() -> Result<Self, SignalError> {
        Ok(Self(platform::Suspensions::listen()?))
    }

    /// Waits for the next one; for ever where there is no such signal. Cancel safe.
    pub async fn next(&mut self) {
        self.0.next().await;
    }
}

/// Child processes that are suspended and want the whole job suspended with them, as ssh does at `~^Z`.
#[derive(Debug)]
pub struct SuspendedChild(platform::SuspendedChild);

impl SuspendedChild {
    /// Listens. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`SignalError`]
    pub fn listen() -> Result<Self, SignalError> {
        Ok(Self(platform::SuspendedChild::listen()?))
    }

    /// Waits until the child process is suspended; for ever where there is no such thing. Cancel safe.
    pub async fn next(&mut self, child: u32) {
        self.0.next(child).await;
    }
}

/// Suspends our process group, so that the shell sees the whole job suspended.
///
/// # Errors
/// There is no such thing on this system.
pub fn suspend() -> io::Result<()> {
    platform::stop()
}

/// Listens at once, and resolves at the first signal. The caller then ends its session properly. A second signal does not
/// wait for that: it restores the terminal and exits. A hangup does not count as the second:
/// shells pass it on to their jobs, so that it often comes twice.
///
/// # Errors
/// [`SignalError`]
pub fn terminate() -> Result<impl Future<Output = Termination>, SignalError> {
    let mut signals = Terminations::listen()?;
    Ok(async move {
        let first = signals.next().await;
        exit_at(signals);
        first
    })
}

/// From here on no signal waits for anything: the next one restores the terminal and exits. A hangup does not count. Where
/// signals cannot be listened for, nothing changes.
pub(crate) fn exit_at_next() {
    if let Ok(signals) = Terminations::listen() {
        exit_at(signals);
    }
}

fn exit_at(mut signals: Terminations) {
    tokio::spawn(async move {
        loop {
            let next = signals.next().await;
            if next != Termination::Hangup {
                exit_now(next);
            }
        }
    });
}

/// Restores the terminal and exits with the code of the signal, without waiting for anything.
pub fn exit_now(signal: Termination) -> ! {
    restore();
    std::process::exit(i32::from(signal.exit_code()))
}

/// Passes a signal on to a child process. One that is gone already has no use for it.
pub fn forward(child: u32, signal: Termination) {
    platform::send(child, signal);
}

/// Passes a signal on to a child process that shares our process group, unless it has probably had it already: keys
/// pressed in a terminal (Ctrl-C, Ctrl-\) reach the whole group in the foreground, and a second signal from us would
/// count as a second press.
pub fn share(child: u32, signal: Termination) {
    let pressed = matches!(signal, Termination::Interrupt | Termination::Quit) && platform::is_foreground();
    if !pressed {
        forward(child, signal);
    }
}
