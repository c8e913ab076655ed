//! What is wrong with a configuration, with the place of every mistake.

use std::path::PathBuf;
use std::{fmt, fs, io};

use thiserror::Error;

use super::key::Key;

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    /// The file has mistakes.
    #[error("{}", invalid(.path, .mistakes))]
    Invalid {
        path: PathBuf,
        /// At least one, in the order of the lines.
        mistakes: Vec<Mistake>,
    },
    /// A variable of the environment makes no sense.
    #[error("`{variable}` in the environment: {problem}")]
    Variable {
        variable: String,
        /// What was expected, and what is there.
        problem: String,
    },
    /// `SSMX_CONFIG` names a file that is not there.
    #[error("`SSMX_CONFIG` names `{}`, which does not exist", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// There is no home folder.
    #[error("cannot find the configuration: there is no home folder")]
    NoHome,
}

impl ConfigError {
    /// Whether what cannot be read may have a value for this setting: all that is known of it says so.
    pub(crate) fn may_hide(&self, key: Key) -> bool {
        let names_it = |text: String| {
            let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            code.into_iter().any(|line| line.contains(key.name()))
        };
        match self {
            Self::Invalid { path, .. } => fs::read_to_string(path).map_or(true, names_it),
            Self::Variable { variable, .. } => *variable == key.variable(),
            Self::Unreadable { .. } => true,
            Self::Missing(_) | Self::NoHome => false,
        }
    }
}

/// Mistakes are listed up to this number.
pub(crate) const MOST_MISTAKES: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong, and what was probably meant.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

fn invalid(path: &std::path::Path, mistakes: &[Mistake]) -> String {
    match mistakes {
        [only] => format!("{}:{}: {}", path.display(), only.line, only.message),
        several if several.len() >= MOST_MISTAKES => {
            format!("{} has {} or more mistakes", path.display(), several.len())
        }
        several => format!("{} has {} mistakes", path.display(), several.len()),
    }
}
