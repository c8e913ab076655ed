//! The configuration, as every command goes by it and as `ssmx config` makes and changes it.

mod change;
mod edit;
mod explain;
mod init;
mod lab;
mod mistakes;
mod openssh;
mod precedence;
mod programs;
mod reason;
mod targets;
mod tunnels;
