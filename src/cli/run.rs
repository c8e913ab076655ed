//! From arguments to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::ColorChoice;
use tokio::runtime::Runtime;

use super::args::{Cli, Refusal};
use super::command::Run as _;
use super::commands::completions::answer;
use super::core_dump;
use super::descriptors;
use super::error::{CliError, ErrorKind};
use super::exit::Exit;
use super::globals::Globals;
use super::session::endings;
use super::ui::{Ui, log};

/// The whole program: parses the command line, runs the command, and returns the exit code.
pub fn main() -> ExitCode {
    // A shell waits with every key press.
    if let Some(exit) = answer::answer() {
        return exit.into();
    }
    let args: Vec<_> = std::env::args_os().collect();
    match Cli::from_args(args.clone()) {
        Ok(cli) => run(cli).into(),
        Err(refusal) => refused(refusal, &args).into(),
    }
}

/// Says why the command line is not run, or what it asks to be shown.
fn refused(refusal: Refusal, args: &[OsString]) -> Exit {
    match refusal {
        Refusal::Clap(error) => {
            // Help into a pipe that closed early is not a failure.
            let _ = error.print();
            if error.exit_code() == 0 {
                return Exit::FINE;
            }
        }
        Refusal::Explained(error) => Ui::new(ColorChoice::Auto, false).error(&error),
    }
    if Cli::passes_code_through(args) { Exit::OWN_FAILURE } else { Exit::USAGE }
}

/// Runs what was typed, reports its failure and returns the exit code. No session is left behind, whatever came of it.
fn run(cli: Cli) -> Exit {
    core_dump::forbid();
    descriptors::raise();
    let Cli { globals, command, meant } = cli;
    let ui = Ui::new(globals.color, globals.quiet);
    let passes_code_through = command.passes_code_through();
    let report = |mut error: CliError| {
        if let (ErrorKind::NoTarget, Some(meant)) = (error.kind(), meant) {
            error = error.hint(format!("did you mean `{meant}`?"));
        }
        ui.error(&error);
        match error.kind() {
            // Where every other code is the remote side's, ours is one.
            kind if passes_code_through && !matches!(kind, ErrorKind::BrokenPipe | ErrorKind::Left) => {
                Exit::OWN_FAILURE
            }
            _ => error.exit(),
        }
    };
    let runtime = match runtime(&ui, &globals) {
        Ok(runtime) => runtime,
        Err(error) => return report(error),
    };
    let exit = runtime.block_on(command.run(&ui, &globals)).unwrap_or_else(report);
    runtime.block_on(endings::wait(&ui));
    // A read of standard input or a look-up of a name may still be pending, and nothing depends on them.
    runtime.shutdown_background();
    exit
}

fn runtime(ui: &Ui, globals: &Globals) -> Result<Runtime, CliError> {
    log::init(ui, globals.verbose, globals.log_file.as_deref())?;
    // Only now: a mistake on the command line needs no threads.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| CliError::failed("cannot start the runtime").caused_by(&error))
}
