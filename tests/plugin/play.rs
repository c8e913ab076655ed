//! A sandbox with sessions that somebody started, and the plugin that is to take them over.

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ssm::types::SessionState;
use serde_json::json;
use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::DEADLINE;
use crate::support::command::ssmx;
use crate::support::waiting::{end_of, poll_until};

/// The name under which the AWS CLI looks for it.
pub(crate) const NAME: &str = "session-manager-plugin";

/// A sandbox in this process.
pub(crate) struct Play {
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    ssm: Client,
    environment: Vec<(String, String)>,
    /// Has the plugin in it.
    bin: TempDir,
    pub(crate) target: String,
}

/// A session that nobody has opened yet.
pub(crate) struct Started {
    pub(crate) id: String,
    pub(crate) token: String,
    /// The answer of StartSession, as the AWS CLI hands it over.
    pub(crate) answer: String,
    /// The request, likewise.
    pub(crate) request: String,
}

impl Play {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut options = Options::new(Arc::new(Instances::new()));
        change(&mut options);
        let target = options.fleet.iter().find(|one| one.name() == Some("web-1")).unwrap().id.clone();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let environment = sandbox.environment();
        let value = |name: &str| environment.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let token = Some(value("AWS_SESSION_TOKEN"));
        let credentials =
            Credentials::new(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), token, None, "sandbox");
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(value("AWS_REGION")))
            .endpoint_url(sandbox.endpoint())
            .credentials_provider(credentials);
        let ssm = Client::from_conf(config.build());
        let bin = tempfile::tempdir().unwrap();
        symlink(env!("CARGO_BIN_EXE_ssmx"), bin.path().join(NAME)).unwrap();
        Self { runtime, sandbox: Some(sandbox), ssm, environment, bin, target }
    }

    /// Where the plugin is.
    pub(crate) fn bin(&self) -> &Path {
        self.bin.path()
    }

    pub(crate) fn endpoint(&self) -> String {
        self.value("AWS_ENDPOINT_URL")
    }

    /// A variable of the sandbox's environment.
    pub(crate) fn value(&self, name: &str) -> String {
        self.environment.iter().find(|(key, _)| key == name).unwrap().1.clone()
    }

    /// Starts a session, as the AWS CLI does before it calls the plugin.
    pub(crate) fn start(&self, document: Option<&str>, parameters: &[(&str, &str)]) -> Started {
        let mut request = json!({"Target": self.target});
        let mut call = self.ssm.start_session().target(&self.target).set_document_name(document.map(str::to_owned));
        if let Some(document) = document {
            request["DocumentName"] = json!(document);
        }
        for (name, value) in parameters {
            call = call.parameters(*name, vec![(*value).to_owned()]);
            request["Parameters"][*name] = json!([value]);
        }
        let output = self.runtime.block_on(call.send()).unwrap();
        let (id, token) = (output.session_id().unwrap().to_owned(), output.token_value().unwrap().to_owned());
        let answer = json!({"SessionId": id, "TokenValue": token, "StreamUrl": output.stream_url().unwrap()});
        Started { id, token, answer: answer.to_string(), request: request.to_string() }
    }

    /// A program in the sandbox's environment, with the plugin on PATH.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("AWS_") || name.starts_with("SSMX_") || name.to_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([self.bin().to_owned()].into_iter().chain(std::env::split_paths(&path)));
        command.envs(self.environment.iter().cloned()).env("PATH", path.unwrap());
        command
    }

    /// The plugin with these arguments.
    pub(crate) fn plugin(&self, args: &[&str]) -> Command {
        let mut command = self.command(self.bin().join(NAME));
        command.args(args);
        command
    }

    /// The plugin as a new AWS CLI calls it: the answer is in the environment.
    pub(crate) fn take_over(&self, session: &Started) -> Command {
        const VARIABLE: &str = "AWS_SSM_START_SESSION_RESPONSE";
        let mut command = self.plugin(&[VARIABLE, "us-east-1", "StartSession", "", &session.request, &self.endpoint()]);
        command.env(VARIABLE, &session.answer);
        command
    }

    /// The same through a program that ignores the signals of the keyboard, as the AWS CLI does meanwhile.
    pub(crate) fn take_over_ignoring_keys(&self, session: &Started) -> Command {
        let plugin = self.take_over(session);
        let mut command = self.command("sh");
        command.args(["-c", r#"trap "" INT QUIT TSTP; exec "$@""#, "sh"]);
        command.arg(plugin.get_program()).args(plugin.get_args());
        command.env("AWS_SSM_START_SESSION_RESPONSE", &session.answer);
        command
    }

    pub(crate) fn terminate(&self, id: &str) {
        self.runtime.block_on(self.ssm.terminate_session().session_id(id).send()).unwrap();
    }

    /// Cuts the connection of every session.
    pub(crate) fn cut(&self) {
        self.sandbox.as_ref().unwrap().cut_clients();
    }

    /// Waits until the session is over on the service.
    #[track_caller]
    pub(crate) fn wait_until_over(&self, id: &str) {
        poll_until(&format!("the end of {id}"), || {
            let call = self.ssm.describe_sessions().state(SessionState::Active);
            let active = self.runtime.block_on(call.send()).unwrap();
            !active.sessions().iter().any(|session| session.session_id() == Some(id))
        });
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.shutdown());
        }
    }
}

/// ssmx itself, without anything of the surroundings that could mean AWS.
pub(crate) fn plain() -> Command {
    ssmx()
}

/// A program whose output is read as it comes. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Running {
    /// Starts it with standard output in a pipe.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, output, seen: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn kill(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until the text was written, and returns all that was.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if seen.contains(text) {
                return seen;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.extend_from_slice(&bytes),
                Err(error) => panic!("no {text:?} ({error}) in {seen:?}"),
            }
        }
    }

    /// Waits for the end, and returns all that was written.
    #[track_caller]
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        self.stdin = None;
        self.wait_without_end_of_input()
    }

    /// The same, while its input stays open.
    #[track_caller]
    pub(crate) fn wait_without_end_of_input(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.extend_from_slice(&bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end: {:?}", String::from_utf8_lossy(&self.seen)),
            }
        }
        (end_of(&mut self.child).expect("it ends"), String::from_utf8_lossy(&self.seen).into_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
