//! `ssmx fwd`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connect;
use super::context::{Context, Wanted};
use super::error::CliError;
use super::exit::Exit;
use super::forward_plan::{self, Plan};
use super::forward_reporter::Tells;
use super::forward_run;
use super::forward_spec::{ForwardSpec, bind};
use super::ui::Ui;
use super::{advice, forward_run::Place};
use crate::aws::{Aws, StartSession};
use crate::channel::{Channel, Options};
use crate::config::Key;
use crate::fleet::Target;
use crate::session::forward::{self, Bind, Destination, Listener, Opener, Probe, Session, SessionError};
use crate::terminal::signals::exit_now;
use crate::terminal::{Termination, Terminations};

/// Forward local ports to ports that an instance can reach
///
/// FORWARD is `[BIND:][LOCAL:]PORT`, `[BIND:][LOCAL:]HOST:PORT` or `unix:PATH:[HOST:]PORT`. A local port that is named
/// and taken is an error; without one, ssmx takes the number of the remote port, or a free one. HOST is resolved on the
/// instance. With a command, ssmx runs it while the tunnel is open, and its exit code becomes ours: `{port}` and `{host}`
/// in its arguments stand for the local end of the first forward, as do `SSMX_PORT` and `SSMX_HOST` (with `_1`, `_2`…
/// for each) in its environment. A failure of ssmx itself then exits with 255.
///
/// Tunnels that the configuration names are started by their names: `ssmx fwd pg redis`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The instance: its id (i-…, mi-…), its Name, or an alias; or the name of a tunnel
    pub target: String,

    /// What to forward, like 5432, 8080:80 or 5433:db.internal:5432; or names of further tunnels
    #[arg(value_name = "FORWARD")]
    pub forwards: Vec<String>,

    /// Address to listen on, in place of both loopback addresses
    #[arg(long, value_name = "ADDRESS", value_parser = bind)]
    pub bind: Option<Bind>,

    /// Be ready only when the destination accepts connections, which is tried with one that is closed again
    #[arg(long)]
    pub wait: bool,

    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Say what is ready in lines, or on standard output as one JSON object for each forward
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,

    /// Command to run while the tunnel is open
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

/// How to say what is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Lines on standard error.
    Table,
    /// JSON on standard output.
    Json,
}

/// How long ending may take: a person who presses Ctrl-C waits for a second at most.
const END_PATIENCE: Duration = Duration::from_millis(900);

/// Between two questions whether the destination accepts: doubled each time, up to the second one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Runs the command.
///
/// # Errors
/// A port or the sessions cannot be had.
pub async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let plans = forward_plan::plans(context, &args)?;
    let mut terminations =
        Terminations::listen().map_err(|error| CliError::failed("cannot listen for signals").caused_by(&error))?;
    let (stop, stopped) = watch::channel(false);
    let work = work(context, args, plans, stopped);
    tokio::pin!(work);
    let signal = loop {
        tokio::select! {
            exit = &mut work => return exit,
            signal = terminations.next() => {
                // A command that runs hears of it, and ends when it likes.
                if !forward_run::pass_on(signal) {
                    break signal;
                }
            }
        }
    };
    stop.send_replace(true);
    let ending = async {
        // What it still has to say is no longer of interest.
        let _ = tokio::time::timeout(END_PATIENCE, &mut work).await;
    };
    tokio::pin!(ending);
    loop {
        tokio::select! {
            () = &mut ending => break,
            second = terminations.next() => if second != Termination::Hangup {
                exit_now(second)
            },
        }
    }
    Ok(match signal {
        // That is how one ends it.
        Termination::Interrupt | Termination::Terminate => Exit::FINE,
        signal => Exit::of_program(signal.exit_code()),
    })
}

