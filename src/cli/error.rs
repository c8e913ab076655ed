//! Failures as a person meets them: what happened, why, and what to do next.

use std::{fmt, io};

use super::exit::Exit;
use crate::terminal::Termination;

/// A failure that ends a command. It is printed as `error: …`, `caused by: …` and `hint: …`.
#[derive(Debug)]
pub(crate) struct CliError {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    exit: Option<Exit>,
}

/// What sort of failure it is, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// None of the others.
    Failed,
    /// The command line cannot be understood.
    Usage,
    /// No such target, or several.
    NoTarget,
    /// The target is not connected.
    NotConnected,
    /// Credentials are missing or do not suffice.
    Denied,
    /// The session was lost.
    Lost,
    /// The reader of our standard output went away, as `head` does. Nothing is printed.
    BrokenPipe,
    /// The person left instead of choosing an instance, or a signal came before there was a session. Nothing is printed.
    Left,
}

impl CliError {
    /// A failure. The message is one sentence without a full stop, with literals in backticks.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new(), exit: None }
    }

    /// A failure without an exit code of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// A command line that cannot be understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Standard output cannot be written.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(ErrorKind::BrokenPipe, "standard output was closed");
        }
        Self::failed("cannot write to standard output").caused_by(error)
    }

    /// A signal came before the work was done.
    pub(crate) fn stopped(signal: Termination) -> Self {
        Self::new(ErrorKind::Left, format!("ended by {signal}")).exit_with(Exit::of_signal(signal))
    }

    /// Names what the failure is about, in front of what happened.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds an error and its sources as causes. A source is left out when the text before it ends with it, as that of a
    /// wrapper does.
    pub(crate) fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if !repeats(self.causes.last().unwrap_or(&self.message), &text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a cause in words.
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds something to do about it: one sentence without a full stop, with literals in backticks.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Exits with another code than the one of its kind.
    pub(crate) fn exit_with(mut self, exit: Exit) -> Self {
        self.exit = Some(exit);
        self
    }

    /// What sort of failure it is.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Why, from the outermost cause to the innermost.
    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// What to do about it.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit.unwrap_or(match self.kind {
            ErrorKind::Failed | ErrorKind::Left => Exit::FAILED,
            ErrorKind::Usage => Exit::USAGE,
            ErrorKind::NoTarget => Exit::NO_TARGET,
            ErrorKind::NotConnected => Exit::NOT_CONNECTED,
            ErrorKind::Denied => Exit::DENIED,
            ErrorKind::Lost => Exit::LOST,
            ErrorKind::BrokenPipe => Exit::FINE,
        })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

/// Whether a text is that of its cause, or ends with a colon and the cause.
fn repeats(text: &str, cause: &str) -> bool {
    text.strip_suffix(cause).is_some_and(|before| before.is_empty() || before.ends_with(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_of_causes_is_kept_without_repetitions() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot dial: {0}")]
        struct Outer(#[source] io::Error);

        let error = CliError::failed("the session did not start").caused_by(&Outer(io::Error::other("refused")));
        assert_eq!(error.causes(), ["cannot dial: refused"]);
        let error = CliError::failed("cannot read `x`").caused_by(&io::Error::other("refused"));
        assert_eq!(error.causes(), ["refused"]);
        let error = CliError::failed("`no` was refused").caused_by(&io::Error::other("no"));
        assert_eq!(error.causes(), ["no"], "another text that only has these letters in it");
    }

    #[test]
    fn kinds_have_their_codes_unless_told_otherwise() {
        assert_eq!(CliError::usage("x").exit(), Exit::USAGE);
        assert_eq!(CliError::new(ErrorKind::Lost, "x").exit().code(), 6);
        assert_eq!(CliError::new(ErrorKind::Lost, "x").exit_with(Exit::OWN_FAILURE).exit().code(), 255);
        assert_eq!(CliError::stdout(&io::ErrorKind::BrokenPipe.into()).exit(), Exit::FINE);
        assert_eq!(CliError::stdout(&io::ErrorKind::StorageFull.into()).exit(), Exit::FAILED);
    }
}
