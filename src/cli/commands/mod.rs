//! The commands, one file or folder each: the arguments, whose doc comments are the help, and `run`.

pub mod completions;
pub mod config;
pub mod exec;
pub mod fwd;
pub mod ls;
pub mod man;
pub mod pick;
pub mod plugin;
pub mod proxy;
pub mod sandbox;
pub mod shell;
pub mod ssh;
pub mod status;
