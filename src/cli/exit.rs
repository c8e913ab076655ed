//! Exit codes.

use std::process::ExitCode;

use crate::terminal::Termination;

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    /// All went well.
    pub(crate) const FINE: Self = Self(0);
    /// It failed, for a reason without a code of its own.
    pub(crate) const FAILED: Self = Self(1);
    /// The command line cannot be understood.
    pub(crate) const USAGE: Self = Self(2);
    /// No such target, or several.
    pub(crate) const NO_TARGET: Self = Self(3);
    /// The target is not connected.
    pub(crate) const NOT_CONNECTED: Self = Self(4);
    /// Credentials are missing or do not suffice.
    pub(crate) const DENIED: Self = Self(5);
    /// The session was lost.
    pub(crate) const LOST: Self = Self(6);
    /// A failure of our own in a command that otherwise passes the remote side's code through, as ssh has it.
    pub(crate) const OWN_FAILURE: Self = Self(255);

    /// The code of a remote or local program, passed through.
    pub(crate) const fn of_program(code: u8) -> Self {
        Self(code)
    }

    /// Ended by a signal: 128 and its number, as shells have it.
    pub(crate) fn of_signal(signal: Termination) -> Self {
        Self(signal.exit_code())
    }

    /// How a local program ended: its code, or 128 and the number of the signal that ended it, as shells have it.
    pub(crate) fn of_status(status: std::process::ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self(128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)));
        }
        // Windows has 32 bits; what does not fit is still a failure.
        Self(status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1)))
    }

    /// The worse of two codes: the higher one.
    pub(crate) fn worse(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The code that is handed to the system.
    pub(crate) const fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
