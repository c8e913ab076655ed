//! The one writer: what ssmx says goes to standard error, what was asked for to standard output.

pub(crate) mod color;
pub(crate) mod log;
pub(crate) mod prompt;
pub(crate) mod screen;
pub(crate) mod table;
pub(crate) mod waiting;
pub(crate) mod wrap;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::StripStream;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;

use super::error::{CliError, ErrorKind};
use crate::environment;
use crate::text::{printable, printable_json, printable_lines, screenful};
use screen::Screen;
use waiting::Waiting;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const NOTICE: Style = Style::new().bold();

/// Says things to the person. Clones say them to the same one.
#[derive(Clone)]
pub(crate) struct Ui {
    screen: Arc<Mutex<Screen>>,
    quiet: bool,
    colored: bool,
}

/// While this lives, a session has the terminal in raw mode: messages end lines as such a terminal needs it, and the log
/// is kept back, up to 256 KiB.
#[must_use = "the log is held back only while this lives"]
pub(crate) struct Hold(Ui);

/// While this lives, the last line of the terminal belongs to a program that may ask the person something.
#[must_use = "the line is left alone only while this lives"]
pub(crate) struct Lent(Ui);

impl Ui {
    /// Speaks to standard error. `quiet` leaves errors and warnings.
    pub(crate) fn new(color: ColorChoice, quiet: bool) -> Self {
        let colored = color::is_colored(color, &io::stderr());
        Self::with_screen(Screen::new(stream(io::stderr(), colored), io::stderr().is_terminal()), quiet, colored)
    }

    pub(crate) fn with_screen(screen: Screen, quiet: bool, colored: bool) -> Self {
        Self { screen: Arc::new(Mutex::new(screen)), quiet, colored }
    }

    /// The same, for a command that is quiet whether or not it was asked to be.
    #[must_use]
    pub(crate) fn quieted(&self) -> Self {
        Self { quiet: true, ..self.clone() }
    }

    /// Says what is done, or that it is done. Silent when quiet.
    pub(crate) fn status(&self, text: impl Display) {
        if !self.quiet {
            self.screen().message(&printable_lines(&text.to_string()));
        }
    }

    /// Says something that happened on the way, possibly amid remote output, so it is marked as ours. Silent when quiet.
    pub(crate) fn notice(&self, text: impl Display) {
        if !self.quiet {
            self.emit("ssmx", NOTICE, &text);
        }
    }

    pub(crate) fn warning(&self, text: impl Display) {
        self.emit("warning", WARNING, &text);
    }

    /// Says what to do next. Silent when quiet.
    pub(crate) fn hint(&self, text: impl Display) {
        if !self.quiet {
            self.emit("hint", HINT, &text);
        }
    }

    /// Reports a failure with its causes and hints.
    pub(crate) fn error(&self, error: &CliError) {
        if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Left) {
            return;
        }
        self.emit("error", ERROR, &error.message());
        for cause in error.causes() {
            self.emit("caused by", ERROR, &cause);
        }
        for hint in error.hints() {
            self.emit("hint", HINT, &hint);
        }
    }

    /// Writes asked-for data to standard output, as it is.
    ///
    /// # Errors
    /// It cannot be written; of kind [`ErrorKind::BrokenPipe`] when the reader went away.
    pub(crate) fn data(&self, data: impl AsRef<[u8]>) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        out.write_all(data.as_ref()).and_then(|()| out.flush()).map_err(|error| CliError::stdout(&error))
    }

    /// Writes asked-for JSON to standard output: the same document wherever that leads, and fit for a terminal.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub(crate) fn json(&self, text: impl AsRef<[u8]>) -> Result<(), CliError> {
        self.data(printable_json(&String::from_utf8_lossy(text.as_ref())).as_bytes())
    }

    /// Says what is being waited for once that takes longer than 300 ms, on a terminal, until the guard is dropped.
    pub(crate) fn waiting(&self, what: impl Into<String>) -> Waiting {
        let is_dumb = environment::TERM.value().is_some_and(|term| term == "dumb");
        let shown = !self.quiet && !is_dumb && self.screen().is_terminal();
        Waiting::new(self, printable(&what.into()).into_owned(), shown)
    }

    /// A session takes the terminal in raw mode until the guard is dropped, which must be after raw mode ended. Where
    /// standard error is no terminal nothing changes.
    pub(crate) fn hold(&self) -> Hold {
        self.screen().hold();
        Hold(self.clone())
    }

    /// Leaves the last line of the terminal to a program that may ask the person something.
    pub(crate) fn lend(&self) -> Lent {
        self.screen().lend();
        Lent(self.clone())
    }

    /// Whether messages have colours.
    pub(crate) fn is_colored(&self) -> bool {
        self.colored
    }

    pub(crate) fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is held back, from a panic, in which the lock may be held by the panicking thread itself.
    pub(crate) fn release_in_panic(&self) {
        if let Ok(mut screen) = self.screen.try_lock() {
            screen.release();
        }
    }

    fn emit(&self, label: &str, style: Style, text: &dyn Display) {
        let whole = text.to_string();
        let (shown, left_out) = screenful(&whole);
        let mut text = printable_lines(shown).replace('\n', "\n  ");
        if left_out > 0 {
            // Agents and services say as much as they like.
            tracing::debug!(label, text = whole, "a message that was cut");
            text.push_str(&format!("… ({left_out} more characters; the log has them: `--log-file`)"));
        }
        self.screen().message(&format!("{style}{label}:{style:#} {text}"));
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.screen().take_back();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.screen().release();
    }
}

/// A stream that gets whatever is written up to a flush in one piece, up to 64 KiB, with the styles or without: remote
/// output shares the terminal, and must not come between the parts of a message.
fn stream(out: impl Write + Send + 'static, colored: bool) -> Box<dyn Write + Send> {
    let out: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(64 * 1024, out));
    if colored { out } else { Box::new(StripStream::new(out)) }
}

#[cfg(test)]
mod tests;
