//! The instances of a sandbox: what kind of session each is asked for, and what the agent's version makes of it.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::contract::{Agent, AgentSession, Outcome};
use super::driver::{Driver, KeyOpener};
use super::environment::{Environment, Homes};
use super::port::Port;
use super::program::Io;
use super::sshd::SshServers;
use super::work::Work;
use crate::protocol::{AgentConfig, AgentHandshakeConfig, KmsRequest, SessionType, Version};
use crate::sandbox::error::Error;
use crate::sandbox::pace::Pace;
use crate::sandbox::random;
use crate::sandbox::services::kms::EncryptionContext;

/// The first agents that send standard error and the exit code of commands apart, by their release notes.
const SEPARATE_OUTPUT: Version = Version::new(3, 1, 1511, 0);

/// The first agents with a challenge in the encryption context, by their release notes.
const KMS_CHALLENGE: Version = Version::new(3, 3, 808, 0);

/// Plays the instances of a fleet by running shells and commands on this machine.
#[derive(Debug, Default)]
pub struct Instances {
    homes: Arc<Homes>,
    ssh_servers: Option<Arc<SshServers>>,
}

impl Instances {
    /// Instances with empty home directories, which are removed when this and all sessions are gone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the instances SSH servers: this machine's sshd, behind port 22 of each.
    ///
    /// # Errors
    /// [`Error::NoSshServer`] where there is none; [`Error::Directory`] where its files have no place.
    pub fn with_ssh_servers(mut self) -> Result<Self, Error> {
        self.ssh_servers = Some(Arc::new(SshServers::find(Arc::clone(&self.homes))?));
        Ok(self)
    }

    /// The only user that can log in to the SSH servers, if there are any: the user who runs the sandbox.
    pub fn ssh_user(&self) -> Option<&str> {
        self.ssh_servers.as_ref().map(|servers| servers.user())
    }

    /// The file that gets the host keys of the SSH servers, if there are any, in the format of OpenSSH's `known_hosts`.
    pub fn ssh_known_hosts(&self) -> Option<&Path> {
        self.ssh_servers.as_ref().map(|servers| servers.known_hosts())
    }

    /// Removes the home directories now: a process may end without dropping this.
    pub fn remove_homes(&self) {
        self.homes.remove();
    }
}

impl Agent for Instances {
    fn run(&self, session: AgentSession) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let (homes, ssh_servers) = (Arc::clone(&self.homes), self.ssh_servers.clone());
        Box::pin(async move { serve(session, &homes, ssh_servers).await })
    }
}

async fn serve(session: AgentSession, homes: &Homes, ssh_servers: Option<Arc<SshServers>>) -> Outcome {
    let version = session.agent_version.parse().unwrap_or_default();
    let (agent, keys) = protocol_side(&session, version);
    let pace = session.pace;
    if let Work::Port(work) = session.work {
        let (instance, fleet, pushed_keys) = (session.instance, session.fleet, session.pushed_keys);
        let port = Port { work, agent: version, instance, fleet, ssh_servers, pushed_keys };
        return Driver::new(session.link, agent, keys, |client, io| port.run(client, pace, io)).run().await;
    }
    let home = match homes.of(&session.instance) {
        Ok(home) => home,
        Err(error) => return Outcome::failed(format!("the sandbox has no home directory for the instance: {error}")),
    };
    let environment = Environment::new(&session.instance, home, run_as(&session.work));
    let work = session.work;
    let start = move |_, io| async move { run(&work, version, pace, &environment, io).await };
    Driver::new(session.link, agent, keys, start).run().await
}

/// Shells and commands on a terminal have a handshake only for the sake of a key; other sessions always.
fn protocol_side(session: &AgentSession, version: Version) -> (AgentConfig, KeyOpener) {
    let key_id = session.kms_key.clone().filter(|_| !matches!(session.work, Work::Port(_)));
    let challenge = (version >= KMS_CHALLENGE).then(|| BASE64_STANDARD.encode(random::secret::<16>()));
    let shakes_hands = match session.work {
        Work::Shell { .. } | Work::InteractiveCommand { .. } => key_id.is_some(),
        Work::NonInteractiveCommand { .. } | Work::Port(_) => true,
    };
    let handshake = (session.handshake && shakes_hands).then(|| AgentHandshakeConfig {
        agent_version: session.agent_version.clone(),
        session_type: SessionType::from(session.work.session_type()),
        properties: session.work.handshake_properties(),
        customer_message: match key_id {
            Some(_) => "This session is encrypted using AWS KMS.".to_owned(),
            None => String::new(),
        },
        kms: key_id.map(|key_id| KmsRequest {
            key_id,
            challenge: challenge.clone(),
            proof: random::secret(),
            nonce: u128::from_ne_bytes(random::secret()),
        }),
    });
    let context = EncryptionContext::from([
        ("aws:ssm:SessionId".to_owned(), session.session_id.clone()),
        ("aws:ssm:TargetId".to_owned(), session.instance.id.clone()),
    ]);
    let keys = KeyOpener { kms: Arc::clone(&session.kms), context, challenge };
    (AgentConfig { session_id: session.session_id.clone(), handshake }, keys)
}

fn run_as(work: &Work) -> Option<&str> {
    match work {
        Work::Shell { run_as, .. }
        | Work::InteractiveCommand { run_as, .. }
        | Work::NonInteractiveCommand { run_as, .. } => run_as.as_deref(),
        Work::Port(_) => None,
    }
}

#[cfg(unix)]
async fn run(work: &Work, version: Version, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    use super::{command, shell};

    match work {
        Work::Shell { profile, .. } => shell::shell(profile, pace, environment, io).await,
        Work::InteractiveCommand { command, .. } => shell::command(command, pace, environment, io).await,
        Work::NonInteractiveCommand { command, separate_output, stdout_prefix, stderr_prefix, .. } => {
            let command = command::Command {
                line: command,
                separate: *separate_output && version >= SEPARATE_OUTPUT,
                stdout_prefix,
                stderr_prefix,
            };
            command.run(pace, environment, io).await
        }
        Work::Port(_) => Outcome::failed("a port session cannot run a program"),
    }
}

#[cfg(not(unix))]
async fn run(_: &Work, _: Version, _: Pace, _: &Environment, _: Io) -> Outcome {
    Outcome::failed("the sandbox cannot run shells and commands on this operating system")
}
