//! A sandbox inside the test, to be changed in ways that its command line does not offer and to be asked what it saw.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ssm::types::{Session, SessionState};
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{ApiCalls, ApiFault, Options, Sandbox};
use tokio::runtime::Runtime;

use super::command::{Finished, run, ssmx};
use super::waiting::poll_until;

/// A service that takes so long to resume a session that each cut is reported.
pub(crate) fn slow_resume() -> ApiFault {
    ApiFault::slow("ssm:ResumeSession", Duration::from_millis(600))
}

/// A running sandbox. Goes with all its sessions when dropped.
pub(crate) struct Cloud {
    sandbox: Option<Sandbox>,
    environment: Vec<(String, String)>,
    instances: Arc<Instances>,
    runtime: Runtime,
}

impl Cloud {
    /// The built-in fleet, without faults.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// A sandbox with other options.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::with_instances(Instances::new(), change)
    }

    /// A sandbox whose instances have the system's sshd, and with other options.
    pub(crate) fn with_ssh_servers(change: impl FnOnce(&mut Options)) -> Self {
        let instances = Instances::new().with_ssh_servers().expect("the package openssh-server is installed");
        let user = instances.ssh_user().map(str::to_owned);
        let known_hosts = instances.ssh_known_hosts().map(Path::to_owned);
        Self::with_instances(instances, |options| {
            options.ssh_user = user;
            options.ssh_known_hosts = known_hosts;
            change(options);
        })
    }

    fn with_instances(instances: Instances, change: impl FnOnce(&mut Options)) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let instances = Arc::new(instances);
        let mut options = Options::new(Arc::clone(&instances) as _);
        change(&mut options);
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let environment = sandbox.environment();
        Self { sandbox: Some(sandbox), environment, instances, runtime }
    }

    /// `ssmx` with the environment of the sandbox.
    pub(crate) fn ssmx(&self) -> Command {
        let mut command = ssmx();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `ssmx exec TARGET -- WORDS`, to its end.
    pub(crate) fn exec<S: AsRef<std::ffi::OsStr>>(&self, target: &str, words: impl IntoIterator<Item = S>) -> Finished {
        run(self.ssmx().args(["exec", target, "--"]).args(words))
    }

    /// A variable of the sandbox's environment.
    pub(crate) fn var(&self, name: &str) -> &str {
        let found = self.environment.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("the sandbox sets no {name}")).1
    }

    /// The credentials of the sandbox, as a profile of an AWS configuration has them.
    pub(crate) fn keys(&self) -> String {
        format!(
            "aws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
            self.var("AWS_ACCESS_KEY_ID"),
            self.var("AWS_SECRET_ACCESS_KEY"),
            self.var("AWS_SESSION_TOKEN")
        )
    }

    /// All variables of the sandbox's environment.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// `HOST:PORT` of the sandbox.
    pub(crate) fn address(&self) -> &str {
        self.var("AWS_ENDPOINT_URL").strip_prefix("http://").expect("an http URL")
    }

    /// What the API has been asked so far.
    pub(crate) fn api_calls(&self) -> ApiCalls {
        self.sandbox.as_ref().expect("it runs").api_calls()
    }

    /// Cuts the connections of all clients.
    pub(crate) fn cut_clients(&self) {
        self.sandbox.as_ref().expect("it runs").cut_clients();
    }

    /// The sessions that have not ended, as the service lists them.
    pub(crate) fn active(&self) -> Vec<Session> {
        self.sessions(SessionState::Active)
    }

    /// The sessions that have ended.
    pub(crate) fn history(&self) -> Vec<Session> {
        self.sessions(SessionState::History)
    }

    fn sessions(&self, state: SessionState) -> Vec<Session> {
        let key = |name| self.var(name).to_owned();
        let credentials = Credentials::new(
            key("AWS_ACCESS_KEY_ID"),
            key("AWS_SECRET_ACCESS_KEY"),
            Some(key("AWS_SESSION_TOKEN")),
            None,
            "test",
        );
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(key("AWS_REGION")))
            .endpoint_url(key("AWS_ENDPOINT_URL"))
            .credentials_provider(credentials)
            .build();
        let client = aws_sdk_ssm::Client::from_conf(config);
        let answer = self.runtime.block_on(client.describe_sessions().state(state).send());
        answer.expect("sessions are described").sessions.unwrap_or_default()
    }

    /// Waits until no session is left on the service.
    #[track_caller]
    pub(crate) fn wait_for_no_session(&self) {
        poll_until("the session to end on the service", || self.active().is_empty());
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.shutdown());
        }
        self.instances.remove_homes();
    }
}

/// An address at which nothing listens.
pub(crate) fn nobody() -> String {
    // Bound and given up again: nobody else gets the port so soon.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    assert!(TcpStream::connect(&address).is_err());
    address
}
