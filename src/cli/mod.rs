//! What a person types and sees: commands, messages, exit codes.
//!
//! One file a command: its arguments, whose doc comments are the help, and `run`. Failures of the rooms below become a
//! [`CliError`] with advice in [`error`]; everything that is said goes through [`Ui`], so that standard output carries
//! remote bytes or the asked-for data and nothing else.

mod advice;
pub mod args;
pub mod commands;
mod config_error;
mod context;
mod core_dump;
pub mod error;
pub mod exit;
mod implied_shell;
mod run;
mod session;
mod target;
pub mod ui;

pub use args::{Cli, Globals};
pub use commands::completions::answer::answer as answer_completion;
pub use context::Context;
pub use error::{CliError, ErrorKind};
pub use exit::Exit;
pub use run::run;
pub use ui::Ui;
pub use ui::waiting::Waiting;
