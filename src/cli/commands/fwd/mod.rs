//! `ssmx fwd`.

mod child;
pub(crate) mod observer;
mod open;
mod opener;
mod plan;
pub(crate) mod socks;
pub(crate) mod spec;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::target::choose;
use crate::cli::target::lookup::{self, Ambiguity};
use crate::cli::ui::Ui;
use crate::config::Lanes;
use crate::session::forward::{self, Bind, Destination, Listener, Session, Stop};
use crate::terminal::signals::exit_now;
use crate::terminal::{Termination, Terminations};
use child::Place;
use observer::UiTunnelObserver;
use open::{Opened, Starting, open_all};
use opener::TunnelOpener;
use plan::Plan;
use spec::{ForwardSpec, bind};

/// Forward local ports to an instance, or to hosts it can reach
///
/// FORWARD is `[BIND:][LOCAL:]PORT`, `[BIND:][LOCAL:]HOST:PORT` or `unix:PATH:[HOST:]PORT`. A local port that you name
/// must be free; if you name none, ssmx uses the number of the remote port, or a free port if that one is taken. The
/// instance resolves HOST. With a command, ssmx runs it while the tunnel is open, waits until all that was sent has
/// arrived, and exits with its exit code, or with 255 if ssmx itself fails. In the command's arguments, `{port}` and `{host}` stand for the local
/// end of the first forward; in its environment, `SSMX_PORT` and `SSMX_HOST` do (with `_1`, `_2`… for each forward).
///
/// Start tunnels from the configuration by name: `ssmx fwd pg redis`.
///
/// With `--socks`, programs choose the destination of each connection themselves, from whatever the instance can
/// reach. A command finds the port in `{socks}`, `SSMX_SOCKS_HOST` and `SSMX_SOCKS_PORT`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instance: an id (i-…, mi-…), Name, address, tags as key=value, or an alias; or the name of a tunnel. With
    /// only forwards, you choose the instance on the terminal
    #[arg(add = Completes::TunnelsAndTargets)]
    pub target: String,

    /// What to forward, such as 5432, 8080:80 or 5433:db.internal:5432; or names of more tunnels
    #[arg(value_name = "FORWARD", add = Completes::Tunnels)]
    pub forwards: Vec<String>,

    /// The flags of `--socks`.
    #[command(flatten)]
    pub socks: socks::Flags,

    /// Address to listen on, instead of both loopback addresses
    #[arg(long, value_name = "ADDRESS", value_parser = bind)]
    pub bind: Option<Bind>,

    /// Wait until the destination accepts connections (tested with a probe connection)
    #[arg(long)]
    pub wait: bool,

    /// Sessions to each destination, from 1 to 16; `auto` starts with one and opens up to 4 when connections would slow
    /// each other down [default: auto, or the setting `lanes`]
    #[arg(long, value_name = "N|auto")]
    pub lanes: Option<Lanes>,

    /// Reason for the session, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// How to report that a forward is ready
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,

    /// Command to run while the tunnel is open
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

/// How to say what is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines on standard error
    Table,
    /// One JSON object per forward, on standard output
    Json,
}

/// How long ending may take: a person who presses Ctrl-C waits for a second at most.
const END_TIMEOUT: Duration = Duration::from_millis(900);

/// How long ending may take at the very most, whatever else the machine has to do: then the process ends itself. The end of
/// the sessions on the service, for which 5 s are allowed, is waited for behind [`END_TIMEOUT`].
const LAST_TIMEOUT: Duration = Duration::from_secs(8);

impl Run for Args {
    fn passes_code_through(&self) -> bool {
        !self.command.is_empty()
    }

    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(Context::load(ui, globals)?, self).await
    }
}

