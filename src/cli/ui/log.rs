//! `-v`, `-vv`, `--log-file` and `SSMX_LOG`: what the engine does, in words that are safe to paste into a ticket.
//!
//! Only listed targets are logged. Libraries that could print headers, bodies or credentials are not on the list, at no
//! level and by no switch: the SDK's HTTP machinery, its signer, TLS and WebSocket.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::Ui;
use crate::cli::error::CliError;
use crate::environment::LOG;
use crate::files;
use crate::text::printable_styled;

/// Our own target, and the prefix of all of them.
const OURS: &str = "ssmx";

/// Where configuration and credentials come from. Warnings only, which name files and profiles.
const SDK: [&str; 1] = ["aws_config"];

/// Starts logging if it was asked for: to `file`, else to standard error. `verbosity` counts the `-v`.
///
/// # Errors
/// The file cannot be opened, or `SSMX_LOG` cannot be understood.
pub(crate) fn init(ui: &Ui, verbosity: u8, file: Option<&Path>) -> Result<(), CliError> {
    let environment = LOG.text();
    if verbosity == 0 && file.is_none() && environment.is_none() {
        return Ok(());
    }
    // A log file that was asked for should have something in it.
    let verbosity = if file.is_some() { verbosity.max(1) } else { verbosity };
    let targets = targets(verbosity, environment.as_deref())?;

    if let Some(path) = file {
        let file = open(path).map_err(|error| {
            CliError::failed(format!("cannot open log file `{}`", path.display())).caused_by(&error)
        })?;
        let layer = fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(targets);
        let _ = registry().with(layer).try_init();
    } else {
        let layer = fmt::layer().with_ansi(ui.is_colored()).with_writer(ToScreen(ui.clone())).with_filter(targets);
        let _ = registry().with(layer).try_init();
        release_in_panic(ui.clone());
    }
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "logging starts");
    Ok(())
}

fn targets(verbosity: u8, environment: Option<&str>) -> Result<Targets, CliError> {
    let ours = match verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let mut targets = Targets::new().with_default(LevelFilter::OFF).with_target(OURS, ours);
    if verbosity > 0 {
        targets = targets.with_targets(SDK.map(|target| (target, LevelFilter::WARN)));
    }
    for directive in environment.unwrap_or_default().split(',').map(str::trim).filter(|directive| !directive.is_empty())
    {
        let (target, level) = directive.split_once('=').unwrap_or((OURS, directive));
        let is_ours = target == OURS || target.strip_prefix(OURS).is_some_and(|rest| rest.starts_with("::"));
        let level = level.parse::<LevelFilter>().ok().filter(|_| is_ours).ok_or_else(|| {
            CliError::usage(format!("`{}`: `{directive}` is not a level, or not one of a target of ssmx", LOG.name))
                .hint(format!("write a level, as in `{}=debug`, or levels, as in `{OURS}::channel=trace`", LOG.name))
        })?;
        targets = targets.with_target(target, level);
    }
    Ok(targets)
}

/// Opens for appending; a new file can be read by its owner only, for it names instances and people.
fn open(path: &Path) -> io::Result<File> {
    files::owner_only(OpenOptions::new().append(true).create(true)).open(path)
}

/// Builds that abort in a panic never drop the guard that holds the log back.
fn release_in_panic(ui: Ui) {
    let next = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        ui.release_in_panic();
        next(panic);
    }));
}

struct ToScreen(Ui);

impl<'a> MakeWriter<'a> for ToScreen {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { ui: &self.0, bytes: Vec::new() }
    }
}

/// One event, handed to the screen as a whole.
struct Line<'a> {
    ui: &'a Ui,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        self.ui.screen().log(printable_styled(&text).as_bytes());
    }
}

#[cfg(test)]
mod tests;
