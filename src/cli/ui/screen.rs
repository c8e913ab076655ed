//! Standard error as it is shared by messages, the line that says what is being waited for, and the log.

use std::collections::VecDeque;
use std::io::Write;

use unicode_width::UnicodeWidthStr as _;

use super::wrap::{self, wrap};

/// How many bytes of log are kept while a session has the terminal.
pub(crate) const MAX_HELD: usize = 256 * 1024;

/// Width to which the waiting line is cut, so that it can be erased: no terminal is narrower in practice.
const WAITING_WIDTH: usize = 76;

/// Blanks before what follows the first line of a message.
const HANG: usize = 2;

/// Standard error, and what is on its last line.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    is_terminal: bool,
    waiting: Option<String>,
    /// A session has the terminal, in raw mode.
    raw: bool,
    /// Programs that may ask the person something, for which the last line is left alone.
    lent: usize,
    held: VecDeque<Vec<u8>>,
    held_bytes: usize,
    dropped: u64,
}

impl Screen {
    pub(crate) fn new(out: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        Self { out, is_terminal, waiting: None, raw: false, lent: 0, held: VecDeque::new(), held_bytes: 0, dropped: 0 }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Writes lines of a message. On a terminal long ones are broken between words, but not while a session has it: amid
    /// remote output a notice is one line. There is nothing to be done about a standard error that fails.
    pub(crate) fn message(&mut self, lines: &str) {
        if self.raw {
            let lines = lines.replace('\n', "\r\n");
            let _ = write!(self.out, "\r\n{lines}\r\n");
            let _ = self.out.flush();
            return;
        }
        self.erase();
        let width = wrap::width().filter(|_| self.is_terminal);
        for line in lines.split('\n') {
            let _ = match width {
                Some(width) => writeln!(self.out, "{}", wrap(line, width, HANG)),
                None => writeln!(self.out, "{line}"),
            };
        }
        self.draw();
        let _ = self.out.flush();
    }

    /// Writes a line of the log, or keeps it until the session gives the terminal back.
    pub(crate) fn log(&mut self, line: &[u8]) {
        if !self.raw {
            self.erase();
            let _ = self.out.write_all(line);
            self.draw();
            let _ = self.out.flush();
            return;
        }
        self.held.push_back(line.to_vec());
        self.held_bytes += line.len();
        while self.held_bytes > MAX_HELD {
            let Some(oldest) = self.held.pop_front() else { break };
            self.held_bytes -= oldest.len();
            self.dropped += 1;
        }
    }

    /// Shows what is being waited for, or nothing any more.
    pub(crate) fn wait(&mut self, what: Option<String>) {
        if !self.is_terminal || self.raw {
            return;
        }
        self.erase();
        self.waiting = what.map(|text| text.chars().take(WAITING_WIDTH).collect());
        self.draw();
        let _ = self.out.flush();
    }

    /// Leaves the last line to another program: what is being waited for goes, and comes back with
    /// [`Self::take_back`], which follows each call.
    pub(crate) fn lend(&mut self) {
        self.erase();
        let _ = self.out.flush();
        self.lent += 1;
    }

    pub(crate) fn take_back(&mut self) {
        self.lent = self.lent.saturating_sub(1);
        self.draw();
        let _ = self.out.flush();
    }

    /// A session takes the terminal, in raw mode.
    pub(crate) fn hold(&mut self) {
        self.wait(None);
        self.raw = self.is_terminal;
    }

    /// The terminal is no longer raw: writes what was kept meanwhile.
    pub(crate) fn release(&mut self) {
        if !std::mem::take(&mut self.raw) {
            return;
        }
        if self.dropped > 0 {
            let _ = writeln!(self.out, "({} earlier lines of the log were dropped)", self.dropped);
        }
        for line in self.held.drain(..) {
            let _ = self.out.write_all(&line);
        }
        let _ = self.out.flush();
        self.held_bytes = 0;
        self.dropped = 0;
    }

    fn erase(&mut self) {
        if let Some(what) = self.waiting.as_ref().filter(|_| self.lent == 0) {
            // With blanks: the sequence that erases a line goes the way of the colours where there are to be none.
            let _ = write!(self.out, "\r{:width$}\r", "", width = what.width());
        }
    }

    fn draw(&mut self) {
        if let Some(what) = self.waiting.as_ref().filter(|_| self.lent == 0) {
            let _ = write!(self.out, "{what}");
        }
    }
}

#[cfg(test)]
mod tests;