async fn run(mut context: Context, mut args: Args) -> Result<Exit, CliError> {
    if plan::lacks_target(&context, &args) {
        let id;
        (context, id) = choose::one(&context).await?;
        let forward = std::mem::replace(&mut args.target, id);
        args.forwards.insert(0, forward);
    }
    let has_command = !args.command.is_empty();
    let context = &context;
    let plans = plan::plans(context, &args)?;
    let mut terminations = Terminations::listen()?;
    let (stop, stopped) = watch::channel(false);
    let work = work(context, args, plans, stopped);
    tokio::pin!(work);
    let signal = loop {
        tokio::select! {
            exit = &mut work => return exit.map(|exit| exit.unwrap_or(Exit::FINE)),
            signal = terminations.next() => {
                // A command that runs hears of it, and ends when it likes.
                if !child::pass_on(signal) {
                    break signal;
                }
            }
        }
    };
    leave_after(LAST_TIMEOUT, signal);
    stop.send_replace(true);
    let ending = tokio::time::timeout(END_TIMEOUT, &mut work);
    tokio::pin!(ending);
    let ended = loop {
        tokio::select! {
            ended = &mut ending => break ended,
            second = terminations.next() => if second != Termination::Hangup {
                exit_now(second)
            },
        }
    };
    Ok(match (signal, ended) {
        // The command had ended, and all that it sent has arrived.
        (_, Ok(Ok(Some(exit)))) => exit,
        // That is how one ends it, unless there was a command to be run.
        (Termination::Interrupt | Termination::Terminate, _) if !has_command => Exit::FINE,
        (signal, _) => Exit::of_signal(signal),
    })
}

/// Ends the process after so long. A thread of its own counts, since whatever keeps the runtime from ending in time may
/// keep its clock from being looked at.
fn leave_after(timeout: Duration, signal: Termination) {
    std::thread::spawn(move || {
        std::thread::sleep(timeout);
        exit_now(signal);
    });
}

/// From open ports to closed ones. `None` when it was stopped before it had done all it was asked for.
async fn work(
    context: &Context,
    args: Args,
    plans: Vec<Plan>,
    mut stopped: watch::Receiver<bool>,
) -> Result<Option<Exit>, CliError> {
    let ui = &context.ui;
    let entries = listen(ui, &plans)?;
    let socks = socks::listen(ui, &args)?;
    let mut groups = BTreeMap::<(usize, Destination), Vec<Entry>>::new();
    for entry in entries {
        groups.entry((entry.plan, entry.spec.destination.clone())).or_default().push(entry);
    }
    let mut targets = Vec::new();
    for plan in &plans {
        let find = async {
            let aws = context.aws(&plan.target.settings).await?;
            let target = lookup::target(ui, &aws, &plan.target, Ambiguity::Ask).await?;
            Ok::<_, CliError>((aws, target))
        };
        let found = tokio::select! {
            found = find => found?,
            _ = stopped.wait_for(|stop| *stop) => return Ok(None),
        };
        targets.push(found);
    }

    let starts = groups.into_iter().map(|((number, destination), entries)| {
        let (plan, (aws, target)) = (&plans[number], &targets[number]);
        Starting {
            entries,
            observer: Arc::new(UiTunnelObserver::new(ui, destination.through(&plan.target.text))),
            opener: TunnelOpener::new(
                ui,
                aws,
                &plan.target,
                plan.reason.as_deref(),
                &destination,
                Some(target.clone()),
            )
            .with_lanes(plan.lanes),
            wait: plan.wait,
        }
    });
    let Some(open) = open_all(starts, &mut stopped).await? else { return Ok(None) };

    // What is ready is reported, and counted, as it was typed.
    let mut forwards: Vec<_> = open
        .iter()
        .flat_map(|one| one.entries.iter().filter_map(|entry| Some((entry, one.route.session()?))))
        .collect();
    forwards.sort_by_key(|(entry, _)| entry.number);
    for (entry, session) in &forwards {
        ready(ui, args.output, &plans[entry.plan], entry, session)?;
    }
    let places: Vec<Place> = forwards.iter().map(|(entry, _)| Place::of(&entry.listener)).collect();
    let socks_place = socks.as_ref().map(Place::of);
    if let Some(listener) = &socks {
        socks::ready(ui, &args, listener)?;
    }

    let (stop, stop_seen) = watch::channel(Stop::Not);
    let mut tunnels = JoinSet::new();
    for Opened { entries, route } in open {
        let listeners = entries.into_iter().map(|entry| entry.listener).collect();
        tunnels.spawn(forward::serve(listeners, route, stop_seen.clone()));
    }
    // The first plan is that of the first word, be it a target or a tunnel.
    if let (Some(listener), Some(plan), Some((aws, target))) = (socks, plans.first(), targets.into_iter().next()) {
        tunnels.spawn(socks::serve(ui, &aws, &args, plan, target, listener, stop_seen));
    }
    let exit = if args.command.is_empty() {
        let _ = stopped.wait_for(|stop| *stop).await;
        Ok(None)
    } else {
        tokio::select! {
            exit = child::run(&args.command, &places, socks_place.as_ref()) => exit.map(Some),
            _ = stopped.wait_for(|stop| *stop) => Ok(None),
        }
    };
    let ended = end(tunnels, &stop, &mut stopped).await;
    Ok(match (exit?, ended) {
        (_, Ended::Stopped) => None,
        // The command does not know that what it sent has not arrived.
        (Some(Exit::FINE), Ended::Incomplete) => Some(Exit::OWN_FAILURE),
        (exit, _) => exit,
    })
}

