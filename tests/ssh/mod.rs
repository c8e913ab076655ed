//! `ssmx ssh`, `scp`, `proxy` and `ssh-config`, with OpenSSH and with the programs that run over it.

mod account;
mod agent;
mod aliases;
mod ansible;
mod arguments;
mod bytes;
mod config;
mod control_master;
mod copies;
mod cuts;
mod editor;
mod forwards;
mod git;
pub(crate) mod lab;
mod login;
mod proxy;
mod refused;
mod signals;
