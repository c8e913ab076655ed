//! `ssmx sessions`.

use std::io::{self, IsTerminal};
use std::time::SystemTime;

use anstyle::Style;
use clap::ValueEnum;
use serde::Serialize;

use crate::aws::{Aws, Endpoints, ErrorKind, Identity, Settings};
use crate::cli::command::Run;
use crate::cli::completes::Completes;
use crate::cli::context::{Context, aws_settings};
use crate::cli::error::{CliError, ErrorKind as CliErrorKind};
use crate::cli::exit::Exit;
use crate::cli::globals::Globals;
use crate::cli::ui::table::{Head, Table};
use crate::cli::ui::{Ui, color};
use crate::moment::{ago, rfc3339};
use crate::records::{self, Owner, Record};
use crate::terminal::size;
use crate::text::printable;

/// List the sessions that ssmx has open on this machine, or end those that were left open
///
/// ssmx ends its sessions whatever way it exits, unless it is killed (SIGKILL, a crash, no power) or AWS cannot be
/// reached. Such a session is orphaned: it stays open on the instance until the account's idle timeout. The next start
/// of the same tunnel ends it, and so does `ssmx sessions kill --orphaned`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// What to do with the sessions.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// End sessions on the service
    ///
    /// ssmx uses the profile, region and endpoint with which it started the session. For a session that this machine
    /// does not know, it uses those of `--profile` and `--region`.
    Kill(Kill),
}

/// Which sessions to end.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Kill {
    /// Ids of sessions
    #[arg(value_name = "ID", add = Completes::Sessions)]
    pub ids: Vec<String>,

    /// All sessions on this machine that are orphaned
    #[arg(long)]
    pub orphaned: bool,
}

/// How sessions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table that fits the terminal
    Table,
    /// JSON
    Json,
}

impl Run for Args {
    async fn run(self, ui: &Ui, globals: &Globals) -> Result<Exit, CliError> {
        match self.command {
            None => list(ui, globals, self.output),
            Some(Command::Kill(which)) => kill(&Context::load(ui, globals)?, which).await,
        }
    }
}

fn list(ui: &Ui, globals: &Globals, output: Format) -> Result<Exit, CliError> {
    let all = records::all();
    if output == Format::Json {
        let text = json(&all).map_err(|error| CliError::failed("cannot write the list").caused_by(&error))?;
        ui.data(text)?;
        return Ok(Exit::FINE);
    }
    if !all.is_empty() {
        let width = size::size().filter(|_| io::stdout().is_terminal()).map(|size| usize::from(size.cols));
        let bold = |_: usize, _: &str| Style::new();
        let paint = color::is_colored(globals.color, &io::stdout());
        ui.data(table(&all, SystemTime::now()).draw(width, if paint { Some(&bold) } else { None }).text)?;
    }
    let orphaned = all.iter().filter(|(_, owner)| *owner == Owner::Gone).count();
    ui.status(match (all.len(), orphaned) {
        (0, _) => "No sessions".to_owned(),
        (1, 0) => "1 session".to_owned(),
        (count, 0) => format!("{count} sessions"),
        (1, _) => "1 session, orphaned".to_owned(),
        (count, orphaned) => format!("{count} sessions, {orphaned} of them orphaned"),
    });
    if orphaned > 0 {
        ui.hint("end orphaned sessions with `ssmx sessions kill --orphaned`");
    }
    Ok(Exit::FINE)
}

fn word(owner: Owner) -> &'static str {
    match owner {
        Owner::Running => "open",
        Owner::Gone => "orphaned",
        Owner::Elsewhere => "unknown",
    }
}

fn table(all: &[(Record, Owner)], now: SystemTime) -> Table {
    let head = |title: &str, rank, least| Head { title: title.to_owned(), rank, least };
    let heads = vec![
        head("id", 0, None),
        head("status", 1, None),
        head("target", 2, None),
        head("to", 3, Some(8)),
        head("started", 4, None),
        head("pid", 5, None),
        head("region", 6, None),
        head("profile", 7, Some(6)),
    ];
    let text = |text: &str| printable(text).into_owned();
    let or_none = |value: Option<&String>| value.map_or_else(|| "-".to_owned(), |value| text(value));
    let rows = all.iter().map(|(record, owner)| {
        let session = &record.session;
        vec![
            text(&session.id),
            word(*owner).to_owned(),
            text(&session.target),
            or_none(session.destination.as_ref()),
            ago(now, record.started()),
            record.pid.to_string(),
            text(&session.region),
            or_none(session.profile.as_ref()),
        ]
    });
    Table { heads, rows: rows.collect() }
}

