//! What can be wrong with a call of the plugin.

use thiserror::Error;

/// The longest answer of StartSession. Every Unix has room for as much in a pipe that nobody reads yet; real answers have
/// 1 KiB, or 4 with a signed URL.
pub(crate) const MOST_BYTES: usize = 16 * 1024;

/// Why a call cannot be understood. None of these repeats what was handed over, which may be a token.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Mistake {
    #[error("too few arguments for a session manager plugin")]
    TooFew,
    #[error("argument {0} is not valid UTF-8")]
    NotText(usize),
    #[error("the operation is not `StartSession`")]
    Operation,
    #[error("the environment variable for the StartSession response is not set")]
    Variable,
    #[error("cannot read the StartSession response")]
    Unreadable,
    #[error("the StartSession response is longer than {} KiB", MOST_BYTES / 1024)]
    TooLong,
    #[error("the {what} is not the expected JSON (line {line}, column {column})")]
    Json { what: &'static str, line: usize, column: usize },
    #[error("`{1}` in the {0} is not a string")]
    NoString(&'static str, &'static str),
    #[error("the {0} has no `{1}`")]
    Missing(&'static str, &'static str),
}
