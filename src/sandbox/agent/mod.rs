//! The agents of the instances, faithful to the real one in what a client can see.
//!
//! Each session is one task. A [driver] speaks the protocol; the program that it runs is a shell or a command on this
//! machine, in a throw-away home directory and as the user who runs the sandbox.

mod destination;
mod driver;
mod environment;
mod instances;
mod pacer;
mod port;
mod port_basic;
mod port_mux;
mod port_streams;
mod program;
mod split;
mod utf8;

#[cfg(unix)]
mod command;
#[cfg(unix)]
mod shell;
#[cfg_attr(not(unix), path = "sshd_elsewhere.rs")]
mod sshd;
#[cfg(unix)]
mod sshd_config;
#[cfg(unix)]
mod unix;

#[cfg(all(test, unix))]
mod testing;
#[cfg(all(test, unix))]
mod testing_mux;

pub use instances::Instances;
