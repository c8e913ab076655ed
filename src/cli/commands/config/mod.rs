//! `ssmx config`.

pub(crate) mod check;
mod edit;
mod explain;
mod file;
mod init;

use std::path::Path;

use crate::cli::command::Run;
use crate::cli::config_error;
use crate::cli::context::Context;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::ui::Ui;
use crate::config::{self, Key, Place, edit as text_edit};

/// Make, read, change and explain the configuration
///
/// The file is config.toml in the folder ssmx under $XDG_CONFIG_HOME or ~/.config; `SSMX_CONFIG` names another. A setting
/// counts in this order: flag, `SSMX_*` in the environment, the target's section, the profile's section, the defaults,
/// then what the AWS configuration says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Write a first, commented file
    ///
    /// Asks for the default profile and region; `--profile` and `--region` answer beforehand.
    Init(init::Args),

    /// Print where the file is
    Path,

    /// Print the file, or the settings in force
    Show {
        /// The settings in force, in place of the file
        #[arg(long)]
        effective: bool,

        /// As it is, or in JSON
        #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Output::Toml)]
        output: Output,
    },

    /// Print one value
    ///
    /// A setting alone, like `region`, is the one in force; a place, like `profiles.prod.region`, is what the file says.
    Get {
        /// A setting, or a place in the file
        #[arg(value_name = "KEY")]
        key: String,
    },

    /// Set values in the file; comments and order stay
    ///
    /// `ssmx config set region eu-west-1` sets one, `ssmx config set targets.db.name=db-1 targets.db.profile=prod` several
    /// at once. A setting alone is one of the defaults. Lists are written with commas between.
    Set {
        /// KEY VALUE, or KEY=VALUE, of which there may be several
        #[arg(value_name = "KEY", required = true, num_args = 1.., allow_hyphen_values = true)]
        words: Vec<String>,
    },

    /// Take values or whole sections out of the file
    Unset {
        /// Places in the file, like `region`, `profiles.prod.region` or `targets.db`
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
    },

    /// Open the file in $VISUAL or $EDITOR; what would not load is not taken over
    Edit,

    /// Show each setting that is in force, and where it came from
    Explain(explain::Args),
}

/// How to print a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// In TOML.
    Toml,
    /// In JSON.
    Json,
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(ui, globals, self).await
    }
}

/// Runs the command.
///
/// # Errors
/// The file cannot be read or written, or has mistakes.
async fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
    let path = config::location().map_err(config_error::told)?.path;
    match args.command {
        Command::Init(args) => init::run(ui, globals, args, &path).await,
        Command::Path => {
            ui.data(format!("{}\n", path.display()))?;
            if !path.exists() {
                ui.hint("there is no such file yet; `ssmx config init` makes it");
            }
            Ok(Exit::FINE)
        }
        Command::Show { effective: false, output } => show(ui, &path, output),
        Command::Show { effective: true, output } => {
            let context = Context::load(ui, globals)?;
            explain::effective(&context, output).await
        }
        Command::Get { key } => get(ui, globals, &path, &key).await,
        Command::Set { words } => edit::set(ui, &path, &words),
        Command::Unset { keys } => edit::unset(ui, &path, &keys),
        Command::Edit => edit::edit(ui, &path),
        Command::Explain(args) => explain::run(&Context::load(ui, globals)?, args).await,
    }
}

fn show(ui: &Ui, path: &Path, output: Output) -> Result<Exit, CliError> {
    let Some(text) = file::text(path)? else {
        return Err(CliError::failed(format!("there is no `{}`", path.display()))
            .hint("`ssmx config init` makes it; `ssmx config show --effective` shows what holds without it"));
    };
    if output == Output::Toml {
        ui.data(text)?;
        return Ok(Exit::FINE);
    }
    // Only what loads is worth a program's while.
    file::check(&text, path).map_err(config_error::told)?;
    let json: serde_json::Value =
        toml::from_str(&text).map_err(|error| CliError::failed("the file is no TOML").caused_by(&error))?;
    ui.data(format!("{json:#}\n"))?;
    Ok(Exit::FINE)
}

async fn get(ui: &Ui, globals: &Globals, path: &Path, key: &str) -> Result<Exit, CliError> {
    let value = match Key::named(key) {
        Some(key) => {
            let context = Context::load(ui, globals)?;
            let known = explain::standings(&context, None).await?;
            known.into_iter().find(|standing| standing.key == key).and_then(|standing| standing.value)
        }
        None => {
            let place: Place = key.parse().map_err(CliError::usage)?;
            let text = file::text(path)?.unwrap_or_default();
            text_edit::get(&text, &place).map_err(|problem| unusable(path, problem))?
        }
    };
    match value {
        Some(value) => ui.data(format!("{value}\n")).map(|()| Exit::FINE),
        None => Err(CliError::new(ErrorKind::Failed, format!("`{key}` is not set"))),
    }
}

/// The file cannot be worked with.
pub(crate) fn unusable(path: &Path, problem: String) -> CliError {
    CliError::usage(problem).about(&path.display().to_string()).hint("correct it with `ssmx config edit`")
}
