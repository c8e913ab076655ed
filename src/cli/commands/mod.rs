//! The commands, one file or folder each: the arguments, whose doc comments are the help, and `run`.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod exec;
pub(crate) mod fwd;
pub(crate) mod ls;
#[cfg(test)]
mod man;
pub(crate) mod pick;
pub(crate) mod plugin;
pub(crate) mod proxy;
pub(crate) mod sandbox;
pub(crate) mod shell;
pub(crate) mod ssh;
pub(crate) mod status;
