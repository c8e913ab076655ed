//! `ssmx plugin`, and ssmx when it is called `session-manager-plugin`: the other half of `aws ssm start-session`.
//!
//! Scripts wait for some lines of the official plugin on standard output, in front of remote bytes and behind them.
//! These lines are printed there as they are; this is the one place where standard output carries anything of our own.

mod answer;
mod call;
pub(crate) mod link;
mod port;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{exec, shell};
use crate::aws::{Aws, Settings};
use crate::channel::{self, Channel, Options};
use crate::cli::advice;
use crate::cli::context::{self, Context};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::target::lookup::Says;
use crate::cli::ui::Ui;
use crate::protocol::{CLIENT_VERSION, Handshake, SessionType};
use crate::session::{self, Carried, Direct, Left};
use crate::terminal::{Termination, Terminations};
use call::{Call, CallError, Invocation, Request};

/// The name under which the AWS CLI and others call the plugin.
pub(crate) const NAME: &str = "session-manager-plugin";

/// First key of the escape keys in sessions that others start, as `--escape` of `ssmx shell`. None unless it is set: who
/// types `aws ssm start-session` expects none.
const ESCAPE: &str = "SSMX_PLUGIN_ESCAPE";

/// Be the session-manager-plugin of the AWS CLI, and of all who call it
///
/// Called by the name `session-manager-plugin`, ssmx is one. `ssmx plugin --install DIR` gives it that name; what the
/// plugin is handed is taken here as well.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make a link named session-manager-plugin to this program
    #[arg(long, value_name = "DIR")]
    pub install: Option<PathBuf>,

    /// Replace what has the name and is not ssmx
    #[arg(long, requires = "install")]
    pub force: bool,

    /// What the plugin is called with
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub call: Vec<OsString>,
}

/// `session-manager-plugin A B…` is `ssmx plugin -- A B…`.
pub(crate) fn as_called_by_name(args: Vec<OsString>) -> Vec<OsString> {
    let stem = args.first().map(Path::new).and_then(Path::file_stem);
    if stem.is_none_or(|stem| !stem.eq_ignore_ascii_case(NAME)) {
        return args;
    }
    let call = args.into_iter().skip(1);
    ["ssmx", "plugin", "--"].map(OsString::from).into_iter().chain(call).collect()
}

/// Runs the command.
///
/// # Errors
/// The call makes no sense, or the session cannot be had or was lost.
pub(crate) async fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
    if let Some(dir) = &args.install {
        return link::install(ui, dir, args.force);
    }
    answer::take_out_of_environment(&args.call);
    match Invocation::parse(&args.call) {
        // Installers look for the two words in the middle.
        Ok(Invocation::Presence) => ui.data(
            "\nssmx was installed successfully as the Session Manager plugin. Start a session with the AWS CLI.\n\n",
        )?,
        Ok(Invocation::Version) => ui.data(format!("{CLIENT_VERSION}\n"))?,
        Ok(Invocation::Start(call)) => return start(ui, globals, *call).await,
        Err(error) => return Err(refuse(ui, globals, error).await),
    }
    Ok(Exit::FINE)
}

/// Ends the session of a call that cannot be understood, for nobody else will.
async fn refuse(ui: &Ui, globals: &Globals, CallError { mistake, orphan }: CallError) -> CliError {
    if let Some(orphan) = orphan {
        match Aws::load(&settings(ui, globals, orphan.settings)).await {
            Ok(aws) => channel::terminate(&aws, &orphan.session_id).await,
            Err(error) => tracing::warn!(%error, session_id = orphan.session_id, "cannot terminate the session"),
        }
    }
    CliError::usage(mistake.to_string())
        .hint("the AWS CLI calls this program by itself, in `aws ssm start-session --target ID`")
}

