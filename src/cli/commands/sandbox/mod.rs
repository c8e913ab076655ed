//! `ssmx sandbox`.

mod environment;
pub(crate) mod faults;

use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;

use super::plugin::link::{self, TemporaryLink};
use crate::cli::command::Run;
use crate::cli::descriptors::as_at_start;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::program::this_program;
use crate::cli::ui::Ui;
use crate::environment::{COMSPEC, PATH, SHELL, names};
use crate::sandbox::agent::Instances;
use crate::sandbox::{self, Fleet, Options, Sandbox};
use crate::terminal::{self, Termination, Terminations};
use environment::SandboxConfig;
use faults::{Direction, Fault};

/// The most instances that can be asked for.
const MAX_INSTANCES: u64 = 10_000;

/// Simulate AWS on this machine, with a small fleet to try every command on; no account needed
///
/// With a command, the sandbox runs it in its environment and exits with its exit code. Without one, on a terminal,
/// it opens a shell; elsewhere it prints the environment and keeps running.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// TOML file with the fleet to simulate, instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,

    /// Number of generated instances to add; a fleet has at most 10,000
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=MAX_INSTANCES as i64))]
    pub instances: u32,

    /// Speed of the agents
    #[arg(long, value_name = "PACE", value_enum, default_value_t = Pace::Fast)]
    pub agent_pace: Pace,

    /// Version that all agents report, such as 3.1.501.0
    #[arg(long, value_name = "VERSION", value_parser = agent_version)]
    pub agent_version: Option<String>,

    /// Simulate agents too old for a handshake
    #[arg(long)]
    pub no_handshake: bool,

    /// Simulate the standard hybrid tier, which refuses sessions
    #[arg(long)]
    pub standard_tier: bool,

    /// Encrypt sessions with KMS
    #[arg(long)]
    pub kms: bool,

    /// Time that every AWS API call takes, such as 100ms
    #[arg(long, value_name = "DURATION", value_parser = faults::delay)]
    pub api_latency: Option<Duration>,

    /// Refuse API calls that are too many: real, or a share of all calls, such as 0.2
    ///
    /// `real` gives each action of each region its bucket of calls, of the size and refill rate that AWS documents for
    /// EC2.
    #[arg(long, value_name = "real|SHARE", value_parser = faults::throttle)]
    pub api_throttle: Option<sandbox::Throttle>,

    /// Network faults, for one direction or both: [up:|down:]drop=0.1,dup=0.1,reorder=0.2,delay=20ms,cut=5s
    ///
    /// More faults: `silent=2s` loses everything from 2 s after the start of a session on, and `silent-for=10s` for so
    /// long: an agent that is gone. `close-above=20000` closes the connection on messages of more bytes, and
    /// `swallow-above=20000` loses them. `resume=400ms` makes ResumeSession take so long.
    #[arg(long = "fault", value_name = "FAULTS")]
    pub faults: Vec<Fault>,

    /// Seed for fault injection [default: random, printed at start]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Run this machine's sshd on the instances; you log in as the user who runs the sandbox
    #[arg(long)]
    pub sshd: bool,

    /// Command to run in the sandbox
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// How fast the agents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pace {
    /// As fast as possible
    Fast,
    /// As slow as the real agent is
    Real,
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(ui, globals, self).await
    }
}

/// Starts the sandbox, and ends it after the command or a signal.
///
/// # Errors
/// The sandbox cannot be set up.
async fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
    let mut terminations = Terminations::listen()?;
    let mut instances = Instances::new();
    if args.sshd {
        let no_sshd =
            |error: crate::sandbox::Error| CliError::failed("cannot set up the SSH servers").caused_by(&error);
        instances = instances.with_ssh_servers().map_err(no_sshd)?;
    }
    let instances = Arc::new(instances);
    let options = options(ui, globals, &args, Arc::clone(&instances))?;
    let names: Vec<String> = options.fleet.iter().filter_map(|one| one.name().map(str::to_owned)).collect();
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| CliError::failed("cannot start the sandbox").caused_by(&error))?;
    let interactive = args.command.is_empty() && terminal::is_terminal();
    let exit = if args.command.is_empty() && !interactive {
        stay(ui, &sandbox, &mut terminations).await
    } else {
        if interactive {
            welcome(ui, &sandbox, &names, instances.ssh_user());
        }
        let command = if interactive { vec![default_shell()] } else { args.command };
        run_in(&sandbox, &command, &mut terminations).await
    };
    sandbox.shutdown().await;
    instances.remove_homes();
    if interactive {
        ui.status("The sandbox has ended.");
    }
    exit
}