/// From open ports to closed ones.
async fn work(
    context: &Context,
    args: Args,
    plans: Vec<Plan>,
    mut stopped: watch::Receiver<bool>,
) -> Result<Exit, CliError> {
    let ui = &context.ui;
    let entries = listen(ui, &plans)?;
    let mut groups = BTreeMap::<(usize, Destination), Vec<Entry>>::new();
    for entry in entries {
        groups.entry((entry.plan, entry.spec.destination.clone())).or_default().push(entry);
    }
    let mut targets = Vec::new();
    for plan in &plans {
        let find = async {
            let aws = context.aws(&plan.wanted.settings).await?;
            let target = connect::target(ui, &aws, &plan.wanted).await?;
            Ok::<_, CliError>((aws, target))
        };
        let found = tokio::select! {
            found = find => found?,
            _ = stopped.wait_for(|stop| *stop) => return Ok(Exit::FINE),
        };
        targets.push(found);
    }

    // One session after the other: StartSession is throttled for the whole account.
    let mut open = Vec::new();
    let mut failure = None;
    for ((number, destination), entries) in groups {
        let (plan, (aws, target)) = (&plans[number], &targets[number]);
        let tells = Arc::new(Tells::new(ui.clone(), destination.through(&plan.wanted.text)));
        let start = Start {
            ui: ui.clone(),
            aws: aws.clone(),
            wanted: plan.wanted.clone(),
            request: request(&destination, plan),
            found: std::sync::Mutex::new(Some(target.clone())),
        };
        let opened = start_session(&start, &tells, plan.wait, &mut stopped).await;
        match opened {
            Ok(Some(session)) => open.push((entries, session, start, tells)),
            Ok(None) => break,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    if failure.is_some() || *stopped.borrow() {
        let mut ending = JoinSet::new();
        for (_, session, ..) in open {
            ending.spawn(session.terminate());
        }
        while ending.join_next().await.is_some() {}
        return failure.map_or(Ok(Exit::FINE), Err);
    }

    let mut places: Vec<(usize, Place)> = Vec::new();
    for (entries, session, ..) in &open {
        for entry in entries {
            ready(ui, args.output, &plans[entry.plan], entry, session)?;
            places.push((entry.number, Place::of(&entry.listener)));
        }
    }
    places.sort_by_key(|(number, _)| *number);
    let places: Vec<Place> = places.into_iter().map(|(_, place)| place).collect();

    let (stop, stop_seen) = watch::channel(false);
    let mut tunnels = JoinSet::new();
    for (entries, session, start, tells) in open {
        let listeners = entries.into_iter().map(|entry| entry.listener).collect();
        tunnels.spawn(forward::serve(listeners, session, start, tells, stop_seen.clone()));
    }
    let exit = if args.command.is_empty() {
        let _ = stopped.wait_for(|stop| *stop).await;
        Ok(Exit::FINE)
    } else {
        tokio::select! {
            exit = forward_run::run(&args.command, &places) => exit,
            _ = stopped.wait_for(|stop| *stop) => Ok(Exit::FINE),
        }
    };
    stop.send_replace(true);
    while tunnels.join_next().await.is_some() {}
    exit
}

/// One forward with its open port.
struct Entry {
    /// Its place on the command line.
    number: usize,
    /// The place of its plan.
    plan: usize,
    spec: ForwardSpec,
    listener: Listener,
}

/// Opens all ports, before anything is asked of AWS.
fn listen(ui: &Ui, plans: &[Plan]) -> Result<Vec<Entry>, CliError> {
    let mut entries: Vec<Entry> = Vec::new();
    let specs =
        plans.iter().enumerate().flat_map(|(plan, one)| one.forwards.iter().map(move |spec| (plan, spec.clone())));
    for (number, (plan, spec)) in specs.enumerate() {
        let listener = Listener::open(&spec.listen).map_err(|error| {
            CliError::failed(format!("cannot forward `{}`", spec.text))
                .caused_by(&error)
                .hint(format!("leave the choice to ssmx with local port 0, as in `0:{}`", port_and_host(&spec)))
        })?;
        if let (true, Some(address)) = (listener.has_moved(), listener.addresses().first()) {
            let wanted = spec.destination.port;
            ui.notice(format!("local port {wanted} is taken; using {} for `{}`", address.port(), spec.text));
        }
        if listener.addresses().iter().any(|address| !address.ip().is_loopback()) {
            ui.notice(format!("{listener} can be reached from other machines"));
        }
        entries.push(Entry { number, plan, spec, listener });
    }
    Ok(entries)
}

fn port_and_host(spec: &ForwardSpec) -> String {
    match &spec.destination.host {
        Some(_) => spec.destination.to_string(),
        None => spec.destination.port.to_string(),
    }
}

/// Starts a session and waits until it carries data, or until the destination accepts. `None` when told to stop.
async fn start_session(
    start: &Start,
    tells: &Arc<Tells>,
    wait: bool,
    stopped: &mut watch::Receiver<bool>,
) -> Result<Option<Session>, CliError> {
    // What has begun to start is seen through, or a session would be left behind; ending waits for that.
    let channel = start.open().await?;
    if *stopped.borrow() {
        channel.terminate().await;
        return Ok(None);
    }
    let connected = tokio::select! {
        connected = forward::connect(channel, tells) => Some(connected),
        _ = stopped.wait_for(|stop| *stop) => None,
    };
    let session = match connected {
        Some(Ok(session)) => session,
        Some(Err(SessionError::TimedOut)) => {
            return Err(CliError::failed("the agent was not ready in time")
                .hint("look into the agent's log on the instance, or restart it"));
        }
        Some(Err(SessionError::Ended(end))) => {
            return Err(
                advice::failure(end).unwrap_or_else(|| CliError::failed("the session ended before it was ready"))
            );
        }
        None => return Ok(None),
    };
    if !wait {
        return Ok(Some(session));
    }
    let _waiting = start.ui.waiting(format!("Waiting until {} accepts connections", tells.destination()));
    tells.hush(true);
    let accepts = tokio::select! {
        accepts = until_accepted(&session) => accepts,
        _ = stopped.wait_for(|stop| *stop) => false,
    };
    tells.hush(false);
    if accepts {
        return Ok(Some(session));
    }
    session.terminate().await;
    if *stopped.borrow() { Ok(None) } else { Err(CliError::new(super::ErrorKind::Lost, "the session has ended")) }
}

/// False when the session has ended instead.
async fn until_accepted(session: &Session) -> bool {
    let mut pause = FIRST_PAUSE;
    loop {
        match session.probe().await {
            Probe::Accepts | Probe::Unknown => return true,
            Probe::Over => return false,
            Probe::Refuses => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn ready(ui: &Ui, output: Format, plan: &Plan, entry: &Entry, session: &Session) -> Result<(), CliError> {
    let destination = &entry.spec.destination;
    if output == Format::Table {
        let name = plan.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        ui.status(format!("{name}Forwarding {} → {}", entry.listener, destination.through(&plan.wanted.text)));
        return Ok(());
    }
    let addresses: Vec<String> = entry.listener.addresses().iter().map(ToString::to_string).collect();
    let object = json!({
        "forward": entry.spec.text,
        "target": plan.wanted.text,
        "tunnel": plan.name,
        "session": session.id(),
        "listen": addresses,
        "host": entry.listener.addresses().first().map(|address| address.ip().to_string()),
        "port": entry.listener.addresses().first().map(|address| address.port()),
        "path": entry.listener.path().map(|path| path.display().to_string()),
        "remote_host": destination.host,
        "remote_port": destination.port,
    });
    ui.data(format!("{object}\n"))
}

fn request(destination: &Destination, plan: &Plan) -> StartSession {
    let port = ("portNumber".to_owned(), vec![destination.port.to_string()]);
    let host = destination.host.as_ref().map(|host| ("host".to_owned(), vec![host.clone()]));
    let (key, usual) = match host {
        Some(_) => (Key::RemoteForwardDocument, REMOTE_HOST),
        None => (Key::ForwardDocument, INSTANCE),
    };
    let document = plan.wanted.settings.text(key).unwrap_or(usual);
    StartSession {
        target: String::new(),
        document: Some(document.to_owned()),
        parameters: host.into_iter().chain([port]).collect(),
        reason: plan.reason.clone(),
    }
}

/// The documents for ports of the instance and of hosts that it can reach.
const INSTANCE: &str = "AWS-StartPortForwardingSession";
const REMOTE_HOST: &str = "AWS-StartPortForwardingSessionToRemoteHost";

/// Starts sessions to one destination.
struct Start {
    ui: Ui,
    aws: Aws,
    wanted: Wanted,
    request: StartSession,
    /// The target as it was found for the first session. Later ones look again: behind a Name may be another instance.
    found: std::sync::Mutex<Option<Target>>,
}

impl Opener for Start {
    type Error = CliError;

    async fn open(&self) -> Result<Channel, CliError> {
        let found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let target = match found {
            Some(found) => found,
            None => connect::target(&self.ui, &self.aws, &self.wanted).await?,
        };
        connect::session(&self.ui, &self.aws, &target, self.request.clone(), Options::port()).await
    }
}
