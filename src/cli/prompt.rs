//! Questions at the terminal.

use std::io::{self, IsTerminal};

use dialoguer::console::Term;

use super::error::CliError;
use crate::terminal::signals::exit_now;
use crate::terminal::{Termination, Terminations};

/// Whether there is somebody to be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks. Ctrl-C ends the program, and the cursor is there again.
///
/// # Errors
/// The terminal cannot be used.
pub(super) fn ask<T>(question: impl FnOnce(&Term) -> dialoguer::Result<T>) -> Result<T, CliError> {
    // Heard, it does not end the program by itself, in the middle of a question that hides the cursor.
    let interrupts = Terminations::listen_to(&[], &[Termination::Interrupt]);
    let _interrupts = interrupts.map_err(|error| CliError::failed("cannot listen for signals").caused_by(&error))?;
    let term = Term::stderr();
    question(&term).map_err(|dialoguer::Error::IO(error)| {
        if error.kind() == io::ErrorKind::Interrupted {
            let _ = term.show_cursor().and_then(|()| term.write_line(""));
            exit_now(Termination::Interrupt);
        }
        CliError::failed("cannot ask").caused_by(&error)
    })
}
