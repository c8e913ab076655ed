//! Questions at the terminal.

use std::io;
use std::sync::Mutex;

use dialoguer::console::Term;
use tokio::task::JoinHandle;

use crate::cli::error::CliError;
use crate::terminal::signals::exit_now;
use crate::terminal::{Termination, Terminations};

/// Asks. A signal, Ctrl-C among them, ends the program, and the terminal is as it was.
///
/// # Errors
/// The terminal cannot be used.
pub(crate) fn ask<T>(question: impl FnOnce(&Term) -> dialoguer::Result<T>) -> Result<T, CliError> {
    let _guard = Guard::new()?;
    let quiet = WithoutSignals::enter();
    let answered = question(&Term::stderr());
    drop(quiet);
    answered.map_err(|dialoguer::Error::IO(error)| {
        if error.kind() == io::ErrorKind::Interrupted {
            // It was Ctrl-C, of which the guard hears as well.
            leave(Termination::Interrupt);
        }
        CliError::failed("cannot ask on the terminal").caused_by(&error)
    })
}

/// While this lives, a signal ends the program with the terminal as it is now. A question takes its modes and hides its
/// cursor, and its library gives neither back then.
pub(crate) struct Guard(JoinHandle<()>);

impl Guard {
    /// Must be called in the runtime.
    ///
    /// # Errors
    /// The signals cannot be heard.
    pub(crate) fn new() -> Result<Self, CliError> {
        let mut terminations = Terminations::listen()?;
        #[cfg(unix)]
        let modes = rustix::termios::tcgetattr(io::stdin()).ok();
        Ok(Self(tokio::spawn(async move {
            let signal = terminations.next().await;
            #[cfg(unix)]
            if let Some(modes) = modes {
                let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &modes);
            }
            leave(signal)
        })))
    }
}

/// While this lives, Ctrl-C is a key like any other, which the question reads. Otherwise one that is pressed just before
/// the question takes the terminal would end us amid that, and leave the terminal taken.
struct WithoutSignals {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl WithoutSignals {
    fn enter() -> Self {
        #[cfg(unix)]
        return Self {
            modes: rustix::termios::tcgetattr(io::stdin()).ok().inspect(|modes| {
                let mut changed = modes.clone();
                changed.local_modes -= rustix::termios::LocalModes::ISIG;
                // Where this cannot be done, the question fares no worse than without.
                let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &changed);
            }),
        };
        #[cfg(not(unix))]
        Self {}
    }
}

impl Drop for WithoutSignals {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(modes) = &self.modes {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, modes);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends the program. On Ctrl-C both the question and the guard come here, each in a thread of its own: the first one
/// tidies up, and the other waits for the end.
fn leave(signal: Termination) -> ! {
    static LEAVING: Mutex<()> = Mutex::new(());
    let _first = LEAVING.lock();
    let term = Term::stderr();
    if term.is_term() {
        let _ = term.show_cursor().and_then(|()| term.write_line(""));
    }
    exit_now(signal)
}
