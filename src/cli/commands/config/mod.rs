//! `ssmx config`.

pub(crate) mod check;
mod edit;
mod explain;
mod file;
mod init;

use std::path::Path;

use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::Context;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::ui::Ui;
use crate::config::{self, Key, KeyPath, edit as text_edit};

/// Create, read, change and explain the configuration
///
/// The file is `ssmx/config.toml` under $XDG_CONFIG_HOME or ~/.config; set `SSMX_CONFIG` to use another. The first of
/// these that has a value wins: flag, `SSMX_*` in the environment, the target's section, the profile's section, the
/// defaults, the AWS configuration. For the profile, `AWS_PROFILE` comes before the defaults.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Create a commented configuration file
    ///
    /// Asks for the default profile and region, unless `--profile` and `--region` give them.
    Init(init::Args),

    /// Print the path of the file
    Path,

    /// Print the file, or the settings in effect
    Show {
        /// Print the settings in effect instead of the file
        #[arg(long)]
        effective: bool,

        /// Output format
        #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Output::Toml)]
        output: Output,
    },

    /// Print one value
    ///
    /// A setting such as `region` prints the value in effect; a path such as `profiles.prod.region` prints what the
    /// file says.
    Get {
        /// A setting, or a path in the file
        #[arg(value_name = "KEY", add = Completes::Keys)]
        key: String,
    },

    /// Set values in the file, keeping comments and order
    ///
    /// `ssmx config set region eu-west-1` sets one value, `ssmx config set targets.db.name=db-1
    /// targets.db.profile=prod` several at once. A setting without a section goes to the defaults. Separate the items
    /// of a list with commas.
    Set {
        /// KEY VALUE, or one or more KEY=VALUE
        #[arg(value_name = "KEY", required = true, num_args = 1.., allow_hyphen_values = true, add = Completes::Keys)]
        words: Vec<String>,
    },

    /// Remove values or whole sections from the file
    Unset {
        /// Paths in the file, such as `region`, `profiles.prod.region` or `targets.db`
        #[arg(value_name = "KEY", required = true, add = Completes::Keys)]
        keys: Vec<String>,
    },

    /// Edit the file in $VISUAL or $EDITOR; invalid changes are rejected
    Edit,

    /// Show each setting in effect and where it comes from
    Explain(explain::Args),
}

/// How to print a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// TOML
    Toml,
    /// JSON
    Json,
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(ui, globals, self)
    }
}

/// Runs the command.
///
/// # Errors
/// The file cannot be read or written, or has mistakes.
fn run(ui: &Ui, globals: &Globals, args: Args) -> Result<Exit, CliError> {
    let path = config::location()?.path;
    match args.command {
        Command::Init(args) => init::run(ui, globals, args, &path),
        Command::Path => {
            ui.data(format!("{}\n", path.display()))?;
            if !path.exists() {
                ui.hint("the file does not exist yet; create it with `ssmx config init`");
            }
            Ok(Exit::FINE)
        }
        Command::Show { effective: false, output } => show(ui, &path, output),
        Command::Show { effective: true, output } => {
            let context = Context::load(ui, globals)?;
            explain::effective(&context, output)
        }
        Command::Get { key } => get(ui, globals, &path, &key),
        Command::Set { words } => edit::set(ui, &path, &words),
        Command::Unset { keys } => edit::unset(ui, &path, &keys),
        Command::Edit => edit::edit(ui, &path),
        Command::Explain(args) => explain::run(&Context::load(ui, globals)?, args),
    }
}

fn show(ui: &Ui, path: &Path, output: Output) -> Result<Exit, CliError> {
    let Some(text) = file::text(path)? else {
        return Err(CliError::failed(format!("`{}` does not exist", path.display())).hint(
            "create it with `ssmx config init`; `ssmx config show --effective` shows the settings in effect without it",
        ));
    };
    if output == Output::Toml {
        ui.data(text)?;
        return Ok(Exit::FINE);
    }
    // Only what loads is worth a program's while.
    file::check(&text, path)?;
    let json: serde_json::Value =
        toml::from_str(&text).map_err(|error| CliError::failed("the file is not valid TOML").caused_by(&error))?;
    ui.json(format!("{json:#}\n"))?;
    Ok(Exit::FINE)
}

fn get(ui: &Ui, globals: &Globals, path: &Path, key: &str) -> Result<Exit, CliError> {
    let value = match Key::named(key) {
        Some(key) => {
            let context = Context::load(ui, globals)?;
            let known = explain::settings(&context, None)?;
            let value = known.into_iter().find(|setting| setting.key == key).and_then(|setting| setting.value);
            value.map(|value| value.to_string())
        }
        None => {
            let key_path: KeyPath = key.parse().map_err(CliError::usage)?;
            let text = file::text(path)?.unwrap_or_default();
            text_edit::get(&text, &key_path).map_err(|problem| unusable(path, problem))?
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
