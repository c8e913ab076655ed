//! How a sandbox is to behave: what [`Sandbox::start`](super::Sandbox::start) is told.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::agent::link::Agent;
use super::fleet::Fleet;

/// What a sandbox plays and how badly.
#[derive(Clone)]
pub struct Options {
    /// Plays the instances.
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
    /// Cuts each agent's connection that often: what is under way is lost, and the agent is back at once.
    pub cut_agent_every: Option<Duration>,
    /// The longest message that is taken from a client, and what becomes of longer ones.
    pub message_limit: Option<MessageLimit>,
    /// Tells agents of clients that go and come (`pause_publication`, `start_publication`). Whether and when the real
    /// service sends these is not known, so this is off by default.
    pub publication_control: bool,
    /// Refuses clients that do not sign the upgrade of their WebSocket, as the service is announced to do.
    pub require_signed_upgrade: bool,
    /// The credentials expire so long after the start. Off by default.
    pub credentials_lifetime: Option<Duration>,
    /// Calls of the API that fail.
    pub api_faults: Vec<ApiFault>,
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
            publication_control: false,
            require_signed_upgrade: false,
            credentials_lifetime: None,
            api_faults: Vec::new(),
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

/// The account's Session Manager preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Encrypts shells and commands with the account's KMS key.
    pub encrypt: bool,
    /// Ends sessions in which nothing was sent for so long. The real service has 20 minutes; off by default here.
    pub idle_timeout: Option<Duration>,
    /// Ends sessions that are so old. Off by default, as in the real service.
    pub max_duration: Option<Duration>,
    /// Operating system user of sessions (Run As).
    pub run_as: Option<String>,
    /// Shell lines run at the start of each shell on Linux and macOS.
    pub shell_profile: String,
}

/// How slow agents are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they can.
    #[default]
    Fast,
    /// As the real ones: a second before the first output, 1,024 bytes a message, a millisecond between two.
    Real,
}

/// What happens to the frames of one direction. Probabilities are from 0 to 1; all are 0 by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of frames that are lost.
    pub drop: f64,
    /// Share of frames that arrive twice.
    pub duplicate: f64,
    /// Share of frames that are held back for 30 ms, so that later ones overtake them.
    pub reorder: f64,
    /// Delay of every frame.
    pub delay: Duration,
}

/// A gateway that takes no long messages. Whether the real one is such, and which of the two it does, is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageLimit {
    /// A message of more bytes than these, headers included, closes the connection with code 1009.
    Close(usize),
    /// It is lost without a word.
    Swallow(usize),
}

/// A call of the API that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// The first calls of an action are throttled.
    Throttle {
        /// The action as IAM spells it, as in `ssm:StartSession`.
        action: String,
        /// How many calls fail.
        calls: u32,
    },
    /// An action that is told in pages breaks off: so many calls are served, and all further ones are refused, as those
    /// with the mark of a page that has expired are.
    BreakOff {
        /// The action as IAM spells it, as in `ssm:DescribeInstanceInformation`.
        action: String,
        /// How many calls are served.
        calls: u32,
    },
    /// The caller's policy does not allow an action.
    Deny {
        /// The action as IAM spells it, as in `ssm:StartSession`.
        action: String,
    },
}
