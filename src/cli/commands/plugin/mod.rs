//! `ssmx plugin`, and ssmx when it is called `session-manager-plugin`: the other half of `aws ssm start-session`.
//!
//! Scripts wait for some lines of the official plugin on standard output, in front of remote bytes and behind them.
//! These lines are printed there as they are; this is the one place where standard output carries anything of our own.

mod answer;
mod call;
#[cfg(test)]
mod check;
mod fields;
pub(crate) mod link;
mod mistake;
mod port;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::aws::{Ambient, Aws};
use crate::channel::{self, Channel};
use crate::cli::advice;
use crate::cli::command::Run;
use crate::cli::context;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::session::observer::UiObserver;
use crate::cli::session::{escape, outcome};
use crate::cli::ui::Ui;
use crate::config::{ConfigError, Key, Resolved, Variables};
use crate::environment::{self, PLUGIN_ESCAPE};
use crate::protocol::{CLIENT_VERSION, Handshake, SessionType};
use crate::session::document::{self, SEPARATE_STREAMS};
use crate::session::{self, Direct, Document};
use crate::terminal::{SignalError, Termination, Terminations};
use crate::text::printable;
use call::{Account, Call, CallError, Invocation, Request};
use fields::property;

/// The name under which the AWS CLI and others call the plugin.
pub(crate) const NAME: &str = "session-manager-plugin";

/// Act as the AWS CLI's session-manager-plugin
///
/// ssmx acts as the plugin when it is called `session-manager-plugin`. `ssmx plugin --install DIR` makes a link with
/// that name. This command also takes the plugin's own arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Create a link named session-manager-plugin to this program in DIR
    #[arg(long, value_name = "DIR")]
    pub install: Option<PathBuf>,

    /// Overwrite an existing file
    #[arg(long, requires = "install")]
    pub force: bool,

    /// Arguments of the plugin
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

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(ui, globals, self).await
    }
}

async fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
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

/// Ends the session of a call that cannot be understood: no other program will.
async fn refuse(ui: &Ui, globals: &Globals, CallError { mistake, orphan }: CallError) -> CliError {
    if let Some(orphan) = orphan {
        match load(ui, globals, orphan.account).await {
            Ok((aws, _)) => end(ui, &aws, &orphan.session_id).await,
            Err(error) => {
                tracing::warn!(%error, session_id = orphan.session_id, "cannot terminate the session");
                may_be_open(ui, &orphan.session_id);
            }
        }
    }
    CliError::usage(mistake.to_string())
        .hint("the AWS CLI runs this program itself, in `aws ssm start-session --target ID`")
}

/// Ends a session that will not be used.
async fn end(ui: &Ui, aws: &Aws, session_id: &str) {
    if !channel::terminate(aws, session_id).await {
        may_be_open(ui, session_id);
    }
}

fn may_be_open(ui: &Ui, session_id: &str) {
    ui.warning(format!("session {session_id} may still be open; it ends at the account's idle timeout"));
}

/// The services that a session asks once it is started: to resume and to end it, for its key, and for the credentials of
/// a role.
const ASKED: [&str; 3] = ["ssm", "kms", "sts"];

/// The account, region and endpoints of a call, and why its session must not be used all the same. Flags fill in what the
/// call leaves open. Of the configuration only endpoints and encryption count, and a broken one must not cost the session
/// unless it may ask for encryption.
async fn load(ui: &Ui, globals: &Globals, call: Account) -> Result<(Aws, Option<ConfigError>), CliError> {
    let ambient = context::ambient(ui);
    let (resolved, refused) = resolve(ui, globals, call, &ambient);
    let mut settings = context::aws_settings(&resolved);
    settings.endpoints = settings.endpoints.only(&ASKED);
    // The AWS CLI has asked there already.
    settings.allow_insecure = true;
    for url in settings.insecure_endpoints() {
        ui.warning(format!("credentials travel in the clear to {url}"));
    }
    Ok((Aws::load(&settings, &ambient).await?, refused))
}

