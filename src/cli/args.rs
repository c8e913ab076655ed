//! The command line, as it is typed.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser};

use super::commands::ssh::arguments;
use super::commands::{Command, passes_code_through, plugin};
use super::error::CliError;
use super::globals::Globals;
use super::{implied_shell, typo};
use crate::terminal;

/// Open shells, run commands and forward ports on EC2 and hybrid instances through AWS Systems Manager, without open
/// ports or bastion hosts
#[derive(Debug, Parser)]
#[command(
    name = "ssmx",
    version,
    override_usage = "ssmx [OPTIONS] [TARGET] [-- COMMAND…]\n       ssmx [OPTIONS] <COMMAND>",
    after_help = "`ssmx TARGET` is short for `ssmx shell TARGET`. No AWS account at hand? Try `ssmx sandbox`.",
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub(crate) struct Cli {
    /// The flags that every command has.
    #[command(flatten)]
    pub globals: Globals,

    #[command(subcommand)]
    pub command: Command,

    /// The line that was probably meant, if the first word was taken for a target and resembles a command.
    #[arg(skip)]
    pub meant: Option<String>,
}

/// Why a command line is not run.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It asks for help or the version, or cannot be understood; the error knows what to print and where.
    Clap(clap::Error),
    /// It cannot be understood, and this is probably why.
    Explained(CliError),
}

impl Cli {
    /// Takes the arguments apart, the first of which is the name of the program.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(crate) fn from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, Refusal> {
        Self::read(args.into_iter().collect(), terminal::can_ask())
    }

    /// `asks`: the person can choose an instance if none is named.
    fn read(args: Vec<OsString>, asks: bool) -> Result<Self, Refusal> {
        let typed = plugin::as_called_by_name(args);
        let (args, implied_at) = implied_shell::insert(Self::command(), typed.clone(), asks);
        let mut definition = Self::command();
        definition.build();
        match Self::parse_words(args) {
            Ok(cli) => {
                let meant = implied_at.and_then(|at| typo::corrected(&definition, &typed, at, Self::fits));
                Ok(Self { meant, ..cli })
            }
            Err(error) => {
                let explained = typo::explain(&definition, &typed, implied_at, &error, Self::fits, Self::runs_in_shell);
                Err(explained.map_or(Refusal::Clap(error), Refusal::Explained))
            }
        }
    }

    fn parse_words(args: Vec<OsString>) -> Result<Self, clap::Error> {
        let args = arguments::set_apart(Self::command(), args);
        let mut parsed = Self::command().try_get_matches_from(args).and_then(|found| Self::from_arg_matches(&found));
        if let Err(error) = &mut parsed
            && matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(arg)) if arg.starts_with('-'))
        {
            // It would be `-- --flag`, which makes the flag a command.
            error.remove(ContextKind::Suggested);
        }
        parsed
    }

    /// Whether the command that is typed would end with the code of another program.
    pub(crate) fn passes_code_through(args: &[OsString]) -> bool {
        let mut definition = Self::command();
        definition.build();
        let at = implied_shell::command_at(&definition, args);
        let name = args.get(at).and_then(|word| word.to_str());
        name.is_some_and(|name| passes_code_through(name, &args[at + 1..]))
    }

    /// Whether a line is understood, or would be if it went on: a command may have been typed to see its help.
    fn fits(words: &[OsString]) -> bool {
        use ErrorKind::{
            DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, MissingRequiredArgument,
            MissingSubcommand,
        };
        Self::parse_words(words.to_vec()).err().is_none_or(|error| {
            matches!(
                error.kind(),
                DisplayHelp
                    | DisplayVersion
                    | DisplayHelpOnMissingArgumentOrSubcommand
                    | MissingRequiredArgument
                    | MissingSubcommand
            )
        })
    }

    /// Whether a line is that of a shell with a target and a command.
    fn runs_in_shell(words: &[OsString]) -> bool {
        let (words, _) = implied_shell::insert(Self::command(), words.to_vec(), false);
        match Self::parse_words(words) {
            Ok(Self { command: Command::Shell(shell), .. }) => shell.target.is_some() && !shell.command.is_empty(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
