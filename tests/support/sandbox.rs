//! A sandbox inside the test, which can do to a session what the world does: cut it, end it, be gone.

use std::process::Command;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ssm::types::SessionState;
use aws_types::SdkConfig;
use aws_types::region::Region;
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{Agent, Options, Sandbox};
use tokio::runtime::Runtime;

use super::DEADLINE;
use super::command::ssmx;
use super::waiting::polled;

/// A sandbox, and the runtime that it lives in.
pub(crate) struct TestSandbox {
    environment: Vec<(String, String)>,
    ssm: aws_sdk_ssm::Client,
    sandbox: Option<Sandbox>,
    runtime: Option<Runtime>,
}

impl TestSandbox {
    /// A sandbox as it is without any option.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// A sandbox with changed options.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::with_agent(Arc::new(Instances::new()), change)
    }

    /// A sandbox whose instances are played by somebody else.
    pub(crate) fn with_agent(agent: Arc<dyn Agent>, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(agent);
        change(&mut options);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let environment = sandbox.environment();
        Self { ssm: ssm(&sandbox, &environment), environment, sandbox: Some(sandbox), runtime: Some(runtime) }
    }

    /// The ssmx under test, led to this sandbox.
    pub(crate) fn ssmx(&self) -> Command {
        let mut command = ssmx();
        command.envs(self.environment.iter().cloned());
        command
    }

    /// The variables that lead a program to this sandbox.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Cuts the connections of all clients.
    pub(crate) fn cut_clients(&self) {
        self.sandbox.as_ref().expect("it was not stopped").cut_clients();
    }

    /// Goes at once and without a word, and nobody listens there any more.
    pub(crate) fn stop(&mut self) {
        // First what could still say something.
        self.runtime.take().expect("it is stopped once").shutdown_timeout(DEADLINE);
        self.sandbox = None;
    }

    /// The ids of the sessions that the service has not ended.
    pub(crate) fn active_sessions(&self) -> Vec<String> {
        let asked = self.block_on(self.ssm.describe_sessions().state(SessionState::Active).send()).unwrap();
        asked.sessions().iter().map(|session| session.session_id().unwrap().to_owned()).collect()
    }

    /// Waits until the service has ended all sessions.
    #[track_caller]
    pub(crate) fn wait_until_no_session_is_left(&self) {
        let ended = polled(|| self.active_sessions().is_empty());
        assert!(ended, "left on the service: {:?}", self.active_sessions());
    }

    /// Ends all sessions on the service, as somebody else may.
    pub(crate) fn terminate_sessions(&self) {
        for session in self.active_sessions() {
            self.block_on(self.ssm.terminate_session().session_id(session).send()).unwrap();
        }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().expect("it was not stopped").block_on(future)
    }
}

fn ssm(sandbox: &Sandbox, environment: &[(String, String)]) -> aws_sdk_ssm::Client {
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
        Some(variable("AWS_SESSION_TOKEN")),
        None,
        "test",
    );
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(sandbox.endpoint())
        .region(Region::new(variable("AWS_REGION")))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    aws_sdk_ssm::Client::new(&config)
}
