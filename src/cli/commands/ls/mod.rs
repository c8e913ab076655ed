//! `ssmx ls`.

mod columns;
pub(crate) mod json;

use std::io::{self, IsTerminal};
use std::time::SystemTime;

use anstyle::Style;
use clap::ValueEnum;

use crate::aws::Aws;
use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::target::places::{self, Places};
use crate::cli::target::troubles;
use crate::cli::ui::{Ui, color};
use crate::config::Column;
use crate::environment;
use crate::fleet::{self, CacheUse, Instance, InstanceState, Inventory, Options, Query};
use crate::moment::ago;
use crate::terminal::size;
use crate::text::printable;
use columns::{counts, style};

/// List instances with their connection status
///
/// A QUERY is part of a name, id or address, or a tag as `key=value`, where `*` in the value matches anything. With
/// several, all must match. `--profile` and `--region` take several names here, separated by commas.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a name, id or address, or a tag as key=value
    #[arg(add = Completes::Targets)]
    pub query: Vec<String>,

    /// Only instances that can be reached now
    #[arg(long, conflicts_with = "stopped")]
    pub online: bool,

    /// Only stopped instances
    #[arg(long)]
    pub stopped: bool,

    /// Include terminated instances
    #[arg(long, short)]
    pub all: bool,

    /// Search all regions of the account
    #[arg(long)]
    pub all_regions: bool,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,

    /// Columns of the table, separated by commas: name, id, status, state, platform, type, zone, region, profile, ip,
    /// public_ip, dns, computer, agent, last_seen, launched, tag:KEY
    #[arg(long, value_name = "NAMES", value_delimiter = ',', add = Completes::Columns)]
    pub columns: Vec<Column>,

    #[command(flatten)]
    pub cache: CacheArgs,
}

/// Whether the cache is used.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct CacheArgs {
    /// Ask AWS even if the cache is fresh
    #[arg(long)]
    pub refresh: bool,

    /// Neither read nor write the cache
    #[arg(long, conflicts_with = "refresh")]
    pub no_cache: bool,
}

/// How instances are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table that fits the terminal
    Table,
    /// A table with all columns
    Wide,
    /// JSON
    Json,
    /// One id per line
    Ids,
}

impl CacheArgs {
    /// What the cache is used for, where it would otherwise be used as `usually`.
    pub(crate) fn or(self, usually: CacheUse) -> CacheUse {
        match self {
            Self { no_cache: true, .. } => CacheUse::Off,
            Self { refresh: true, .. } => CacheUse::Refresh,
            _ => usually,
        }
    }
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        run(&Context::load(ui, globals)?, self).await
    }
}

/// Runs the command.
///
/// # Errors
/// No account can be asked, or nothing can be written.
async fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let ui = &context.ui;
    let places = places::places(context, args.all_regions).await?;
    let settings = places.settings(context)?;
    let options = Options {
        name_tag: settings.name_tag().to_owned(),
        cache: args.cache.or(CacheUse::WhileFresh),
        age: settings.cache(),
        ..Options::default()
    };
    let query = Query::of_words(&args.query);
    let columns = match args.output {
        Format::Wide if args.columns.is_empty() => columns::wide(),
        _ if args.columns.is_empty() => places.columns(&settings),
        _ => args.columns.clone(),
    };
    let Places { accounts, failures, .. } = places;
    let regions = accounts.len();
    let preview = preview(context, &accounts, &query, &options, &args, &columns).await?;
    let mut inventory = {
        let what = match (&preview, regions) {
            (Some(preview), _) => format!("Listed {}; refreshing", preview.age),
            (None, 1) => "Listing instances".to_owned(),
            (None, _) => format!("Listing the instances of {regions} regions"),
        };
        let waiting = ui.waiting(format!("{what}…"));
        fleet::list(accounts, &query, &options).collect(|seen| waiting.say(format!("{what}: {seen} so far"))).await
    };
    let found = inventory.instances.len();
    inventory.instances.retain(|instance| is_shown(instance, &args));
    if found == 0
        && let Some(failure) = troubles::nothing_answered(&inventory.troubles, regions)
    {
        failures.iter().for_each(|failure| ui.error(failure));
        return Err(failure);
    }

    if let Some(preview) = preview {
        ui.data(preview.erasure)?;
    }
    let left_out = write(context, &inventory.instances, &args, &columns)?;
    for failure in &failures {
        ui.error(failure);
    }
    troubles::report(ui, &inventory.troubles);
    ui.status(footer(&inventory, found, &args, &query, &left_out));
    let is_whole = failures.is_empty() && !troubles::is_serious(&inventory.troubles);
    Ok(if is_whole { Exit::FINE } else { Exit::FAILED })
}

