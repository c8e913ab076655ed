//! What a person types and sees: commands, messages, exit codes.
//!
//! One file a command: its arguments, whose doc comments are the help, and how it is run ([`command::Run`]). Failures of
//! the rooms below become a [`CliError`](error::CliError) with advice in [`advice`]; every message goes through
//! [`Ui`](ui::Ui), so that standard output carries remote bytes or the asked-for data and nothing else.

mod advice;
mod ambient;
mod args;
mod command;
mod commands;
mod completes;
mod context;
mod core_dump;
mod descriptors;
mod error;
mod exit;
mod globals;
mod implied_shell;
mod program;
mod run;
mod session;
mod target;
mod typo;
mod ui;

pub use run::main;
