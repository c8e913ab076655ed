//! The commands, one file or folder each: the arguments, whose doc comments are the help, and how they are run.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod exec;
pub(crate) mod fwd;
pub(crate) mod ls;
#[cfg(test)]
mod man;
pub(crate) mod pick;
pub(crate) mod plugin;
pub(crate) mod proxy;
pub(crate) mod sandbox;
pub(crate) mod sessions;
pub(crate) mod shell;
pub(crate) mod ssh;
pub(crate) mod status;

use std::ffi::OsString;

use clap::Subcommand;

use super::command::Run;
use super::error::CliError;
use super::exit::Exit;
use super::globals::Globals;
use super::ui::Ui;

/// Whether a command of this name ends with the code of another program, so that a mistake in these words, which are
/// those behind the name, needs a code of its own.
pub(crate) fn passes_code_through(name: &str, words: &[OsString]) -> bool {
    match name {
        "exec" | "ssh" | "scp" => true,
        "fwd" => words.iter().any(|word| word == "--"),
        _ => false,
    }
}

/// Makes the enum of the commands, in the order of the help, and passes [`Run`] on to them.
macro_rules! commands {
    ($($(#[$attribute:meta])* $name:ident($args:ty),)*) => {
        /// A command with its arguments.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($(#[$attribute])* $name($args),)*
        }

        impl Run for Command {
            fn passes_code_through(&self) -> bool {
                match self {
                    $(Self::$name(args) => args.passes_code_through(),)*
                }
            }

            async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
                match self {
                    $(Self::$name(args) => args.run(ui, globals).await,)*
                }
            }
        }
    };
}

commands! {
    #[command(alias = "sh")]
    Shell(shell::Args),
    Exec(exec::Args),
    Ls(ls::Args),
    Status(status::Args),
    Sessions(sessions::Args),
    Fwd(fwd::Args),
    Pick(pick::Args),
    Plugin(plugin::Args),
    Ssh(ssh::Args),
    Scp(ssh::scp::Args),
    Proxy(proxy::Args),
    SshConfig(ssh::config::Args),
    Completions(completions::Args),
    Config(config::Args),
    Sandbox(sandbox::Args),
}
