//! What stands between the gateway and an agent: the job that an agent is given, and its line to the gateway.
//!
//! The gateway carries frames and knows nothing of what is in them; an agent speaks the protocol and knows nothing
//! of sockets. Whoever plays the instances implements [`Agent`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::work::Work;
use crate::sandbox::fleet::{Fleet, Instance};
use crate::sandbox::gateway::Lane;
use crate::sandbox::options::Pace;
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

/// All that an agent is told about a session.
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

/// An agent's end of a session's data channel: whole frames in both directions.
///
/// Frames may be dropped, doubled, delayed and reordered on the way if the sandbox was asked for such faults, and
/// clients come and go; the line stays. Each direction buffers 16 MiB or 20,000 frames, whichever is reached first.
/// Clones are the same line.
#[derive(Clone, Debug)]
pub struct AgentLink {
    pub(crate) from_client: Arc<Lane>,
    pub(crate) to_client: Arc<Lane>,
}

impl AgentLink {
    /// The next event, or `None` once the session is over for the service (terminated, timed out): stop now.
    /// Dropping the future loses nothing. Only one clone may receive.
    pub async fn recv(&self) -> Option<LinkEvent> {
        self.from_client.next().await
    }

    /// Sends a frame, and waits for room while the buffer is full (a client that is away or slow).
    /// A waiting agent must go on receiving: where that is one task, use [`Self::writable`] and [`Self::try_send`].
    ///
    /// # Errors
    /// [`LinkClosed`] once the session is over.
    pub async fn send(&self, frame: Bytes) -> Result<(), LinkClosed> {
        if is_for_the_service(&frame) {
            return Ok(());
        }
        self.to_client.push(frame).await
    }

    /// Sends a frame if there is room now.
    ///
    /// # Errors
    /// The frame, when there is no room; [`LinkClosed`] once the session is over.
    pub fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>, LinkClosed> {
        if is_for_the_service(&frame) {
            return Ok(None);
        }
        self.to_client.try_push(frame)
    }

    /// Waits until [`Self::try_send`] has room, or the session is over. Dropping the future loses nothing.
    pub async fn writable(&self) {
        self.to_client.writable().await;
    }
}

/// Whether a frame tells the service how the session fares. It ends there; clients never see it.
fn is_for_the_service(frame: &[u8]) -> bool {
    frame.get(4..23) == Some(b"agent_session_state")
}

/// What the gateway has for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A frame of the client, or one of the service's own (`start_publication`, `pause_publication`).
    Frame(Bytes),
    /// The agent's own connection was cut and is back: frames under way to the agent were lost, so whatever is
    /// unacknowledged should be repeated now.
    Reconnected,
}

/// The session is over; nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct LinkClosed;
