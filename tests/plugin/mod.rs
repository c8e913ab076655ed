//! ssmx as the session-manager-plugin: called by that name, with sessions of a sandbox, by us and by the real AWS CLI.

mod call;
mod cli;
mod command;
mod ecs;
mod encryption;
mod install;
pub(crate) mod play;
mod port;
mod secrets;
mod shell;
mod ssh;
