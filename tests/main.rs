//! What a person meets, tested from outside: the terminal in a real pty, the command as a program.

#[cfg(unix)]
mod aws_cli;
mod command_line;
#[cfg(unix)]
mod completions;
mod config;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod fleet;
#[cfg(unix)]
mod fwd;
#[cfg(unix)]
mod install;
#[cfg(unix)]
mod man;
mod picker;
#[cfg(unix)]
mod plugin;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod status;
mod support;
#[cfg(unix)]
mod terminal;
