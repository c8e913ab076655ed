//! `ssmx ssh`, `scp`, `proxy` and `ssh-config`, with OpenSSH.

mod arguments;
mod config;
