//! [`CommandError`], and what is too long.

/// The longest value of a document's parameter, in characters; the API takes no longer one.
pub(crate) const LONGEST: usize = 65_535;

/// The longest text for Windows, in characters. A command line there has 32,767, and the path of PowerShell is in it.
pub(super) const LONGEST_ON_WINDOWS: usize = 32_000;

/// Why a command cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is none.
    #[error("the command is empty")]
    Empty,
    /// An argument has a NUL in it, which no program can be given.
    #[error("an argument contains a NUL byte")]
    Nul,
    /// The service takes no text that is so long.
    #[error("the command is too long: {0} characters, and Session Manager takes {LONGEST}")]
    Long(usize),
    /// The system takes no command line that is so long.
    #[error("the command is too long for Windows: {length} characters once it is encoded, and {limit} fit", limit = LONGEST_ON_WINDOWS)]
    LongForWindows { length: usize },
    /// It needs a POSIX shell.
    #[error("`--binary` needs `sh` and `base64` on the instance, and it runs Windows")]
    BinaryOnWindows,
    /// It needs a POSIX shell.
    #[error("`--stdin` needs `sh` and `base64` on the instance, and it runs Windows")]
    InputOnWindows,
    /// The agent would replace what stands in a parameter that is not a command.
    #[error("the parameter `{0}` contains `{{{{`")]
    Reference(String),
}