/// Prints the environment and stays until a signal ends it.
async fn stay(ui: &Ui, sandbox: &Sandbox, terminations: &mut Terminations) -> Result<Exit, CliError> {
    let config = config()?;
    let mut environment = sandbox.environment();
    environment.extend(config.variables().map(|(name, path)| (name.to_owned(), path.to_string_lossy().into_owned())));
    let mut exports = String::new();
    for name in foreign() {
        // A shell cannot export a name that it does not accept.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name && environment.iter().all(|(set, _)| *set != name) {
            exports.push_str(&format!("unset {name}\n"));
        }
    }
    for (name, value) in environment {
        let value = shlex::try_quote(&value).map_err(|_| CliError::failed("a variable contains a NUL byte"))?;
        exports.push_str(&format!("export {name}={value}\n"));
    }
    ui.data(exports)?;
    ui.status(format!("{BANNER}\nIt listens on {} until you interrupt it.", sandbox.endpoint()));
    let signal = terminations.next().await;
    Ok(match signal {
        // That is how one ends it.
        Termination::Interrupt | Termination::Terminate => Exit::FINE,
        signal => Exit::of_signal(signal),
    })
}

/// Runs a command in the environment of the sandbox and passes its exit code on.
async fn run_in(sandbox: &Sandbox, command: &[OsString], terminations: &mut Terminations) -> Result<Exit, CliError> {
    let (program, arguments) = command.split_first().expect("there is a command, or it is the shell");
    let mut child = Command::new(program);
    let plugin = temporary_plugin();
    child.args(arguments).env("PATH", path_with_this_program(plugin.as_ref()));
    for name in foreign() {
        child.env_remove(name);
    }
    let config = config()?;
    child.envs(sandbox.environment()).envs(config.variables());
    let mut child = as_at_start(|| child.spawn()).map_err(|error| {
        CliError::failed(format!("cannot run `{}`", program.to_string_lossy())).caused_by(&error).exit_with(NOT_FOUND)
    })?;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(|error| CliError::failed("cannot wait for the command").caused_by(&error))?;
                return Ok(Exit::of_status(status));
            }
            signal = terminations.next() => match signal {
                // The terminal has sent it to the command as well, which decides what to do.
                Termination::Interrupt | Termination::Quit => {}
                signal => {
                    if let Some(id) = child.id() {
                        terminal::forward(id, signal);
                    }
                }
            },
        }
    }
}

fn config() -> Result<SandboxConfig, CliError> {
    SandboxConfig::new().map_err(|error| CliError::failed("cannot create a folder for the sandbox").caused_by(&error))
}

/// The variables of this process that could lead a command past the sandbox.
fn foreign() -> impl Iterator<Item = String> {
    names().filter(|name| Sandbox::is_foreign(name))
}

fn options(ui: &Ui, globals: &Globals, args: &Args, instances: Arc<Instances>) -> Result<Options, CliError> {
    let unusable = |error: crate::sandbox::Error| CliError::usage("cannot set up the sandbox").caused_by(&error);
    let ssh_user = instances.ssh_user().map(str::to_owned);
    let ssh_known_hosts = instances.ssh_known_hosts().map(Path::to_owned);
    let mut options = Options { ssh_user, ssh_known_hosts, ..Options::new(instances) };
    if let Some(region) = &globals.region {
        options.region.clone_from(region);
        options.fleet = Fleet::builtin(region);
    }
    if let Some(path) = &args.fleet {
        options.fleet = Fleet::read(path, &options.region).map_err(unusable)?;
    }
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()) % 1_000_000);
    let region = options.region.clone();
    options.fleet.add_generated(args.instances as usize, seed, &region).map_err(unusable)?;
    options.pace = match args.agent_pace {
        Pace::Fast => sandbox::Pace::Fast,
        Pace::Real => sandbox::Pace::Real,
    };
    options.agent_version.clone_from(&args.agent_version);
    options.handshake = !args.no_handshake;
    options.preferences.encrypt = args.kms;
    options.standard_tier = args.standard_tier;
    options.api_latency = args.api_latency.unwrap_or_default();
    options.api_throttle = args.api_throttle.unwrap_or_default();
    options.seed = seed;
    for fault in &args.faults {
        apply(fault, &mut options);
    }
    let is_random = !args.faults.is_empty() || matches!(options.api_throttle, sandbox::Throttle::Share(_));
    if is_random && args.seed.is_none() {
        ui.status(format!("Repeat these faults with `--seed {seed}`"));
    }
    Ok(options)
}

