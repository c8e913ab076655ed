//! `ssmx exec`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use crate::aws::StartSession;
use crate::channel::Options;
use crate::cli::advice;
use crate::cli::context::{Context, Wanted};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::target::choose;
use crate::cli::target::lookup::{self, Says};
use crate::cli::target::reason::reasons;
use crate::config::{Key, Selector};
use crate::fleet::diagnose::Purpose;
use crate::fleet::{Instance, TargetState};
use crate::session::{self, Decoding, Direct, Executed, Prefixed, Shared, Sink, command};
use crate::terminal::{Termination, Terminations};

/// Run a command without a terminal; its exit code becomes ours
///
/// Standard output and standard error stay apart, and the arguments reach the remote program exactly as given. With
/// several targets the command runs on all side by side, every line is prefixed with its target, and the worst exit code
/// becomes ours. A failure of ssmx itself exits with 255.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instances: their ids (i-…, mi-…), Names, addresses, tags as key=value, or aliases [default: you choose]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Of several instances that a TARGET means, the best one
    #[arg(long, conflicts_with = "all", requires = "targets")]
    pub first: bool,

    /// All instances that a TARGET means, but those that do not run
    #[arg(long, requires = "targets")]
    pub all: bool,

    /// Session document, in place of AWS-StartNonInteractiveCommand
    #[arg(long, value_name = "NAME")]
    pub document: Option<String>,

    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Bring the output over byte by byte; without it, the remote side replaces what is no valid text
    #[arg(long)]
    pub binary: bool,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Sessions that run at the same time at most. StartSession is throttled for the whole account.
const SIDE_BY_SIDE: usize = 16;

/// Runs the command.
///
/// # Errors
/// The sessions cannot be had or were lost.
pub(crate) async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let command = if args.binary { command::encoded(&args.command) } else { command::non_interactive(&args.command) };
    let command = command.map_err(|error| CliError::usage(error.to_string()))?;
    let mut wanted = choose::several(context, &args.targets).await?;
    if args.first || args.all {
        wanted = expand(context, wanted, args.all).await?;
    }
    let reasons = reasons(args.reason.as_deref(), wanted.iter().map(|wanted| &wanted.settings))?;
    let targets = wanted.into_iter().zip(reasons).map(|(wanted, reason)| {
        let document = args.document.as_deref().or_else(|| wanted.settings.text(Key::ExecDocument)).map(str::to_owned);
        Run { wanted, reason, document }
    });
    let job = Job { context: context.clone(), command, binary: args.binary, stopped: Arc::default() };
    let mut targets: Vec<Run> = targets.collect();
    match (targets.pop(), targets.as_slice()) {
        (Some(only), []) => {
            let sink = Direct::new().map_err(|error| CliError::stdout(&error))?;
            job.run(&only, None, sink).await
        }
        (last, _) => side_by_side(&job, targets.into_iter().chain(last)).await,
    }
}

/// Each instance that the targets mean once, or the best one of each target. They go by their names as far as those tell
/// them apart.
async fn expand(context: &Context, targets: Vec<Wanted>, all: bool) -> Result<Vec<Wanted>, CliError> {
    let mut found: Vec<(Instance, Wanted)> = Vec::new();
    for wanted in targets {
        let aws = context.aws(&wanted.settings).await?;
        for instance in lookup::instances(&context.ui, &aws, &wanted, all).await? {
            if found.iter().all(|(other, _)| (&other.id, &other.place) != (&instance.id, &instance.place)) {
                found.push((instance, wanted.clone()));
            }
        }
    }
    let is_down = |instance: &Instance| matches!(instance.status, TargetState::Down(_));
    // If none of them runs, the failure to reach one says so.
    if all && !found.iter().all(|(instance, _)| is_down(instance)) {
        for (instance, _) in found.extract_if(.., |(instance, _)| is_down(instance)) {
            context.ui.notice(format!("{} is left out", instance.target()));
        }
    }
    let names: Vec<_> = found.iter().map(|(instance, _)| instance.name.clone()).collect();
    let several = |name: &String| names.iter().flatten().filter(|other| *other == name).count() > 1;
    let one = |(instance, wanted): (Instance, Wanted)| Wanted {
        text: instance.name.filter(|name| !several(name)).unwrap_or_else(|| instance.id.clone()),
        selector: Some(Selector::Id(instance.id)),
        settings: wanted.settings,
    };
    Ok(found.into_iter().map(one).collect())
}

