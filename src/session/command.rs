//! Turns a command and its arguments into the one text that a session document takes.

mod error;
mod posix;
mod powershell;
#[cfg(all(test, unix))]
mod tests;

use super::pipe::Pipe;
pub(crate) use error::{CommandError, LONGEST};

/// Who reads the text of a command on an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The agent itself and a POSIX shell: Linux and macOS.
    #[default]
    Posix,
    /// PowerShell: Windows.
    PowerShell,
}

/// A command, before it is known who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    words: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Without a terminal.
    Plain { encoded: bool, input: Option<Pipe> },
    /// On a terminal. One word is taken as a line for the shell, as ssh would; several are a program and its arguments.
    Terminal,
    /// On a terminal, to carry the input of another command.
    Carrier(Pipe),
}

impl Command {
    /// A command without a terminal. The arguments reach the program exactly as they are here.
    ///
    /// # Errors
    /// [`CommandError::Empty`], [`CommandError::Nul`]
    pub(crate) fn plain(words: &[String]) -> Result<Self, CommandError> {
        check(words, words.first().is_none_or(String::is_empty))?;
        Ok(Self { words: words.to_vec(), kind: Kind::Plain { encoded: false, input: None } })
    }

    /// A command on a terminal. One word is taken as a line for the shell there, as ssh would; several are a program and
    /// its arguments, exactly as they are here.
    ///
    /// # Errors
    /// [`CommandError::Empty`], [`CommandError::Nul`]
    pub(crate) fn on_terminal(words: &[String]) -> Result<Self, CommandError> {
        check(words, words.first().is_none_or(|first| first.trim().is_empty()))?;
        Ok(Self { words: words.to_vec(), kind: Kind::Terminal })
    }

    /// What carries input into a pipe on the instance.
    pub(crate) fn carrier(pipe: &Pipe) -> Self {
        Self { words: Vec::new(), kind: Kind::Carrier(pipe.clone()) }
    }

    /// With a standard output that comes back as base64, because the agent damages bytes that are not UTF-8. The exit code
    /// is still the command's, and standard error is left alone.
    #[must_use]
    pub(crate) fn with_encoded_output(mut self) -> Self {
        if let Kind::Plain { encoded, .. } = &mut self.kind {
            *encoded = true;
        }
        self
    }

    /// With a pipe on the instance as its standard input.
    #[must_use]
    pub(crate) fn reading(mut self, pipe: &Pipe) -> Self {
        if let Kind::Plain { input, .. } = &mut self.kind {
            *input = Some(pipe.clone());
        }
        self
    }

    /// The text of it. No `{{` is in it, for which an agent would ask Parameter Store; `in_document`, where a document of
    /// the account may put text of its own around it, no `$` either that an old agent would expand.
    ///
    /// # Errors
    /// It cannot be done there, or the text is too long.
    pub(super) fn text(&self, dialect: Dialect, in_document: bool) -> Result<String, CommandError> {
        match dialect {
            Dialect::Posix => {
                let text = self.posix(in_document)?;
                let length = text.chars().count();
                if length > LONGEST { Err(CommandError::Long(length)) } else { Ok(text) }
            }
            Dialect::PowerShell => self.powershell(),
        }
    }

    fn posix(&self, in_document: bool) -> Result<String, CommandError> {
        match &self.kind {
            Kind::Terminal => match self.words.as_slice() {
                [line] => posix::line(line, in_document),
                words => posix::join(words),
            },
            Kind::Carrier(pipe) => posix::line(&pipe.filling(), in_document),
            Kind::Plain { encoded, input } => {
                let mut words = self.words.clone();
                if *encoded {
                    words.splice(0..0, posix::ENCODER.map(str::to_owned));
                }
                if let Some(pipe) = input {
                    words.splice(0..0, pipe.reading());
                }
                posix::join(&words)
            }
        }
    }

    fn powershell(&self) -> Result<String, CommandError> {
        match &self.kind {
            Kind::Plain { encoded: true, .. } => Err(CommandError::BinaryOnWindows),
            Kind::Plain { input: Some(_), .. } | Kind::Carrier(_) => Err(CommandError::InputOnWindows),
            Kind::Plain { .. } => powershell::plain(&self.words),
            Kind::Terminal => powershell::on_terminal(&self.words),
        }
    }
}

fn check(words: &[String], is_empty: bool) -> Result<(), CommandError> {
    if is_empty {
        return Err(CommandError::Empty);
    }
    if words.iter().any(|word| word.contains('\0')) { Err(CommandError::Nul) } else { Ok(()) }
}
