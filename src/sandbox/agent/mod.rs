//! The agents of the instances, faithful to the real one in what a client can see.
//!
//! Each session is one task. A [driver] speaks the protocol; the program that it runs is a shell or a command on this
//! machine, in a temporary home directory and as the user who runs the sandbox.

pub(crate) mod contract;
mod destination;
mod driver;
mod environment;
mod instances;
mod pacer;
mod port;
mod program;
mod split;
#[cfg_attr(not(unix), path = "sshd/elsewhere.rs")]
mod sshd;
#[cfg(all(test, unix))]
mod testing;
mod utf8;
pub(crate) mod work;

#[cfg(unix)]
mod command;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod unix;

pub use instances::Instances;
