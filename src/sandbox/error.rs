//! Why a sandbox cannot be started.

use std::io;

/// Why a sandbox, or its fleet, cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No port of 127.0.0.1 could be bound.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The fleet file cannot be read.
    #[error("cannot read the fleet file {path}")]
    ReadFleet {
        /// Path of the file.
        path: String,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The fleet file is not valid. The text names line and column.
    #[error("{path}: {reason}")]
    Fleet {
        /// Path of the file.
        path: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A session document of the account is not one.
    #[error("{0}")]
    Document(String),
    /// The instances were to have SSH servers.
    #[error("this machine has no OpenSSH server: install the package openssh-server")]
    NoSshServer,
    /// The directory for the instances' files cannot be made.
    #[error("cannot make a directory for the instances")]
    Directory(#[source] io::Error),
    /// It cannot be found out who runs the sandbox.
    #[error("cannot run `id`")]
    User(#[source] io::Error),
    /// An option has a value that it cannot have.
    #[error("{0}")]
    Option(String),
}
