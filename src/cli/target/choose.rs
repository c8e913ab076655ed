//! The person chooses an instance, when a command was given none or several are meant.

use super::feed::{self, Failure};
use super::places::{self, Places};
use crate::cli::context::{Context, TargetRequest};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::config::{Column, Resolved};
use crate::environment::{PICKER, TERM};
use crate::fleet::{self, Instance, Place};
use crate::picker::{self, Feed, Outcome, Settings, recent};
use crate::terminal::{self, Terminations};

/// What is to be chosen.
#[derive(Default)]
pub(crate) struct Question {
    /// What is typed already.
    pub(crate) query: String,
    /// Several may be chosen.
    pub(crate) multi: bool,
    /// Why the person is asked, in a few words.
    pub(crate) title: String,
}

/// The target that a command was given, or else the one that the person chooses.
///
/// # Errors
/// There is no terminal to ask on, the person leaves ([`ErrorKind::Left`]), or the configuration is wrong.
pub(crate) async fn request(context: &Context, named: Option<&str>) -> Result<TargetRequest, CliError> {
    match named {
        Some(named) => context.request_for(named),
        None => {
            let (context, id) = one(context).await?;
            context.request_for(&id)
        }
    }
}

/// As [`request`], for a command that takes several.
///
/// # Errors
/// As there.
pub(crate) async fn several(context: &Context, named: &[String]) -> Result<Vec<TargetRequest>, CliError> {
    if !named.is_empty() {
        return named.iter().map(|named| context.request_for(named)).collect();
    }
    let chosen = from_fleet(context, Question { multi: true, ..Question::default() }).await?;
    let mut all = Vec::with_capacity(chosen.len());
    for instance in &chosen {
        report(&context.ui, instance);
        all.push(at(context, &instance.place).request_for(&instance.id)?);
    }
    Ok(all)
}

/// The id of the instance that the person chooses, and the context of the account and region that it is in.
///
/// # Errors
/// As [`request`].
pub(crate) async fn one(context: &Context) -> Result<(Context, String), CliError> {
    let mut chosen = from_fleet(context, Question::default()).await?;
    // There is one at least, and only one may be chosen.
    let instance = chosen.swap_remove(0);
    report(&context.ui, &instance);
    Ok((at(context, &instance.place), instance.id))
}

/// The one of several instances that the person means. None where there is no terminal to ask on.
///
/// # Errors
/// The person leaves, or the terminal cannot be used.
pub(crate) async fn among(
    ui: &Ui,
    settings: &Resolved,
    title: String,
    instances: &[Instance],
) -> Result<Option<Instance>, CliError> {
    if !terminal::can_ask() {
        return Ok(None);
    }
    let question = Question { title, ..Question::default() };
    let mut chosen = ask(ui, settings.columns(), question, Feed::of(instances.to_vec())).await??;
    let instance = chosen.swap_remove(0);
    report(ui, &instance);
    Ok(Some(instance))
}

/// The instances that the person chooses from all there are; one at least.
///
/// # Errors
/// As [`request`]; or there is nothing to choose from.
pub(crate) async fn from_fleet(context: &Context, question: Question) -> Result<Vec<Instance>, CliError> {
    if !terminal::can_ask() {
        return Err(CliError::new(ErrorKind::NoTarget, "no target given, and no terminal to choose one on")
            .hint("name an instance: its id (i-…, mi-…), its Name, or a tag like Role=web"));
    }
    let places = places::places(context, false).await?;
    let settings = places.settings(context)?;
    let columns = places.columns(&settings);
    let Places { accounts, failures, .. } = places;
    // A program that asks for a code and the picker would fight for the terminal. What fails is told by the listing.
    for account in accounts.iter().filter(|account| account.may_ask()) {
        let _ = account.credentials().await;
    }
    let name_tag = settings.name_tag().to_owned();
    let options = fleet::Options { name_tag, age: settings.cache(), ..fleet::Options::default() };
    let failure = Failure::default();
    let notes = failures.iter().map(CliError::to_string).collect();
    let feed = feed::open(accounts, options, notes, &failure);
    ask(&context.ui, columns, question, feed).await?.map_err(|left| failure.take().unwrap_or(left))
}

/// Asks. The inner error is that nothing was chosen.
async fn ask(
    ui: &Ui,
    columns: Vec<Column>,
    question: Question,
    feed: Feed,
) -> Result<Result<Vec<Instance>, CliError>, CliError> {
    let settings = Settings {
        query: question.query,
        multi: question.multi,
        columns,
        recent: recent::load(),
        colored: ui.is_colored(),
        title: question.title,
    };
    let mut terminations = Terminations::listen()?;
    let outcome = if is_plain() {
        picker::pick_plainly(feed, settings, &mut terminations).await
    } else {
        let _hold = ui.hold();
        picker::pick(feed, settings, &mut terminations).await
    };
    let left = |exit| CliError::new(ErrorKind::Left, "nothing was chosen").exit_with(exit);
    match outcome.map_err(|error| CliError::failed("cannot use the terminal").caused_by(&error))? {
        Outcome::Chosen(instances) => Ok(Ok(instances)),
        Outcome::Left => Ok(Err(left(Exit::FAILED))),
        Outcome::Stopped(signal) => Ok(Err(left(Exit::of_signal(signal)))),
        Outcome::Failed => Ok(Err(CliError::failed("cannot list instances"))),
    }
}

/// Leaves a line of what was chosen, for the picker leaves nothing.
fn report(ui: &Ui, instance: &Instance) {
    ui.status(instance.target());
}

/// The context of an account and region. That of the flags stays what it is: it has been loaded, and may have cost a
/// password.
fn at(context: &Context, place: &Place) -> Context {
    let several = |flag: &Option<String>| flag.as_ref().is_some_and(|text| text.contains(','));
    let mut there = context.clone();
    if several(&context.globals.region) {
        there.globals.region = Some(place.region.clone());
    }
    if several(&context.globals.profile) {
        there.globals.profile.clone_from(&place.profile);
    }
    there
}

/// Whether the person wants lines, or the terminal can show nothing else.
fn is_plain() -> bool {
    let named = || PICKER.value().is_some_and(|way| way == "plain");
    // A console cannot be made raw yet.
    cfg!(windows) || named() || TERM.value().is_none_or(|term| term == "dumb")
}