fn resolve(ui: &Ui, globals: &Globals, call: Account, ambient: &Ambient) -> (Resolved, Option<ConfigError>) {
    let globals = Globals {
        profile: call.profile.or_else(|| globals.profile.clone()),
        region: call.region.or_else(|| globals.region.clone()),
        endpoint_url: call.endpoint_url.or_else(|| globals.endpoint_url.clone()),
        ..globals.clone()
    };
    let flags = context::flags(&globals).text(Key::SsmEndpointUrl, NAME, call.ssm_endpoint_url.as_deref());
    let counts = |key: Key| key.is_endpoint() || key == Key::RequireEncryption;
    // A mistake in the others is none here.
    let counting = |name: &str| Key::all().any(|key| counts(key) && key.variable() == name);
    let mut refused = None;
    let mut ignore = |error: ConfigError| {
        if error.may_hide(Key::RequireEncryption) {
            refused.get_or_insert(error);
        } else {
            ui.warning(format!("ignoring the configuration: {error}"));
        }
    };
    let variables = Variables::read(|name| counting(name).then(|| environment::setting(name)).flatten());
    let variables = variables.map_err(&mut ignore).unwrap_or_default();
    let config = context::load_config().map_err(&mut ignore).unwrap_or_default().only(counts);
    (config.resolve(flags, variables, None, Arc::new(ambient.clone())), refused)
}

async fn start(ui: &Ui, globals: &Globals, call: Call) -> Result<Exit, CliError> {
    let Call { session, account, request } = call;
    let loaded = load(ui, globals, account).await;
    let (aws, refused) = loaded.inspect_err(|_| may_be_open(ui, &session.session_id))?;
    if let Some(error) = refused {
        end(ui, &aws, &session.session_id).await;
        return Err(CliError::from(error).hint("it may have `require_encryption`, so no session is used without it"));
    }
    let request = request.unwrap_or_default();
    let session_id = session.session_id.clone();
    let (escape, mut signals) = match escape_key().and_then(|escape| Ok((escape, Signals::listen()?))) {
        Ok(prepared) => prepared,
        Err(error) => {
            end(ui, &aws, &session_id).await;
            return Err(error);
        }
    };
    let observer = UiObserver::new(ui, None);
    let open = async {
        let known = Kind::of_document(request.document.as_deref());
        let options = known.map_or_else(document::unknown_options, |(document, _)| document.options());
        let mut channel = channel::open_started(&aws, session, request.target.clone(), options).await?;
        if let Some((_, kind)) = known {
            return Ok((channel, kind, None));
        }
        let early = || CliError::new(ErrorKind::Lost, "the session ended before it began");
        let ready = session::wait_until_ready(&mut channel, &observer).await;
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
        // The session is ended before ssmx goes, as always.
        signal = signals.all.next() => return Ok(Exit::of_signal(signal)),
    };
    let (channel, kind, handshake) = opened?;
    let running = Running { ui, observer: &observer, session_id: &session_id };
    match kind {
        Kind::Shell => running.shell(channel, escape, signals).await,
        Kind::Command => running.command(channel, &request, &mut signals.all).await,
        Kind::Port => running.port(channel, handshake.as_ref(), &mut signals.all).await,
        Kind::Stream => running.stream(channel, &mut signals.inherited).await,
    }
}

/// The signals, for uses that take some of them only.
struct Signals {
    all: Terminations,
    /// Without those that are ignored because our parent ignores them.
    inherited: Terminations,
    requests: Terminations,
    keys: Terminations,
}

