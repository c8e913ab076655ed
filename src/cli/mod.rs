//! What a person types and sees: commands, messages, exit codes.
//!
//! One file a command: its arguments, whose doc comments are the help, and `run`. Failures of the rooms below become a
//! [`CliError`] with advice in [`error`]; everything that is said goes through [`Ui`], so that standard output carries
//! remote bytes or the asked-for data and nothing else.

mod advice;
mod ambient;
mod args;
mod commands;
mod completes;
mod context;
mod core_dump;
mod error;
mod exit;
mod globals;
mod implied_shell;
mod program;
mod run;
mod session;
mod target;
mod ui;

pub use run::main;
