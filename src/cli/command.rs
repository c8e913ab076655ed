//! What every command is.

use super::error::CliError;
use super::exit::Exit;
use super::globals::Globals;
use super::ui::Ui;

/// The arguments of a command, which know how to run it.
pub(crate) trait Run {
    /// Whether the exit code is that of a program, here or on an instance. A failure of ssmx itself is 255 then.
    fn passes_code_through(&self) -> bool {
        false
    }

    /// Runs the command. Most begin by loading the [`Context`](super::context::Context); those that correct a
    /// configuration, or do without, must work with a broken one.
    ///
    /// # Errors
    /// The command failed; the error is printed and decides the exit code.
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError>;
}