/// What is not said in the call may be said by flags. Of the configuration, only the endpoints of the account and region
/// of the session count, and a broken one is no reason to lose the session.
fn settings(ui: &Ui, globals: &Globals, call: Settings) -> Settings {
    let profile = call.profile.or_else(|| globals.profile.clone());
    let region = call.region.or_else(|| globals.region.clone());
    let endpoint_url = call.endpoint_url.or_else(|| globals.endpoint_url.clone());
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let section = profile.clone().or_else(|| variable("AWS_PROFILE")).or_else(|| variable("AWS_DEFAULT_PROFILE"));
    let said = Globals {
        profile: Some(section.unwrap_or_else(|| "default".to_owned())),
        region: region.clone(),
        endpoint_url,
        ..globals.clone()
    };
    let configured = match Context::load(ui, &said).and_then(|context| context.settings()) {
        Ok(settings) => context::aws_settings(&settings),
        Err(error) => {
            ui.warning(format!("the configuration is not used: {error}"));
            Settings { endpoint_url: said.endpoint_url.clone(), ..Settings::default() }
        }
    };
    let ssm_endpoint_url = call.ssm_endpoint_url.or(configured.ssm_endpoint_url);
    Settings { profile, default_profile: None, region, ssm_endpoint_url, ..configured }
}

async fn start(ui: &Ui, globals: &Globals, call: Call) -> Result<Exit, CliError> {
    let Call { session, settings: from_call, request } = call;
    let aws = Aws::load(&settings(ui, globals, from_call)).await?;
    let request = request.unwrap_or_default();
    let session_id = session.session_id.clone();
    let (escape, mut signals) = match escape().and_then(|escape| Ok((escape, Signals::listen()?))) {
        Ok(prepared) => prepared,
        Err(error) => {
            channel::terminate(&aws, &session_id).await;
            return Err(error);
        }
    };
    let says = Says { ui: ui.clone(), name: None };
    let open = async {
        let known = Kind::of_document(request.document.as_deref());
        let mut channel = channel::open_started(&aws, session, request.target.clone(), options(known)).await?;
        if let Some(kind) = known {
            return Ok((channel, kind, None));
        }
        let early = || CliError::new(ErrorKind::Lost, "the session was ended before it had begun");
        let ready = session::wait_until_ready(&mut channel, &says).await;
        let ready = ready.map_err(|end| advice::failure(end).unwrap_or_else(early));
        match ready.and_then(|ready| Ok((Kind::of(ready.as_ref())?, ready))) {
            Ok((kind, handshake)) => Ok((channel, kind, handshake)),
            Err(error) => {
                channel.terminate().await;
                Err::<_, CliError>(error)
            }
        }
    };
    let opened = tokio::select! {
        opened = open => opened,
        signal = signals.all.next() => {
            channel::terminate(&aws, &session_id).await;
            return Ok(Exit::of_program(signal.exit_code()));
        }
    };
    let (channel, kind, handshake) = opened?;
    let running = Running { ui, says: &says, session_id: &session_id };
    match kind {
        Kind::Shell => running.shell(channel, escape, signals).await,
        Kind::Command => running.command(channel, &request, &mut signals.all).await,
        Kind::Port => running.port(channel, handshake.as_ref(), &mut signals.all).await,
        Kind::Stream => running.stream(channel, &mut signals.inherited).await,
    }
}

/// The signals, for those who take some of them only.
struct Signals {
    all: Terminations,
    /// Without those that are ignored because whoever started us does so.
    inherited: Terminations,
    requests: Terminations,
    keys: Terminations,
}

impl Signals {
    fn listen() -> Result<Self, CliError> {
        use Termination::{Hangup, Interrupt, Quit, Terminate};
        // What a person types in a terminal. The AWS CLI ignores these for itself while the plugin runs, which is
        // inherited, and leaves them to the plugin.
        const KEYS: [Termination; 2] = [Interrupt, Quit];
        const REQUESTS: [Termination; 2] = [Hangup, Terminate];
        let listen = || {
            Ok(Self {
                all: Terminations::listen_to(&REQUESTS, &KEYS)?,
                inherited: Terminations::listen()?,
                requests: Terminations::listen_to(&REQUESTS, &[])?,
                keys: Terminations::listen_to(&[], &KEYS)?,
            })
        };
        listen().map_err(|error: io::Error| CliError::failed("cannot listen for signals").caused_by(&error))
    }
}

