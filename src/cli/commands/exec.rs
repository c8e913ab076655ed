//! `ssmx exec`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::channel::Channel;
use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::session::observer::UiObserver;
use crate::cli::session::outcome;
use crate::cli::session::platform;
use crate::cli::session::start::{Started, open, start, unless_stopped};
use crate::cli::target::choose;
use crate::cli::target::lookup::{self, Ambiguity};
use crate::cli::target::reason::reasons;
use crate::cli::ui::Ui;
use crate::config::{Key, Selector};
use crate::fleet::{Instance, TargetState};
use crate::session::pipe::{Carrier, Pipe};
use crate::session::{self, Command, Decoding, Dialect, Direct, Executed, Prefixed, SessionRequest, Shared, Sink};
use crate::terminal::{self, Terminations};
use crate::text::printable;

/// Run a command without a terminal and exit with its exit code
///
/// Standard output and standard error stay separate, and the arguments reach the remote program exactly as given.
/// With several targets the command runs on all of them in parallel, each output line is prefixed with its target,
/// and ssmx exits with the highest exit code. If ssmx itself fails, it exits with 255.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instances: ids (i-…, mi-…), Names, addresses, tags as key=value, or aliases [default: choose on the
    /// terminal]
    #[arg(value_name = "TARGET", add = Completes::Targets)]
    pub targets: Vec<String>,

    /// If TARGET matches several instances, use the best match
    #[arg(long, conflicts_with = "all", requires = "targets")]
    pub first: bool,

    /// Run on every instance TARGET matches, except those that are not running
    #[arg(long, requires = "targets")]
    pub all: bool,

    /// Session document, instead of AWS-StartNonInteractiveCommand
    #[arg(long, value_name = "NAME", add = Completes::Documents)]
    pub document: Option<String>,

    /// Reason for the session, for the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Transfer output unchanged; otherwise the agent replaces invalid UTF-8
    #[arg(long)]
    pub binary: bool,

    /// Pass standard input on to the command, through a second session; not on Windows, and to one target only
    #[arg(long, conflicts_with = "all")]
    pub stdin: bool,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Sessions that run at the same time at most. StartSession is throttled for the whole account.
const SIDE_BY_SIDE: usize = 16;

impl Run for Args {
    fn passes_code_through(&self) -> bool {
        true
    }

    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        let context = Context::load(ui, globals)?;
        let mut command = Command::plain(&self.command)?;
        if self.binary {
            command = command.with_encoded_output();
        }
        let pipe = self.stdin.then(Pipe::new);
        if let Some(pipe) = &pipe {
            command = command.reading(pipe);
        }
        let targets = choose::several(&context, &self.targets).await?;
        let targets: Vec<_> = if self.first || self.all {
            expand(&context, targets, self.all).await?
        } else {
            targets.into_iter().map(|target| (target, None)).collect()
        };
        let reasons = reasons(self.reason.as_deref(), targets.iter().map(|(target, _)| &target.settings))?;
        let jobs = targets.into_iter().zip(reasons).map(|((target, dialect), reason)| {
            let document = self.document.as_deref().or_else(|| target.settings.text(Key::ExecDocument));
            let session = SessionRequest::command(command.clone())
                .with_document(document)
                .with_dialect(dialect)
                .with_reason(reason.clone());
            Job { target, session, reason }
        });
        let mut jobs: Vec<Job> = jobs.collect();
        let mut unread = Unread { ui, is_passed_on: self.stdin, is_said: false };
        unread.say();
        let runner = Runner { context, binary: self.binary, stopped: Arc::default() };
        let ended = match (jobs.pop(), jobs.as_slice(), pipe) {
            (Some(only), [], pipe) => {
                let sink = Direct::new().map_err(|error| CliError::stdout(&error))?;
                match pipe {
                    None => runner.run(&only, None, sink).await,
                    Some(pipe) => runner.run_with_input(&only, &pipe, sink).await,
                }
            }
            (_, _, Some(_)) => Err(CliError::usage("`--stdin` takes one target: the input can be read only once")),
            (last, _, None) => side_by_side(&runner, jobs.into_iter().chain(last)).await,
        };
        unread.say();
        ended
    }
}

