//! The command line, as it is typed.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::commands::ssh::{self, arguments, config as ssh_config, scp};
use super::commands::{completions, config, exec, fwd, ls, pick, plugin, proxy, sandbox, shell, status};
use super::globals::Globals;
use super::implied_shell;
use crate::picker;

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

    /// The command.
    #[command(subcommand)]
    pub command: Command,

    /// The command that was probably meant by a first word that was taken for a target.
    #[arg(skip)]
    pub mistyped: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(alias = "sh")]
    Shell(shell::Args),
    Exec(exec::Args),
    Ls(ls::Args),
    Status(status::Args),
    Fwd(fwd::Args),
    Pick(pick::Args),
    Plugin(plugin::Args),
    Ssh(ssh::Args),
    Scp(scp::Args),
    Proxy(proxy::Args),
    SshConfig(ssh_config::Args),
    Completions(completions::Args),
    Config(config::Args),
    Sandbox(sandbox::Args),
}

impl Cli {
    /// Takes the arguments apart, the first of which is the name of the program.
    ///
    /// # Errors
    /// They make no sense, or ask for help or the version; the error knows what to print and where.
    pub(crate) fn from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::read(args.into_iter().collect(), picker::is_possible())
    }

    /// `asks`: somebody is there who can choose an instance if none is named.
    fn read(args: Vec<OsString>, asks: bool) -> Result<Self, clap::Error> {
        let args = plugin::as_called_by_name(args);
        let (args, mistyped) = implied_shell::insert(Self::command(), args, asks);
        let args = arguments::set_apart(Self::command(), args);
        let matches = Self::command().try_get_matches_from(args)?;
        Ok(Self { mistyped, ..Self::from_arg_matches(&matches)? })
    }
}

#[cfg(test)]
mod tests;
