//! What a person meets, tested from outside: the terminal in a real pty, the command as a program.

#![allow(clippy::disallowed_methods, reason = "tests have files and an environment of their own")]

mod command_line;
mod support;

#[cfg(unix)]
mod aws_cli;
#[cfg(unix)]
mod completions;
#[cfg(unix)]
mod config;
#[cfg(unix)]
mod docs;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod fleet;
#[cfg(unix)]
mod fwd;
#[cfg(unix)]
mod help;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod install;
#[cfg(unix)]
mod man;
#[cfg(unix)]
mod picker;
#[cfg(unix)]
mod plugin;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod terminal;