/// Says once that the command is not given what is on standard input.
struct Unread<'a> {
    ui: &'a Ui,
    is_passed_on: bool,
    is_said: bool,
}

impl Unread<'_> {
    /// What is not there at the start may have come by the end.
    fn say(&mut self) {
        if !self.is_passed_on && !self.is_said && terminal::has_unread_input() {
            self.ui.notice(
                "standard input is not given to the command: `--stdin` passes it on, `</dev/null` silences this",
            );
            self.is_said = true;
        }
    }
}

/// Each instance that the targets mean once, or the best one of each target. They go by their names where those are
/// unique.
async fn expand(
    context: &Context,
    targets: Vec<TargetRequest>,
    all: bool,
) -> Result<Vec<(TargetRequest, Option<Dialect>)>, CliError> {
    let mut found: Vec<(Instance, TargetRequest)> = Vec::new();
    for target in targets {
        let aws = context.aws(&target.settings).await?;
        for instance in lookup::instances(&context.ui, &aws, &target, all).await? {
            if found.iter().all(|(other, _)| (&other.id, &other.place) != (&instance.id, &instance.place)) {
                found.push((instance, target.clone()));
            }
        }
    }
    let is_down = |instance: &Instance| matches!(instance.status, TargetState::Down(_));
    // If none of them runs, they stay, and the failure to reach them is the answer.
    if all && !found.iter().all(|(instance, _)| is_down(instance)) {
        for (instance, _) in found.extract_if(.., |(instance, _)| is_down(instance)) {
            context.ui.notice(format!("skipping {}: it is not running", instance.target()));
        }
    }
    let names: Vec<_> = found.iter().map(|(instance, _)| instance.name.clone()).collect();
    let several = |name: &str| names.iter().flatten().filter(|other| *other == name).count() > 1;
    let one = |(instance, target): (Instance, TargetRequest)| {
        let dialect = instance.platform.map(platform::reader);
        let request = TargetRequest {
            text: printable(instance.name.as_deref().filter(|name| !several(name)).unwrap_or(&instance.id))
                .into_owned(),
            selector: Some(Selector::Id(instance.id)),
            settings: target.settings,
        };
        (request, dialect)
    };
    Ok(found.into_iter().map(one).collect())
}

/// Runs all jobs and returns the worst code, a failure of our own being the worst of all.
async fn side_by_side(runner: &Runner, mut jobs: impl Iterator<Item = Job>) -> Result<Exit, CliError> {
    let shared = Shared::new().map_err(|error| CliError::stdout(&error))?;
    let mut terminations = Terminations::listen()?;
    let mut running = JoinSet::new();
    let mut worst = Exit::FINE;
    loop {
        // After an interrupt the rest does not begin.
        while !runner.stopped.load(Ordering::Relaxed)
            && running.len() < SIDE_BY_SIDE
            && let Some(job) = jobs.next()
        {
            let (runner, shared) = (runner.clone(), shared.clone());
            running.spawn(async move {
                let name = printable(&job.target.text).into_owned();
                let sink = Prefixed::new(&name, shared);
                (runner.run(&job, Some(&name), sink).await, name)
            });
        }
        let ended = tokio::select! {
            ended = running.join_next() => ended,
            // The commands that run hear it by themselves.
            _ = terminations.next(), if !runner.stopped.load(Ordering::Relaxed) => {
                runner.stopped.store(true, Ordering::Relaxed);
                continue;
            }
        };
        let Some(ended) = ended else { return Ok(worst) };
        let exit = match ended {
            Ok((Ok(exit), _)) => exit,
            Ok((Err(error), _)) if error.kind() == ErrorKind::BrokenPipe => return Err(error),
            Ok((Err(error), _)) if error.kind() == ErrorKind::Left => error.exit(),
            Ok((Err(error), name)) => {
                runner.context.ui.error(&error.about(&name));
                Exit::OWN_FAILURE
            }
            Err(_) => Exit::OWN_FAILURE,
        };
        worst = worst.worse(exit);
    }
}

