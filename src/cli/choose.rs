//! Whom a command is for when nobody is named, or several are: the person chooses.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::connect;
use super::error::{CliError, ErrorKind};
use super::exit::Exit;
use super::ui::Ui;
use crate::aws::Aws;
use crate::fleet::{Instance, Target};
use crate::picker::{self, Feed, Outcome, Settings, Update, recent};
use crate::terminal::Terminations;

/// Names the way to choose: `plain` for numbered lines.
const VARIABLE: &str = "SSMX_PICKER";

/// Updates that wait to be shown.
const AHEAD: usize = 16;

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

/// The one instance that a command is for: the one that is named, or the one that the person chooses.
///
/// # Errors
/// It cannot be found, or none is named and nobody can be asked.
pub(super) async fn target(
    ui: &Ui,
    aws: &Aws,
    named: Option<&str>,
    terminations: &mut Terminations,
) -> Result<Choice<Target>, CliError> {
    if let Some(named) = named {
        return tokio::select! {
            target = connect::target(ui, aws, named) => Ok(Choice::Made(target?)),
            signal = terminations.next() => Ok(Choice::None(Exit::of_program(signal.exit_code()))),
        };
    }
    let chosen = instances(ui, aws, Question::default(), terminations).await?;
    let mut chosen = match chosen {
        Choice::Made(chosen) => chosen,
        Choice::None(exit) => return Ok(Choice::None(exit)),
    };
    // There is one at least, and only one may be chosen.
    let target = chosen.swap_remove(0).target();
    ui.status(&target);
    Ok(Choice::Made(target))
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
        return Err(CliError::new(ErrorKind::NoTarget, "no target is named, and there is no terminal to choose one on")
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
        None => feed(aws, failure.clone()),
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

/// Why nothing can be listed, once that is known.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<CliError>>>);

impl Failure {
    fn put(&self, error: CliError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<CliError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// All instances, as they become known.
fn feed(aws: &Aws, failure: Failure) -> Feed {
    let (sender, updates) = mpsc::channel(AHEAD);
    let (refresh, mut refreshes) = mpsc::channel(1);
    let aws = aws.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = sender.closed() => return,
                () = look(&aws, &sender, &failure) => {}
            }
            if refreshes.recv().await.is_none() {
                return;
            }
        }
    });
    Feed { updates, refresh }
}