/// What is on the terminal while AWS is asked.
struct Preview {
    age: String,
    /// What takes it away again.
    erasure: String,
}

/// Shows what is in the cache, although it is too old to be relied on, if that can be taken back: on a terminal, and not
/// longer than that.
async fn preview(
    context: &Context,
    accounts: &[Aws],
    query: &Query,
    options: &Options,
    args: &Args,
    columns: &[Column],
) -> Result<Option<Preview>, CliError> {
    let is_dumb = environment::TERM.value().is_none_or(|term| term == "dumb");
    if !io::stdout().is_terminal() || is_dumb || args.output != Format::Table || options.cache != CacheUse::WhileFresh {
        return Ok(None);
    }
    let Some((mut inventory, false)) = fleet::cached(accounts, query, options).await else { return Ok(None) };
    inventory.instances.retain(|instance| is_shown(instance, args));
    // The titles and the line that says what is going on.
    let lines = inventory.instances.len() + 1;
    let (Some(as_of), Some(size)) = (inventory.cached, size::size()) else { return Ok(None) };
    if inventory.instances.is_empty() || lines + 1 > usize::from(size.rows) {
        return Ok(None);
    }
    write(context, &inventory.instances, args, columns)?;
    Ok(Some(Preview { age: ago(SystemTime::now(), as_of), erasure: format!("\x1b[{lines}A\x1b[J") }))
}

fn is_shown(instance: &Instance, args: &Args) -> bool {
    (args.all || !instance.is_gone())
        && (!args.online || instance.status.is_up())
        && (!args.stopped || matches!(instance.state, Some(InstanceState::Stopped | InstanceState::Stopping)))
}

/// Writes the instances. Returns the columns for which there is no room.
fn write(context: &Context, instances: &[Instance], args: &Args, columns: &[Column]) -> Result<Vec<String>, CliError> {
    let ui = &context.ui;
    match args.output {
        Format::Json => {
            let text = json::array(instances);
            ui.json(text.map_err(|error| CliError::failed("cannot write the list").caused_by(&error))?)?;
        }
        Format::Ids => {
            ui.data(instances.iter().map(|instance| format!("{}\n", printable(&instance.id))).collect::<String>())?;
        }
        // The footer says that there is nothing; a program needs no titles of nothing.
        Format::Table | Format::Wide if instances.is_empty() => {}
        Format::Table | Format::Wide => {
            let to_terminal = io::stdout().is_terminal();
            let fitted = to_terminal && args.output == Format::Table;
            let width = size::size().filter(|_| fitted).map(|size| usize::from(size.cols));
            let colored = color::is_colored(context.globals.color, &io::stdout());
            let status = columns.iter().position(|column| *column == Column::Status);
            let table = columns::table(instances, columns, SystemTime::now());
            let paint = |column, text: &str| if Some(column) == status { style(text) } else { Style::new() };
            let drawn = table.draw(width, colored.then_some(&paint));
            ui.data(drawn.text)?;
            return Ok(drawn.left_out);
        }
    }
    Ok(Vec::new())
}

/// What was listed, in one line.
fn footer(inventory: &Inventory, found: usize, args: &Args, query: &Query, left_out: &[String]) -> String {
    let Inventory { instances, cached, .. } = inventory;
    let number = match (instances.len(), query.is_empty()) {
        (0, true) => "No instances".to_owned(),
        (0, false) => format!("No instance matches `{query}`"),
        (1, _) => "1 instance".to_owned(),
        (count, _) => format!("{count} instances"),
    };
    let mut parts = vec![match instances.as_slice() {
        [] => number,
        some => format!("{number}: {}", counts(some)),
    }];
    if found > instances.len() {
        let why = if args.online || args.stopped { "" } else { " (terminated: `--all`)" };
        parts.push(format!("{} not shown{why}", found - instances.len()));
    }
    if let Some(as_of) = cached {
        parts.push(format!("listed {} (`--refresh` to update)", ago(SystemTime::now(), *as_of)));
    }
    if !left_out.is_empty() {
        parts.push(format!("no room for {} (`-o wide`)", left_out.join(", ")));
    }
    parts.join("; ")
}