/// A session for programs: every key is always there, null where nothing is known.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    /// `open`, `orphaned`, or `unknown` if the process ran on another machine that shares the folder.
    status: &'static str,
    target: &'a str,
    document: Option<&'a str>,
    destination: Option<&'a str>,
    profile: Option<&'a str>,
    region: &'a str,
    endpoint: Option<&'a str>,
    /// As in RFC 3339, in UTC.
    started: Option<String>,
    pid: u32,
}

/// An array of objects, one a line.
fn json(all: &[(Record, Owner)]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::from(b"[");
    for (place, (record, owner)) in all.iter().enumerate() {
        text.extend_from_slice(if place == 0 { b"\n" } else { b",\n" });
        let session = &record.session;
        let entry = Entry {
            id: &session.id,
            status: word(*owner),
            target: &session.target,
            document: session.document.as_deref(),
            destination: session.destination.as_deref(),
            profile: session.profile.as_deref(),
            region: &session.region,
            endpoint: session.endpoint.as_deref(),
            started: rfc3339(record.started()),
            pid: record.pid,
        };
        serde_json::to_writer(&mut text, &entry)?;
    }
    text.extend_from_slice(if all.is_empty() { b"]\n" } else { b"\n]\n" });
    Ok(text)
}

/// Ends sessions one after the other, all of them even if one cannot be ended.
async fn kill(context: &Context, which: Kill) -> Result<Exit, CliError> {
    let ui = &context.ui;
    let known = records::all();
    let mut ids = which.ids.clone();
    if which.orphaned {
        let orphaned = known.iter().filter(|(_, owner)| *owner == Owner::Gone);
        ids.extend(orphaned.map(|(record, _)| record.session.id.clone()));
        if ids.is_empty() {
            ui.status("No orphaned sessions");
        }
    }
    let mut done = std::collections::HashSet::new();
    let mut exit = Exit::FINE;
    for id in ids.into_iter().filter(|id| done.insert(id.clone())) {
        let record = known.iter().find(|(record, _)| record.session.id == id).map(|(record, _)| record);
        let is_named = which.ids.contains(&id);
        match end(context, &id, record, is_named).await {
            Ok(true) => ui.status(format!("Ended {id}")),
            Ok(false) => ui.status(format!("Asked AWS to end {id}, which it does not say it has")),
            Err(error) => {
                exit = exit.worse(error.exit());
                ui.error(&error);
            }
        }
    }
    Ok(exit)
}

/// Ends a session. `is_named`: the person has named this one, and means it with the credentials that there are. False if
/// that is not certain: AWS takes the id of a session that it does not know.
async fn end(context: &Context, id: &str, record: Option<&Record>, is_named: bool) -> Result<bool, CliError> {
    let Some(record) = record else {
        let aws = context.aws(&context.settings()?).await?;
        aws.terminate_session(id).await?;
        return Ok(false);
    };
    let (settings, is_same) = settings(context, record)?;
    if !is_same && !is_named {
        return Err(CliError::new(CliErrorKind::Denied, format!("{id} was started with other credentials"))
            .hint(format!("name their profile with `--profile`, or try the present ones: `ssmx sessions kill {id}`")));
    }
    let _waiting = context.ui.waiting(format!("Ending {id}"));
    let aws = Aws::load(&settings, &context.ambient).await?;
    match aws.terminate_session(id).await {
        Err(error) if error.kind() != ErrorKind::NotFound || !is_same => return Err(error.into()),
        // Gone already, or ended now.
        Err(_) | Ok(()) if is_same => records::forget(id),
        // Of another account perhaps, which has it still.
        Err(_) | Ok(()) => {}
    }
    Ok(is_same)
}

/// The account, region and endpoint of a session; and whether the credentials are those with which it was started.
fn settings(context: &Context, record: &Record) -> Result<(Settings, bool), CliError> {
    let session = &record.session;
    let present = aws_settings(&context.settings()?);
    let named = context.globals.profile.clone();
    let endpoints = match &session.endpoint {
        Some(url) => Endpoints::new(None, |service| (service == "ssm").then(|| url.clone())),
        None => Endpoints::default(),
    };
    let of = |explicit_profile| Settings {
        profile: named.clone().or_else(|| session.profile.clone()),
        explicit_profile,
        region: Some(session.region.clone()),
        endpoints: match &context.globals.endpoint_url {
            Some(_) => present.endpoints.clone(),
            None => endpoints.clone(),
        },
        allow_insecure: present.allow_insecure,
        require_encryption: present.require_encryption,
    };
    let is_same = |settings: &Settings| Identity::of(settings, &context.ambient).as_str() == session.identity;
    if named.is_some() {
        let is_same = [true, false].map(of).iter().any(is_same);
        return Ok((of(true), is_same));
    }
    // A profile that the environment named counts less than keys in it, one that a flag named more.
    let settings = [true, false].map(of).into_iter().find(is_same);
    Ok(match settings {
        Some(settings) => (settings, true),
        None => (of(session.profile.is_some()), false),
    })
}
