//! What the sandbox expects of an agent, and what it hands to one.
//!
//! The gateway carries frames and knows nothing of what is in them; an agent speaks the protocol and knows nothing
//! of sockets.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::work::Work;
use crate::sandbox::fleet::{Fleet, Instance};
use crate::sandbox::link::AgentLink;
use crate::sandbox::pace::Pace;
use crate::sandbox::services::kms::Kms;
use crate::sandbox::services::pushed_keys::PushedKeys;

/// Plays the instances of the fleet: one call for each session.
pub trait Agent: Send + Sync + 'static {
    /// Serves a session to its end. The future ends when the session does (a shell was left, a command is done), or
    /// soon after [`AgentLink::recv`] has returned `None`; it is dropped 5 s after that if it is still there.
    fn run(&self, session: AgentSession) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;
}

impl<F, R> Agent for F
where
    F: Fn(AgentSession) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    fn run(&self, session: AgentSession) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        Box::pin(self(session))
    }
}

/// All that an agent knows about a session.
#[derive(Debug)]
pub struct AgentSession {
    /// Id of the session; part of the encryption context.
    pub session_id: String,
    /// The instance that the agent plays. Its id is part of the encryption context.
    pub instance: Arc<Instance>,
    /// The fleet of the account: whom the instance can reach by name or address.
    pub fleet: Fleet,
    /// What to run, from the document with its parameters filled in.
    pub work: Work,
    /// The KMS key of the account's preferences. Set: shells and commands must be encrypted. (Ports never are.)
    pub kms_key: Option<String>,
    /// Opens the data keys that clients make.
    pub kms: Arc<Kms>,
    /// Keys that `SendSSHPublicKey` has left for this instance, for an SSH server that the agent plays.
    pub pushed_keys: Arc<PushedKeys>,
    /// How slow to be.
    pub pace: Pace,
    /// The version to play, four numbers: those before certain versions lack features.
    pub agent_version: String,
    /// False: play an agent too old to know of handshakes.
    pub handshake: bool,
    /// The line to the gateway.
    pub link: AgentLink,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// False makes the session `Failed` in the account's history.
    pub success: bool,
    /// Empty for a normal end; else the reason. The client is shown it in `channel_closed`. At most 8 KiB are kept.
    pub output: String,
}

impl Outcome {
    /// The session ended as it should.
    pub fn success() -> Self {
        Self { success: true, output: String::new() }
    }

    /// The session failed, for a reason that the client is shown.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { success: false, output: reason.into() }
    }
}
