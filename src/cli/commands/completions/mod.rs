//! `ssmx completions`: the scripts that make shells ask ssmx what can stand at the cursor. The answers come from
//! [`answer`].

pub(crate) mod answer;
mod known;
mod programs;
mod quoting;
mod regions;
mod values;

use clap_complete::env::Shells;

use crate::cli::command::Run;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::ui::Ui;
use crate::environment::COMPLETE;

/// Print a completion script for a shell
///
/// With it, Tab completes commands, flags, profiles, regions, tunnels and targets. Instance names come from the last
/// listing; completion never asks AWS. `install.sh` installs the scripts for bash, zsh and fish. To do it by hand,
/// add one line to a startup file:
///
/// bash, in ~/.bashrc: eval "$(ssmx completions bash)"
///
/// zsh, in ~/.zshrc, after compinit: eval "$(ssmx completions zsh)"
///
/// fish, in ~/.config/fish/config.fish: ssmx completions fish | source
///
/// elvish, in ~/.config/elvish/rc.elv: eval (ssmx completions elvish | slurp)
///
/// PowerShell, in $PROFILE: ssmx completions powershell | Out-String | Invoke-Expression
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shell to print the script for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl Run for Args {
    async fn run(self, ui: &Ui, _globals: &Globals) -> Result<Exit, CliError> {
        run(ui, self)
    }
}

/// Runs the command.
///
/// # Errors
/// Standard output cannot be written.
fn run(ui: &Ui, Args { shell }: Args) -> Result<Exit, CliError> {
    ui.data(script(shell).map_err(|error| CliError::failed("cannot write the script").caused_by(&error))?)?;
    Ok(Exit::FINE)
}

/// The script of a shell.
///
/// Those of bash, zsh and PowerShell are our own: the ones that come with clap do not expect names with spaces, take words
/// with a colon for several, answer nothing the first time in a zsh that loads them by itself, and have PowerShell run what
/// is on the line.
fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    match shell {
        Shell::Bash => return Ok(include_bytes!("../../../../completions/ssmx.bash").to_vec()),
        Shell::Zsh => return Ok(include_bytes!("../../../../completions/_ssmx").to_vec()),
        Shell::Powershell => return Ok(include_bytes!("../../../../completions/_ssmx.ps1").to_vec()),
        Shell::Fish | Shell::Elvish => {}
    }
    let mut script = Vec::new();
    if let Some(generator) = Shells::builtins().completer(shell.name()) {
        generator.write_registration(COMPLETE.name, "ssmx", "ssmx", "ssmx", &mut script)?;
    }
    // Without the empty lines around it.
    let text = String::from_utf8_lossy(&script);
    Ok(format!("# Completion for ssmx, printed by `ssmx completions {}`.\n{}\n", shell.name(), text.trim()).into())
}

impl Shell {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Elvish => "elvish",
        }
    }

    /// Whether it shows a description beside a candidate.
    pub(crate) fn shows_help(self) -> bool {
        !matches!(self, Self::Bash | Self::Elvish)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Bash, Self::Zsh, Self::Fish, Self::Powershell, Self::Elvish]
            .into_iter()
            .find(|shell| shell.name() == name)
    }
}