fn apply(fault: &Fault, options: &mut Options) {
    let change = |faults: &mut sandbox::Faults| {
        faults.drop = fault.drop.unwrap_or(faults.drop);
        faults.duplicate = fault.duplicate.unwrap_or(faults.duplicate);
        faults.reorder = fault.reorder.unwrap_or(faults.reorder);
        faults.delay = fault.delay.unwrap_or(faults.delay);
        let silence = fault.silent.map(|after| sandbox::Silence { after, lasting: fault.silent_for });
        faults.silence = silence.or(faults.silence);
    };
    options.api_faults.extend(fault.resume.map(|time| sandbox::ApiFault::slow("ssm:ResumeSession", time)));
    if fault.direction != Some(Direction::Down) {
        change(&mut options.faults_to_agent);
        options.cut_client_every = fault.cut.or(options.cut_client_every);
        options.message_limit = fault.message_limit.or(options.message_limit);
    }
    if fault.direction != Some(Direction::Up) {
        change(&mut options.faults_to_client);
        options.message_limit_to_client = fault.message_limit.or(options.message_limit_to_client);
    }
    if fault.direction == Some(Direction::Down) {
        options.cut_agent_every = fault.cut.or(options.cut_agent_every);
    }
}

const BANNER: &str =
    "This is a sandbox: ssmx simulates AWS on this machine. It uses no account, and nothing leaves the machine.";

fn welcome(ui: &Ui, sandbox: &Sandbox, names: &[String], ssh_user: Option<&str>) {
    const SHOWN: usize = 12;
    let mut shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" ");
    if names.len() > SHOWN {
        shown.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    let ssh = ssh_user.map(|user| {
        format!(
            "      ssmx ssh web-1                        by SSH, as {user}: no other user\n\
             \x20                                           can log in. `SSMX_SSH_USER` is set\n"
        )
    });
    ui.status(format!(
        "{BANNER}\n\
         \n\
         Instances: {shown}\n\
         Endpoint:  {}, set in the environment of this shell, with credentials for it\n\
         \n\
         Try:  ssmx web-1                            a shell on an instance\n\
         \x20     ssmx exec web-1 web-2 -- uname -sr    a command on two\n\
         \x20     ssmx exec db -- sh -c 'exit 3'        and its exit code\n\
         {}\
         \n\
         `exit` ends the sandbox.",
        sandbox.endpoint(),
        ssh.unwrap_or_default()
    ));
}

fn default_shell() -> OsString {
    let fallback = if cfg!(windows) { "cmd.exe" } else { "sh" };
    let variable = if cfg!(windows) { COMSPEC } else { SHELL };
    variable.value().unwrap_or_else(|| fallback.into())
}

/// A plugin for the AWS CLI where there is none. Without one the CLI reports it itself.
fn temporary_plugin() -> Option<TemporaryLink> {
    if link::found().is_some() {
        return None;
    }
    TemporaryLink::new().inspect_err(|error| tracing::warn!(%error, "cannot set up the plugin for the AWS CLI")).ok()
}

/// PATH with the folder of this program first, so that the command finds this `ssmx`, and a plugin last, where none was
/// found before.
fn path_with_this_program(plugin: Option<&TemporaryLink>) -> OsString {
    let path = PATH.value().unwrap_or_default();
    let folder = this_program().ok().and_then(|program| program.parent().map(Path::to_owned));
    let plugin = plugin.map(|link| link.dir().to_owned());
    let folders = folder.into_iter().chain(std::env::split_paths(&path)).chain(plugin);
    std::env::join_paths(folders).unwrap_or(path)
}

/// The exit code of shells when there is no such program.
const NOT_FOUND: Exit = Exit::of_program(127);

fn agent_version(text: &str) -> Result<String, String> {
    let numbers: Vec<_> = text.split('.').map(str::parse::<u16>).collect();
    if numbers.len() == 4 && numbers.iter().all(Result::is_ok) {
        return Ok(text.to_owned());
    }
    Err("expected four numbers, like `3.1.501.0`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_four_numbers() {
        assert!(agent_version("3.1.501.0").is_ok());
        for bad in ["3", "3.1.501", "3.1.501.x", "3.1.501.0.1", ""] {
            assert!(agent_version(bad).is_err(), "{bad}");
        }
    }
}
