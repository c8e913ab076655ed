//! Whom a command is for when nobody is named, or several are: the person chooses.

use super::connect;
use super::error::{CliError, ErrorKind};
use super::exit::Exit;
use super::fleet_feed::{self, Failure};
use super::ui::Ui;
use crate::aws::Aws;
use crate::fleet::{FleetError, Instance, Options, Target};
use crate::picker::{self, Feed, Outcome, Settings, recent};
use crate::terminal::Terminations;

/// Names the way to choose: `plain` for numbered lines.
const VARIABLE: &str = "SSMX_PICKER";

/// What was chosen, or how the program ends without a choice.
pub(super) enum Choice<T> {
    /// This.
    Made(T),
    /// Nothing: the person left, or we were told to stop.
    None(Exit),
}

/// What is to be chosen.
#[derive(Default)]
pub(super) struct Question {
    /// What is typed already.
    pub(super) query: String,
    /// Several may be chosen.
    pub(super) multi: bool,
    /// Why the person is asked, in a few words.
    pub(super) title: String,
    /// Among whom to choose; all instances without it.
    pub(super) among: Option<Vec<Instance>>,
}

/// The one instance that a command is for: the one that is named, or the one that the person chooses, of all if none is
/// named and of several that have the name.
///
/// # Errors
/// It cannot be found, or nobody can be asked.
pub(super) async fn target(
    ui: &Ui,
    aws: &Aws,
    named: Option<&str>,
    terminations: &mut Terminations,
) -> Result<Choice<Target>, CliError> {
    let question = match named {
        None => Question::default(),
        Some(named) => {
            let found = tokio::select! {
                found = connect::find(ui, aws, named) => found,
                signal = terminations.next() => return Ok(Choice::None(Exit::of_program(signal.exit_code()))),
            };
            match found {
                Ok(target) => return Ok(Choice::Made(target)),
                Err(error) => among(error)?,
            }
        }
    };
    let mut chosen = match instances(ui, aws, question, terminations).await? {
        Choice::Made(chosen) => chosen,
        Choice::None(exit) => return Ok(Choice::None(exit)),
    };
    // There is one at least, and only one may be chosen.
    let target = chosen.swap_remove(0).target();
    ui.status(&target);
    Ok(Choice::Made(target))
}

/// The question which of several is meant, where somebody can be asked.
fn among(error: FleetError) -> Result<Question, CliError> {
    match error {
        FleetError::Ambiguous { described, matches } if picker::is_possible() => {
            let title = format!("{} instances {described}", matches.len());
            Ok(Question { title, among: Some(matches), ..Question::default() })
        }
        error => Err(error.into()),
    }
}

/// The instances that the person chooses; one at least.
///
/// # Errors
/// Nobody can be asked, or there is nothing to choose from.
pub(super) async fn instances(
    ui: &Ui,
    aws: &Aws,
    question: Question,
    terminations: &mut Terminations,
) -> Result<Choice<Vec<Instance>>, CliError> {
    if !picker::is_possible() {
        return Err(CliError::new(
            ErrorKind::NoTarget,
            "no target is named, and there is no terminal to choose one on",
        )
        .hint("name an instance: its id (i-…, mi-…) or its Name"));
    }
    let settings = Settings {
        query: question.query,
        multi: question.multi,
        columns: Vec::new(),
        recent: recent::load(),
        colored: ui.is_colored(),
        title: question.title,
    };
    let failure = Failure::default();
    let feed = match question.among {
        Some(instances) => Feed::of(instances),
        None => fleet_feed::open(vec![aws.clone()], Options::default(), &failure),
    };
    let outcome = if is_plain() {
        picker::pick_plainly(feed, settings, terminations).await
    } else {
        let _hold = ui.hold();
        picker::pick(feed, settings, terminations).await
    };
    match outcome.map_err(|error| CliError::failed("the terminal cannot be used").caused_by(&error))? {
        Outcome::Chosen(instances) => Ok(Choice::Made(instances)),
        Outcome::Left => Ok(Choice::None(Exit::FAILED)),
        Outcome::Stopped(signal) => Ok(Choice::None(Exit::of_program(signal.exit_code()))),
        Outcome::Failed => Err(failure.take().unwrap_or_else(|| CliError::failed("no instances can be listed"))),
    }
}

/// Whether the person wants lines, or the terminal can show nothing else.
fn is_plain() -> bool {
    let is = |name, value: &str| std::env::var_os(name).is_some_and(|found| found == value);
    is(VARIABLE, "plain") || is("TERM", "dumb") || std::env::var_os("TERM").is_none_or(|term| term.is_empty())
}
