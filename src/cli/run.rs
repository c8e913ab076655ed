//! From arguments to an exit code.

use std::process::ExitCode;

use super::args::{Cli, Command};
use super::commands::completions::answer;
use super::commands::ssh::{self, config as ssh_config, scp};
use super::commands::{completions, config, exec, fwd, ls, pick, plugin, proxy, sandbox, shell, status};
use super::context::Context;
use super::core_dump;
use super::error::{CliError, ErrorKind};
use super::exit::Exit;
use super::globals::Globals;
use super::ui::Ui;
use super::ui::log;

/// The whole program: parses the command line, runs the command, and returns the exit code.
pub fn main() -> ExitCode {
    // A shell waits with every key press.
    if let Some(exit) = answer::answer() {
        return exit.into();
    }
    match Cli::from_args(std::env::args_os()) {
        Ok(cli) => run(cli).into(),
        Err(error) => {
            // Help into a pipe that closed early is no failure worth a word.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}

/// Runs what was typed, reports its failure and returns the exit code.
fn run(cli: Cli) -> Exit {
    core_dump::forbid();
    let Cli { globals, command, mistyped } = cli;
    let ui = Ui::new(globals.color, globals.quiet);
    let passes_code_through = match &command {
        Command::Exec(_) | Command::Ssh(_) | Command::Scp(_) => true,
        Command::Fwd(args) => !args.command.is_empty(),
        _ => false,
    };
    try_run(&ui, &globals, command).unwrap_or_else(|mut error| {
        match mistyped {
            Some(meant) if error.kind() == ErrorKind::NoTarget => {
                error = error.hint(format!("did you mean `ssmx {meant}`?"));
            }
            _ => {}
        }
        ui.error(&error);
        match error.kind() {
            // Where every other code is the remote side's, ours is one.
            kind if passes_code_through && !matches!(kind, ErrorKind::BrokenPipe | ErrorKind::Left) => {
                Exit::OWN_FAILURE
            }
            _ => error.exit(),
        }
    })
}

fn try_run(ui: &Ui, globals: &Globals, command: Command) -> Result<Exit, CliError> {
    log::init(ui, globals.verbose, globals.log_file.as_deref())?;
    // Only now: a mistake on the command line needs no threads.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed("cannot start the runtime").caused_by(&error))?;
    let result = runtime.block_on(async {
        // Only for those who go by it: what corrects a configuration must work with a broken one.
        let context = || Context::load(ui, globals);
        match command {
            Command::Shell(args) => shell::run(&context()?, args).await,
            Command::Exec(args) => exec::run(&context()?, args).await,
            Command::Ls(args) => ls::run(&context()?, args).await,
            Command::Status(args) => status::run(&context()?, args).await,
            Command::Fwd(args) => fwd::run(&context()?, args).await,
            Command::Pick(args) => pick::run(&context()?, args).await,
            Command::Plugin(args) => plugin::run(ui, globals, args).await,
            Command::Ssh(args) => ssh::run(&context()?, args).await,
            Command::Scp(args) => scp::run(&context()?, args).await,
            Command::Proxy(args) => proxy::run(&context()?, args).await,
            Command::SshConfig(args) => ssh_config::run(ui, globals, args),
            Command::Config(args) => config::run(ui, globals, args),
            Command::Sandbox(args) => sandbox::run(ui, globals, args).await,
            Command::Completions(args) => completions::run(ui, args),
        }
    });
    // A read of standard input or a look-up of a name may still be pending; nobody waits for those.
    runtime.shutdown_background();
    result
}