/// Runs the job on every target and returns the worst code, a failure of our own being the worst of all.
async fn side_by_side(job: &Job, mut targets: impl Iterator<Item = Run>) -> Result<Exit, CliError> {
    let shared = Shared::new().map_err(|error| CliError::stdout(&error))?;
    let mut running = JoinSet::new();
    let mut worst = Exit::FINE;
    loop {
        // Whoever interrupts does not want the rest to begin.
        while !job.stopped.load(Ordering::Relaxed)
            && running.len() < SIDE_BY_SIDE
            && let Some(run) = targets.next()
        {
            let (job, shared) = (job.clone(), shared.clone());
            running.spawn(async move {
                let target = run.wanted.text.clone();
                let sink = Prefixed::new(&target, shared);
                (job.run(&run, Some(target.clone()), sink).await, target)
            });
        }
        let Some(ended) = running.join_next().await else { return Ok(worst) };
        let exit = match ended {
            Ok((Ok(exit), _)) => exit,
            Ok((Err(error), _)) if error.kind() == ErrorKind::BrokenPipe => return Err(error),
            Ok((Err(error), target)) => {
                job.context.ui.error(&error.about(&target));
                Exit::OWN_FAILURE
            }
            Err(_) => Exit::OWN_FAILURE,
        };
        worst = worst.worse(exit);
    }
}

/// What is to be done on each target.
#[derive(Clone)]
struct Job {
    context: Context,
    /// As the document takes it.
    command: String,
    binary: bool,
    /// A signal has told us to stop.
    stopped: Arc<AtomicBool>,
}

/// Where it is to be done.
struct Run {
    wanted: Wanted,
    reason: Option<String>,
    /// In place of the usual one.
    document: Option<String>,
}

impl Run {
    fn request(&self, command: &str) -> StartSession {
        // Without separate streams there is no exit code. Documents of one's own need not know the parameter.
        let separate = self.document.is_none().then(|| (SEPARATE.to_owned(), vec!["true".to_owned()]));
        StartSession {
            target: String::new(),
            document: Some(self.document.clone().unwrap_or_else(|| DOCUMENT.to_owned())),
            parameters: [("command".to_owned(), vec![command.to_owned()])].into_iter().chain(separate).collect(),
            reason: self.reason.clone(),
        }
    }
}

impl Job {
    async fn run<S: Sink>(&self, run: &Run, name: Option<String>, sink: S) -> Result<Exit, CliError> {
        let ui = &self.context.ui;
        let mut terminations =
            Terminations::listen().map_err(|error| CliError::failed("cannot listen for signals").caused_by(&error))?;
        let open = async {
            let aws = self.context.aws(&run.wanted.settings).await?;
            let target = match &name {
                // Several at once cannot ask.
                Some(_) => lookup::target(ui, &aws, &run.wanted).await?,
                None => lookup::target_asking(ui, &aws, &run.wanted).await?,
            };
            lookup::session(ui, &aws, &target, run.request(&self.command), Options::with_handshake()).await
        };
        let channel = tokio::select! {
            channel = open => channel?,
            signal = terminations.next() => return Ok(self.stop(signal)),
        };
        let says = Says { ui: ui.clone(), name };
        let executed = if self.binary {
            session::exec(channel, &mut Decoding::new(sink), &mut terminations, &says).await
        } else {
            let mut sink = sink;
            session::exec(channel, &mut sink, &mut terminations, &says).await
        };
        if let Executed::Stopped(signal) = executed {
            return Ok(self.stop(signal));
        }
        judge(executed, run.document.is_none())
    }

    fn stop(&self, signal: Termination) -> Exit {
        self.stopped.store(true, Ordering::Relaxed);
        Exit::of_program(signal.exit_code())
    }
}

/// What a command's end means for us. `tells_code`: the document is one that tells the command's exit code.
pub(crate) fn judge(executed: Executed, tells_code: bool) -> Result<Exit, CliError> {
    match executed {
        // The agent says -1 for a command that a signal has ended.
        Executed::Code(Some(code)) => Ok(Exit::of_program(u8::try_from(code).unwrap_or(255))),
        Executed::Code(None) if tells_code => {
            Err(CliError::failed("the session ended before the command had told its exit code")
                .hint("somebody may have terminated the session, or the agent was stopped")
                .hint(format!(
                    "agents older than {} never tell it: update the SSM agent of the instance",
                    Purpose::ExitCode.needs()
                )))
        }
        Executed::Code(None) => Ok(Exit::FINE),
        Executed::Ended(end) => Err(advice::failure(end)
            .unwrap_or_else(|| CliError::new(ErrorKind::Lost, "the session was ended before the command was"))),
        Executed::Stopped(signal) => Ok(Exit::of_program(signal.exit_code())),
        Executed::Output(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(CliError::failed("the output cannot be decoded")
                .caused_by(&error)
                .hint("`--binary` needs `sh` and `base64` on the instance"))
        }
        Executed::Output(error) => Err(CliError::stdout(&error)),
    }
}

/// The document for commands without a terminal.
const DOCUMENT: &str = "AWS-StartNonInteractiveCommand";

/// The parameter of it that keeps the streams apart.
const SEPARATE: &str = "separateOutputStream";