/// The command on one target.
struct Job {
    target: TargetRequest,
    session: SessionRequest,
    reason: Option<String>,
}

/// Runs jobs.
#[derive(Clone)]
struct Runner {
    context: Context,
    /// The output comes encoded.
    binary: bool,
    /// A signal has ended a job.
    stopped: Arc<AtomicBool>,
}

impl Runner {
    async fn run<S: Sink>(&self, job: &Job, name: Option<&str>, mut sink: S) -> Result<Exit, CliError> {
        // Several at once cannot ask.
        let ambiguity = if name.is_some() { Ambiguity::Refuse } else { Ambiguity::Ask };
        let started = start(&self.context, &job.target, &job.session, ambiguity).await;
        let Started { channel, mut terminations } = started.inspect_err(|error| {
            if error.kind() == ErrorKind::Left {
                self.stopped.store(true, Ordering::Relaxed);
            }
        })?;
        let observer = UiObserver::new(&self.context.ui, name);
        let executed = self.execute(channel, &mut sink, &mut terminations, &observer).await;
        self.ended(executed, job, &observer)
    }

    /// Runs the command with our standard input, which a session of its own carries there.
    async fn run_with_input<S: Sink>(&self, job: &Job, pipe: &Pipe, mut sink: S) -> Result<Exit, CliError> {
        let mut terminations = Terminations::listen()?;
        let ui = &self.context.ui;
        let observer = UiObserver::new(ui, None);
        let opening = async {
            let aws = self.context.aws(&job.target.settings).await?;
            let found = lookup::target(ui, &aws, &job.target, Ambiguity::Ask).await?;
            let session = job.session.clone().with_dialect(Some(platform::dialect(&aws, &found.target).await));
            // A command that cannot be sent needs no input.
            session.on(&found.target.id, Dialect::default())?;
            let carrier = SessionRequest::interactive(Command::carrier(pipe)).with_reason(job.reason.clone());
            let carrier = open(ui, &aws, &found, &carrier).await?;
            let carrier = Carrier::prepared(carrier, &observer).await?;
            match open(ui, &aws, &found, &session).await {
                Ok(channel) => Ok((carrier, channel)),
                Err(error) => {
                    carrier.terminate().await;
                    Err(error)
                }
            }
        };
        let (carrier, channel) = unless_stopped(&mut terminations, opening).await?;
        let (running, ended) = oneshot::channel();
        let running = async {
            let executed = self.execute(channel, &mut sink, &mut terminations, &observer).await;
            drop(running);
            executed
        };
        match tokio::join!(running, carrier.carry(ended, &observer)) {
            (executed @ Executed::Stopped(_), _) | (executed, Ok(())) => self.ended(executed, job, &observer),
            (_, Err(error)) => Err(error.into()),
        }
    }

    async fn execute<S: Sink>(
        &self,
        channel: Channel,
        sink: &mut S,
        terminations: &mut Terminations,
        observer: &UiObserver,
    ) -> Executed {
        match self.binary {
            true => session::exec(channel, &mut Decoding::new(sink), terminations, observer).await,
            false => session::exec(channel, sink, terminations, observer).await,
        }
    }

    fn ended(&self, executed: Executed, job: &Job, observer: &UiObserver) -> Result<Exit, CliError> {
        match &executed {
            Executed::Stopped(_) => self.stopped.store(true, Ordering::Relaxed),
            // As Windows has them: more than fits into the exit code of a process here.
            Executed::Code(Some(code)) if u8::try_from(*code).is_err() && *code != SIGNALLED => {
                // Windows counts some of them as negative numbers of 32 bits.
                let bits = *code as u32;
                observer.notice(&format!("the exit code of the command is {code} (0x{bits:08X})"));
            }
            _ => {}
        }
        outcome::of_command(executed, job.session.reports_exit_code())
    }
}

/// What agents report for a command that a signal has ended.
const SIGNALLED: i64 = -1;