impl Signals {
    fn listen() -> Result<Self, SignalError> {
        use Termination::{Hangup, Interrupt, Quit, Terminate};
        // What a person types in a terminal. The AWS CLI ignores these for itself while the plugin runs, which is
        // inherited, and leaves them to the plugin.
        const KEYS: [Termination; 2] = [Interrupt, Quit];
        const REQUESTS: [Termination; 2] = [Hangup, Terminate];
        Ok(Self {
            all: Terminations::listen_to(&REQUESTS, &KEYS)?,
            inherited: Terminations::listen()?,
            requests: Terminations::listen_to(&REQUESTS, &[])?,
            keys: Terminations::listen_to(&[], &KEYS)?,
        })
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
    /// The kind of AWS's own documents. Containers have none, and get a command in a terminal. The local end of a port
    /// shows in the handshake only.
    fn of_document(name: Option<&str>) -> Option<(Document, Self)> {
        let document = match name {
            None | Some("") => Document::Shell,
            Some(name) => Document::of_name(name)?,
        };
        Some(match document {
            Document::Shell | Document::Interactive => (document, Self::Shell),
            Document::Command => (document, Self::Command),
            Document::Ssh => (document, Self::Stream),
            Document::Port | Document::RemotePort => return None,
        })
    }

    /// The kind that the handshake says. Without one the session is a shell.
    fn of(handshake: Option<&Handshake>) -> Result<Self, CliError> {
        let Some(handshake) = handshake else { return Ok(Self::Shell) };
        Ok(match &handshake.session_type {
            None | Some(SessionType::StandardStream | SessionType::InteractiveCommands) => Self::Shell,
            Some(SessionType::NonInteractiveCommands) => Self::Command,
            Some(SessionType::Port) => match property(&handshake.properties, "type") {
                Some("LocalPortForwarding") => Self::Port,
                _ => Self::Stream,
            },
            Some(SessionType::Other(name)) => {
                return Err(CliError::failed(format!("unknown session type `{name}`")));
            }
        })
    }
}

/// A session that is open.
pub(crate) struct Running<'a> {
    pub(crate) ui: &'a Ui,
    observer: &'a UiObserver,
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
                // A session that takes nothing now cannot be interrupted either.
                let _ = input.try_write(Bytes::from_static(byte));
            }
        };
        self.announce();
        let left = {
            let _hold = self.ui.hold();
            tokio::select! {
                left = session::shell(channel, escape, &mut requests, self.observer) => left,
                never = typing => never,
            }
        };
        self.farewell();
        outcome::of_shell(left)
    }

    /// A command without a terminal. Its exit code is ours, where the session reports it.
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
        let executed = session::exec(channel, &mut sink, terminations, self.observer).await;
        self.farewell();
        let document = request.document.as_deref().and_then(Document::of_name);
        let reports_code = document == Some(Document::Command) && request.parameter(SEPARATE_STREAMS) != Some("false");
        outcome::of_command(executed, reports_code).map_err(|error| error.exit_with(Exit::OWN_FAILURE))
    }

    /// Our standard streams, which belong to ssh: nothing else is written there.
    async fn stream(&self, channel: Channel, terminations: &mut Terminations) -> Result<Exit, CliError> {
        outcome::of_stream(self.ui, session::stdio(channel, terminations, self.observer).await)
    }

    /// The line with the id, which scripts read. A reader that is gone shows with the first output.
    pub(crate) fn announce(&self) {
        let _ = self.ui.data(format!("\nStarting session with SessionId: {}\n", printable(self.session_id)));
    }

    /// The line by which scripts know that nothing follows.
    pub(crate) fn farewell(&self) {
        let _ = self.ui.data(format!("\n\nExiting session with sessionId: {}.\n\n", printable(self.session_id)));
    }
}

/// The escape keys. None unless the variable is set: `aws ssm start-session` has none.
fn escape_key() -> Result<Option<u8>, CliError> {
    let Some(text) = PLUGIN_ESCAPE.text() else { return Ok(None) };
    escape::escape(&text)
        .map(|escape| escape.0)
        .map_err(|error| CliError::usage(format!("`{}` in the environment: {error}", PLUGIN_ESCAPE.name)))
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
        assert_eq!(kind(Some("Port"), serde_json::json!({"Type": "LocalPortForwarding"})), Some(Kind::Port));
        assert_eq!(kind(Some("Port"), serde_json::json!({"portNumber": "22"})), Some(Kind::Stream));
        assert_eq!(kind(Some("Dance"), null), None);
    }
}