/// What a session is for, and so what is to be done with it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Shell,
    Command,
    /// A listener of our own, whose connections go to the other side.
    Port,
    /// Our standard streams go to a port of the other side.
    Stream,
}

impl Kind {
    /// The kind of the documents that everybody has. Containers have none, and get a command in a terminal. The local
    /// end of a port shows in the handshake only.
    fn of_document(name: Option<&str>) -> Option<Self> {
        Some(match name {
            None | Some("" | "SSM-SessionManagerRunShell" | "AWS-StartInteractiveCommand") => Self::Shell,
            Some("AWS-StartNonInteractiveCommand") => Self::Command,
            Some("AWS-StartSSHSession") => Self::Stream,
            _ => return None,
        })
    }

    /// What the agent says, which it does in the first moments or not at all, and then it is a shell.
    fn of(handshake: Option<&Handshake>) -> Result<Self, CliError> {
        let Some(handshake) = handshake else { return Ok(Self::Shell) };
        Ok(match &handshake.session_type {
            None | Some(SessionType::StandardStream | SessionType::InteractiveCommands) => Self::Shell,
            Some(SessionType::NonInteractiveCommands) => Self::Command,
            Some(SessionType::Port) if handshake.properties["type"] == "LocalPortForwarding" => Self::Port,
            Some(SessionType::Port) => Self::Stream,
            Some(SessionType::Other(name)) => {
                return Err(CliError::failed(format!("sessions of type `{name}` are not known to this plugin")));
            }
        })
    }
}

/// How long to wait for a handshake. What a document of one's own is for shows only there.
fn options(known: Option<Kind>) -> Options {
    const UNKNOWN_DOCUMENT: std::time::Duration = std::time::Duration::from_secs(10);
    match known {
        Some(Kind::Shell) => Options::interactive(),
        Some(Kind::Command) => Options::with_handshake(),
        Some(Kind::Port | Kind::Stream) => Options::port(),
        None => Options { handshake_grace: Some(UNKNOWN_DOCUMENT), ..Options::port() },
    }
}

/// A session that is open.
pub(crate) struct Running<'a> {
    pub(crate) ui: &'a Ui,
    says: &'a Says,
    pub(crate) session_id: &'a str,
}

