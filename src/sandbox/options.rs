//! The options of [`Sandbox::start`](super::Sandbox::start).

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::agent::contract::Agent;
use super::faults::{ApiFault, Faults, MessageLimit, Throttle};
use super::fleet::Fleet;
use super::pace::Pace;
use super::preferences::Preferences;

/// What a sandbox plays and how badly.
#[derive(Clone)]
pub struct Options {
    /// Plays the instances, one call for each session.
    pub agent: Arc<dyn Agent>,
    /// The instances of the account.
    pub fleet: Fleet,
    /// Region of the environment that is handed out. Requests are answered for the region that they are signed for.
    pub region: String,
    /// The account's Session Manager preferences (the document `SSM-SessionManagerRunShell`).
    pub preferences: Preferences,
    /// Further session documents: JSON content by name.
    pub documents: BTreeMap<String, String>,
    /// How slow the agents are.
    pub pace: Pace,
    /// Version that all agents play, instead of those of the fleet.
    pub agent_version: Option<String>,
    /// False: agents too old to know of handshakes.
    pub handshake: bool,
    /// What happens to frames on their way from client to agent.
    pub faults_to_agent: Faults,
    /// What happens to frames on their way from agent to client.
    pub faults_to_client: Faults,
    /// Seed of the faults: the n-th frame of a direction of the m-th session always meets the same fate.
    pub seed: u64,
    /// Cuts each client's connection that long after it was made: in turn by a reset and by a close 1000 `Bye`.
    pub cut_client_every: Option<Duration>,
    /// Cuts each agent's connection that often: what is in flight is lost, and the agent is back at once.
    pub cut_agent_every: Option<Duration>,
    /// The longest message that is taken from a client, and what becomes of longer ones.
    pub message_limit: Option<MessageLimit>,
    /// The same for messages of agents, on the client's connection.
    pub message_limit_to_client: Option<MessageLimit>,
    /// How long every call of the API takes, as if the service were far away. The data channel has a delay of its own,
    /// in the faults.
    pub api_latency: Duration,
    /// Informs agents of clients that go and come (`pause_publication`, `start_publication`). Whether and when the real
    /// service sends these is not known, so this is off by default.
    pub publication_control: bool,
    /// Refuses clients that do not sign the upgrade of their WebSocket, as the service is announced to do.
    pub require_signed_upgrade: bool,
    /// The credentials expire so long after the start. Off by default.
    pub credentials_lifetime: Option<Duration>,
    /// Calls of the API that fail, or that take longer than others.
    pub api_faults: Vec<ApiFault>,
    /// When calls of the API are too many.
    pub api_throttle: Throttle,
    /// The account has the standard tier of hybrid nodes, on which no session can be started then.
    pub standard_tier: bool,
    /// The user to log in as by SSH, for the environment that is handed out.
    pub ssh_user: Option<String>,
    /// The file with the instances' SSH host keys, for the environment that is handed out.
    pub ssh_known_hosts: Option<PathBuf>,
}

impl Options {
    /// The built-in fleet in `us-east-1`, played by `agent`, without faults.
    pub fn new(agent: Arc<dyn Agent>) -> Self {
        Self {
            agent,
            fleet: Fleet::builtin("us-east-1"),
            region: "us-east-1".to_owned(),
            preferences: Preferences::default(),
            documents: BTreeMap::new(),
            pace: Pace::Fast,
            agent_version: None,
            handshake: true,
            faults_to_agent: Faults::default(),
            faults_to_client: Faults::default(),
            seed: 0,
            cut_client_every: None,
            cut_agent_every: None,
            message_limit: None,
            message_limit_to_client: None,
            api_latency: Duration::ZERO,
            publication_control: false,
            require_signed_upgrade: false,
            credentials_lifetime: None,
            api_faults: Vec::new(),
            api_throttle: Throttle::Never,
            standard_tier: false,
            ssh_user: None,
            ssh_known_hosts: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("region", &self.region).field("seed", &self.seed).finish_non_exhaustive()
    }
}