/// How tunnels have ended.
enum Ended {
    /// All that was sent has arrived.
    Complete,
    /// A connection was given up, and a person was told.
    Incomplete,
    /// A signal came first.
    Stopped,
}

/// Ends tunnels: when the last connection has ended, or at once when `stopped` is set.
async fn end(mut tunnels: JoinSet<bool>, stop: &watch::Sender<Stop>, stopped: &mut watch::Receiver<bool>) -> Ended {
    let mut complete = true;
    stop.send_replace(Stop::Finish);
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => {
                stop.send_replace(Stop::Now);
                while tunnels.join_next().await.is_some() {}
                return Ended::Stopped;
            }
            ended = tunnels.join_next() => match ended {
                // A panic in the task was reported by the panic hook.
                Some(ended) => complete &= ended.unwrap_or(false),
                None => return if complete { Ended::Complete } else { Ended::Incomplete },
            }
        }
    }
}

/// One forward with its open port.
pub(crate) struct Entry {
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
            let failed = CliError::failed(format!("cannot forward `{}`", spec.text)).caused_by(&error);
            if !error.is_about_the_port() {
                return failed;
            }
            failed.hint(format!("let ssmx choose with local port 0, as in `0:{}`", port_and_host(&spec)))
        })?;
        if let (Some(why), Some(address)) = (listener.moved(), listener.addresses().first()) {
            let preferred = spec.destination.port;
            ui.notice(format!("local port {preferred} is {why}; using {} for `{}`", address.port(), spec.text));
        }
        if listener.addresses().iter().any(|address| !address.ip().is_loopback()) {
            ui.notice(format!("other machines can reach {listener}"));
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

fn ready(ui: &Ui, output: Format, plan: &Plan, entry: &Entry, session: &Session) -> Result<(), CliError> {
    let destination = &entry.spec.destination;
    if output == Format::Table {
        let name = plan.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        ui.status(format!("{name}Forwarding {} → {}", entry.listener, destination.through(&plan.target.text)));
        return Ok(());
    }
    let addresses: Vec<String> = entry.listener.addresses().iter().map(ToString::to_string).collect();
    let object = json!({
        "forward": entry.spec.text,
        "target": plan.target.text,
        "tunnel": plan.name,
        "session": session.id(),
        "listen": addresses,
        "host": entry.listener.addresses().first().map(|address| address.ip().to_string()),
        "port": entry.listener.addresses().first().map(|address| address.port()),
        "path": entry.listener.path().map(|path| path.display().to_string()),
        "remote_host": destination.host,
        "remote_port": destination.port,
    });
    ui.json(format!("{object}\n"))
}
