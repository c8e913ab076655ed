//! An embedded AWS on loopback: control plane, message gateway, agents.
//!
//! [`Sandbox::start`] binds one port of 127.0.0.1 and answers there, with credentials of its own that it checks, what
//! `ssmx` (and the AWS CLI, and the session-manager-plugin) ask of SSM, EC2, STS, KMS and EC2 Instance Connect. A
//! session's client and its agent meet in the gateway; whoever plays the instances implements [`Agent`].

mod account;
pub mod agent;
mod agent_link;
mod api;
mod api_faults;
mod builtin_documents;
mod credentials;
mod documents;
mod error;
mod fleet;
mod fleet_file;
mod fleet_generate;
mod gateway;
mod kms;
mod options;
mod pushed_keys;
mod random;
mod server;
mod session;
mod sessions;
mod sigv4;
mod start;
mod work;

#[cfg(test)]
mod tests;

pub use agent_link::{Agent, AgentLink, AgentSession, LinkClosed, LinkEvent, Outcome};
pub use error::Error;
pub use fleet::{Fleet, Instance, InstanceState, MOST_INSTANCES, Ping, Platform};
pub use kms::{EncryptionContext, InvalidCiphertext, Kms};
pub use options::{ApiFault, Faults, MessageLimit, Options, Pace, Preferences};
pub use pushed_keys::PushedKeys;
pub use start::Sandbox;
pub use work::{PortWork, Work};
