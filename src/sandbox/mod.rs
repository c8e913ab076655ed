//! An embedded AWS on loopback: control plane, message gateway, agents.
//!
//! [`Sandbox::start`] binds one port of 127.0.0.1 and answers there, with credentials of its own that it checks, what
//! `ssmx` (and the AWS CLI, and the session-manager-plugin) ask of SSM, EC2, STS, KMS and EC2 Instance Connect. A
//! session's client and its agent meet in the gateway; an [`Agent`] plays the instances.

mod account;
pub mod agent;
mod api;
mod calls;
mod documents;
mod error;
mod faults;
mod fleet;
mod gateway;
mod ids;
mod leftovers;
mod link;
mod options;
mod pace;
mod preferences;
mod random;
mod server;
mod services;
mod sessions;
mod start;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use agent::contract::{Agent, AgentSession, Outcome};
pub use agent::work::{PortWork, Work};
pub use calls::ApiCalls;
pub use error::Error;
pub use faults::{ApiFault, Faults, MessageLimit, Silence, Throttle};
pub use fleet::{Fleet, Instance, InstanceState, MOST_INSTANCES, Ping, Platform};
pub(crate) use leftovers::PREFIX;
pub use link::{AgentLink, LinkClosed, LinkEvent};
pub use options::Options;
pub use pace::Pace;
pub use preferences::Preferences;
pub use services::kms::{EncryptionContext, InvalidCiphertext, Kms};
pub use services::pushed_keys::PushedKeys;
pub use start::Sandbox;
