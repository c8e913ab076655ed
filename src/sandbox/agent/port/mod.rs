//! Sessions that carry TCP connections: which of the two ways, by the versions of both ends.

mod basic;
mod mux;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::destination::Destination;
use super::program::Io;
use super::sshd::SshServers;
use crate::protocol::Version;
use crate::protocol::smux::KeepAlive;
use crate::sandbox::agent::contract::Outcome;
use crate::sandbox::agent::work::PortWork;
use crate::sandbox::fleet::{Fleet, Instance};
use crate::sandbox::pace::Pace;
use crate::sandbox::services::pushed_keys::PushedKeys;

/// The type of sessions that can be multiplexed. SSH sessions have none.
pub(crate) const LOCAL_PORT_FORWARDING: &str = "LocalPortForwarding";

/// The first clients that multiplex (a constant of the agent).
const MULTIPLEXING_CLIENT: Version = Version::new(1, 1, 70, 0);

/// The last agent that does not (a constant of the official client).
const BASIC_AGENT: Version = Version::new(3, 0, 196, 0);

/// The last clients that want the multiplexer kept alive (a constant of the agent).
const KEEP_ALIVE_CLIENT: Version = Version::new(1, 2, 331, 0);

/// The first agents that forward to other hosts, by their release notes. Those before do not read the host.
const REMOTE_HOST: Version = Version::new(3, 1, 1188, 0);

/// How long an agent that has shaken hands takes until its port takes data. The real one took none for about a
/// millisecond in every second session; this one is on a slower machine.
const SET_UP: Duration = Duration::from_millis(3);

/// A port session before its kind is chosen.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) work: PortWork,
    /// Version that the agent plays; decides what it can forward.
    pub(crate) agent: Version,
    pub(crate) instance: Arc<Instance>,
    pub(crate) fleet: Fleet,
    pub(crate) ssh_servers: Option<Arc<SshServers>>,
    pub(crate) pushed_keys: Arc<PushedKeys>,
}

impl Port {
    /// Serves the session to its end.
    pub(crate) async fn run(mut self, client: Version, pace: Pace, io: Io) -> Outcome {
        if self.agent < REMOTE_HOST {
            self.work.host = None;
        }
        sleep(SET_UP).await;
        let mut destination = match Destination::resolve(&self.work, &self.instance, &self.fleet).await {
            Ok(destination) => destination,
            Err(reason) => return Outcome::failed(reason),
        };
        if let Some((servers, instance)) = self.ssh_servers.as_ref().zip(destination.ssh_server()) {
            match servers.port(instance, &self.pushed_keys).await {
                Ok(port) => destination.lead_to(port),
                Err(error) => {
                    return Outcome::failed(format!("the sandbox has no SSH server for the instance: {error}"));
                }
            }
        }
        let forwards = self.work.kind.as_deref() == Some(LOCAL_PORT_FORWARDING);
        if forwards && client >= MULTIPLEXING_CLIENT && self.agent > BASIC_AGENT {
            let keep_alive = (client <= KEEP_ALIVE_CLIENT).then(KeepAlive::default);
            mux::run(destination, keep_alive, pace, io).await
        } else {
            basic::Basic { destination, forwards, agent: self.agent, pace }.run(io).await
        }
    }
}