impl Running<'_> {
    /// A shell, or a command in a terminal. Ctrl-C is a byte for the other side, also where there is no terminal that
    /// makes it one.
    async fn shell(&self, channel: Channel, escape: Option<u8>, signals: Signals) -> Result<Exit, CliError> {
        let Signals { mut requests, mut keys, .. } = signals;
        let input = channel.input();
        let typing = async {
            loop {
                let byte: &[u8] = if keys.next().await == Termination::Quit { b"\x1c" } else { b"\x03" };
                // A session that takes nothing now is no place for an interrupt.
                let _ = input.try_write(Bytes::from_static(byte));
            }
        };
        self.announce();
        let left = {
            let _hold = self.ui.hold();
            tokio::select! {
                left = session::shell(channel, escape, &mut requests, self.says) => left,
                never = typing => never,
            }
        };
        self.farewell();
        match left.map_err(|error| CliError::failed("the terminal cannot be used").caused_by(&error))? {
            Left::Ended(end) => advice::failure(end).map_or(Ok(Exit::FINE), Err),
            Left::Disconnected => Ok(Exit::FINE),
            Left::Stopped(signal) => Ok(Exit::of_program(signal.exit_code())),
            Left::Terminal(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Exit::FAILED),
            Left::Terminal(error) => Err(CliError::stdout(&error)),
        }
    }

    /// A command without a terminal. Its exit code is ours, where it is told.
    async fn command(
        &self,
        channel: Channel,
        request: &Request,
        terminations: &mut Terminations,
    ) -> Result<Exit, CliError> {
        self.announce();
        let mut sink = match Direct::new() {
            Ok(sink) => sink,
            Err(error) => {
                channel.terminate().await;
                return Err(CliError::stdout(&error));
            }
        };
        let executed = session::exec(channel, &mut sink, terminations, self.says).await;
        self.farewell();
        let tells_code =
            request.document.as_deref().is_some_and(|name| Kind::of_document(Some(name)) == Some(Kind::Command))
                && request.parameter("separateOutputStream") != Some("false");
        exec::judge(executed, tells_code).map_err(|error| error.exit_with(Exit::OWN_FAILURE))
    }

    /// Our standard streams, which belong to ssh: nothing else is said there.
    async fn stream(&self, channel: Channel, terminations: &mut Terminations) -> Result<Exit, CliError> {
        let carried = session::stdio(channel, terminations, self.says).await;
        match carried.map_err(|error| CliError::failed("the standard streams cannot be used").caused_by(&error))? {
            Carried::Ended(end) => advice::failure(end).map_or(Ok(Exit::FINE), Err),
            Carried::EndOfInput => Ok(Exit::FINE),
            Carried::Undelivered => Err(CliError::new(ErrorKind::Lost, "the last of the input did not arrive in time")),
            Carried::Stopped(signal) => Ok(Exit::of_program(signal.exit_code())),
            Carried::Input(error) => Err(CliError::failed("cannot read standard input").caused_by(&error)),
            Carried::Output(error) => Err(CliError::stdout(&error)),
        }
    }

    /// The line that tells the id, which scripts read. Who does not listen any more shows with the first output.
    pub(crate) fn announce(&self) {
        let _ = self.ui.data(format!("\nStarting session with SessionId: {}\n", self.session_id));
    }

    /// The line by which scripts know that nothing follows.
    pub(crate) fn farewell(&self) {
        let _ = self.ui.data(format!("\n\nExiting session with sessionId: {}.\n\n", self.session_id));
    }
}

fn escape() -> Result<Option<u8>, CliError> {
    match std::env::var(ESCAPE) {
        Ok(text) if !text.is_empty() => shell::escape(&text)
            .map(|escape| escape.0)
            .map_err(|error| CliError::usage(format!("`{ESCAPE}` makes no sense: {error}"))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_name_makes_a_plugin() {
        let as_words = |line| as_called_by_name(words(line));
        assert_eq!(as_words("/opt/bin/session-manager-plugin --version"), words("ssmx plugin -- --version"));
        assert_eq!(as_words("session-manager-plugin"), words("ssmx plugin --"));
        assert_eq!(as_words("ssmx session-manager-plugin"), words("ssmx session-manager-plugin"));
        assert_eq!(as_words(""), words(""));
    }

    #[test]
    fn what_a_session_is_for_shows_in_its_handshake() {
        let kind = |session_type: Option<&str>, properties| {
            Kind::of(Some(&Handshake {
                agent_version: "3.3.0.0".to_owned(),
                session_type: session_type.map(SessionType::from),
                properties,
                customer_message: String::new(),
                encrypted: false,
            }))
            .ok()
        };
        let null = serde_json::Value::Null;
        assert_eq!(Kind::of(None).unwrap(), Kind::Shell);
        assert_eq!(kind(None, null.clone()), Some(Kind::Shell));
        assert_eq!(kind(Some("InteractiveCommands"), null.clone()), Some(Kind::Shell));
        assert_eq!(kind(Some("NonInteractiveCommands"), null.clone()), Some(Kind::Command));
        assert_eq!(kind(Some("Port"), serde_json::json!({"type": "LocalPortForwarding"})), Some(Kind::Port));
        assert_eq!(kind(Some("Port"), serde_json::json!({"portNumber": "22"})), Some(Kind::Stream));
        assert_eq!(kind(Some("Dance"), null), None);
    }
}
