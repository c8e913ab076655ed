//! `ssmx exec`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::advice;
use super::args::Globals;
use super::connect::{self, Says};
use super::error::{CliError, ErrorKind};
use super::exit::Exit;
use super::ui::Ui;
use crate::aws::{Aws, StartSession};
use crate::channel::Options;
use crate::session::{self, Decoding, Direct, Executed, Prefixed, Shared, Sink, command};
use crate::terminal::{Termination, Terminations};

/// Run a command without a terminal; its exit code becomes ours
///
/// Standard output and standard error stay apart, and the arguments reach the remote program exactly as given. With
/// several targets the command runs on all side by side, every line is prefixed with its target, and the worst exit code
/// becomes ours. A failure of ssmx itself exits with 255.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The instances: their ids (i-…, mi-…) or Names
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,

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
pub async fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
    let command = if args.binary { command::encoded(&args.command) } else { command::non_interactive(&args.command) };
    let command = command.map_err(|error| CliError::usage(error.to_string()))?;
    // Without separate streams there is no exit code. Documents of one's own need not know the parameter.
    let separate = args.document.is_none().then(|| (SEPARATE.to_owned(), vec!["true".to_owned()]));
    let request = StartSession {
        target: String::new(),
        document: Some(args.document.clone().unwrap_or_else(|| DOCUMENT.to_owned())),
        parameters: [("command".to_owned(), vec![command])].into_iter().chain(separate).collect(),
        reason: args.reason.clone(),
    };
    let job = Job {
        ui: ui.clone(),
        request,
        binary: args.binary,
        tells_code: args.document.is_none(),
        stopped: Arc::default(),
    };
    let aws = connect::aws(ui, globals).await?;
    match args.targets.as_slice() {
        [target] => {
            let sink = Direct::new().map_err(|error| CliError::stdout(&error))?;
            job.run(&aws, target, None, sink).await
        }
        targets => side_by_side(&job, &aws, targets).await,
    }
}

/// Runs the job on every target and returns the worst code, a failure of our own being the worst of all.
async fn side_by_side(job: &Job, aws: &Aws, targets: &[String]) -> Result<Exit, CliError> {
    let shared = Shared::new().map_err(|error| CliError::stdout(&error))?;
    let mut targets = targets.iter().cloned();
    let mut running = JoinSet::new();
    let mut worst = Exit::FINE;
    loop {
        // Whoever interrupts does not want the rest to begin.
        while !job.stopped.load(Ordering::Relaxed)
            && running.len() < SIDE_BY_SIDE
            && let Some(target) = targets.next()
        {
            let (job, aws, shared) = (job.clone(), aws.clone(), shared.clone());
            running.spawn(async move {
                let sink = Prefixed::new(&target, shared);
                (job.run(&aws, &target, Some(target.clone()), sink).await, target)
            });
        }
        let Some(ended) = running.join_next().await else { return Ok(worst) };
        let exit = match ended {
            Ok((Ok(exit), _)) => exit,
            Ok((Err(error), _)) if error.kind() == ErrorKind::BrokenPipe => return Err(error),
            Ok((Err(error), target)) => {
                job.ui.error(&error.about(&target));
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
    ui: Ui,
    request: StartSession,
    binary: bool,
    /// Whether the document tells the command's exit code.
    tells_code: bool,
    /// A signal has told us to stop.
    stopped: Arc<AtomicBool>,
}

impl Job {
    async fn run<S: Sink>(&self, aws: &Aws, target: &str, name: Option<String>, sink: S) -> Result<Exit, CliError> {
        let mut terminations =
            Terminations::listen().map_err(|error| CliError::failed("cannot listen for signals").caused_by(&error))?;
        let open = async {
            let target = connect::target(&self.ui, aws, target).await?;
            connect::session(&self.ui, aws, &target, self.request.clone(), Options::with_handshake()).await
        };
        let channel = tokio::select! {
            channel = open => channel?,
            signal = terminations.next() => return Ok(self.stop(signal)),
        };
        let says = Says { ui: self.ui.clone(), name };
        let executed = if self.binary {
            session::exec(channel, &mut Decoding::new(sink), &mut terminations, &says).await
        } else {
            let mut sink = sink;
            session::exec(channel, &mut sink, &mut terminations, &says).await
        };
        if let Executed::Stopped(signal) = executed {
            return Ok(self.stop(signal));
        }
        judge(executed, self.tells_code)
    }

    fn stop(&self, signal: Termination) -> Exit {
        self.stopped.store(true, Ordering::Relaxed);
        Exit::of_program(signal.exit_code())
    }
}

/// What a command's end means for us. `tells_code`: the document is one that tells the command's exit code.
pub(super) fn judge(executed: Executed, tells_code: bool) -> Result<Exit, CliError> {
    match executed {
        // The agent says -1 for a command that a signal has ended.
        Executed::Code(Some(code)) => Ok(Exit::of_program(u8::try_from(code).unwrap_or(255))),
        Executed::Code(None) if tells_code => {
            Err(CliError::failed("the session ended before the command had told its exit code")
                .hint("somebody may have terminated the session, or the agent was stopped")
                .hint("agents older than 3.1.1511.0 never tell it: update the SSM agent of the instance"))
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
