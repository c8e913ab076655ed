//! From a target as it was typed to an open session.

use super::choose;
use super::explain;
use crate::aws::{Aws, StartSession};
use crate::channel::{self, Channel, Notice, Options};
use crate::cli::context::Wanted;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::ui::Ui;
use crate::config::Selector;
use crate::fleet::{self, CacheUse, FleetError, Instance, Resolved, Resolver, Tag, TargetSpec};
use crate::picker::recent;
use crate::session::Observer;

/// The one instance that is meant.
pub(crate) async fn target(ui: &Ui, aws: &Aws, wanted: &Wanted) -> Result<Resolved, CliError> {
    find(ui, aws, wanted, CacheUse::WhileFresh).await.map_err(|error| told(error, wanted))
}

/// As [`target`]; if several are meant equally well and somebody is there, the one that the person chooses.
pub(crate) async fn target_asking(ui: &Ui, aws: &Aws, wanted: &Wanted) -> Result<Resolved, CliError> {
    found_asking(ui, wanted, find(ui, aws, wanted, CacheUse::WhileFresh).await).await
}

/// As [`target_asking`], for a session that is started elsewhere: nobody would notice there that what is in the cache is
/// gone.
pub(crate) async fn target_asking_anew(ui: &Ui, aws: &Aws, wanted: &Wanted) -> Result<Resolved, CliError> {
    found_asking(ui, wanted, find(ui, aws, wanted, CacheUse::Off).await).await
}

async fn found_asking(ui: &Ui, wanted: &Wanted, found: Result<Resolved, FleetError>) -> Result<Resolved, CliError> {
    if let Err(FleetError::Ambiguous { described, matches }) = &found {
        let title = format!("{} instances {described}", matches.len());
        if let Some(chosen) = choose::among(ui, &wanted.settings, title, matches).await? {
            return Ok(chosen.target().into());
        }
    }
    found.map_err(|error| told(error, wanted))
}

/// All instances that are meant, or the best one of them.
pub(crate) async fn instances(ui: &Ui, aws: &Aws, wanted: &Wanted, all: bool) -> Result<Vec<Instance>, CliError> {
    let _waiting = ui.waiting(format!("Looking for {} in {}", wanted.text, aws.region()));
    let name_tag = wanted.settings.name_tag().to_owned();
    let resolver = Resolver::new(aws, &fleet::Options { name_tag, cache: CacheUse::Off, ..fleet::Options::default() });
    let found = match spec(wanted) {
        Ok(spec) if all => resolver.all(&spec).await,
        Ok(spec) => resolver.first(&spec).await.map(|found| vec![found.instance]),
        Err(error) => Err(error),
    };
    found.map_err(|error| told(error, wanted))
}

async fn find(ui: &Ui, aws: &Aws, wanted: &Wanted, cache: CacheUse) -> Result<Resolved, FleetError> {
    let _waiting = ui.waiting(format!("Looking for {} in {}", wanted.text, aws.region()));
    let (name_tag, age) = (wanted.settings.name_tag().to_owned(), wanted.settings.cache());
    let resolver = Resolver::new(aws, &fleet::Options { name_tag, cache, age, ..fleet::Options::default() });
    let spec = spec(wanted)?;
    let found = resolver.one(&spec).await;
    let instances = match &found {
        Ok(found) => std::slice::from_ref(&found.instance),
        Err(FleetError::Ambiguous { matches, .. }) => matches,
        Err(_) => &[],
    };
    match &wanted.selector {
        // An alias means a name as a whole; what only has it in its own is another instance.
        Some(Selector::Name(name)) if !instances.is_empty() && !has_name(instances, name) => {
            let near = instances.iter().filter_map(|instance| instance.name.clone()).take(NEAR).collect();
            let (described, region) = (format!("is named `{name}`"), aws.region().to_owned());
            Err(FleetError::NotFound { described, region, near, missing: Vec::new() })
        }
        _ => found.map(|found| resolver.target(&spec, found)),
    }
}

fn has_name(instances: &[Instance], name: &str) -> bool {
    instances.iter().any(|instance| instance.name.as_deref() == Some(name))
}

/// Names that an error offers in place of one that there is not.
const NEAR: usize = 3;

fn told(error: FleetError, wanted: &Wanted) -> CliError {
    let error = CliError::from(error);
    if wanted.selector.is_some() { error.about(&wanted.text) } else { error }
}

/// What the fleet is to look for: what an alias stands for, else what was typed.
///
/// # Errors
/// Nothing was typed.
pub(crate) fn spec(wanted: &Wanted) -> Result<TargetSpec, FleetError> {
    Ok(match &wanted.selector {
        None => wanted.text.parse()?,
        Some(Selector::Id(id)) => TargetSpec::Id(id.clone()),
        Some(Selector::Name(name)) => TargetSpec::Name(name.clone()),
        Some(Selector::Address(address)) => match address.parse() {
            Ok(address) => TargetSpec::Address(address),
            // A DNS name, which is looked for among names.
            Err(_) => TargetSpec::Name(address.clone()),
        },
        Some(Selector::Tags(tags)) => {
            let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
            TargetSpec::Tags(tags.iter().map(tag).collect())
        }
    })
}

/// Starts a session on `target`. A target that is not connected is asked why.
pub(crate) async fn session(
    ui: &Ui,
    aws: &Aws,
    target: &Resolved,
    request: StartSession,
    options: Options,
) -> Result<Channel, CliError> {
    let waiting = ui.waiting(format!("Starting a session on {target}"));
    let (id, opened) = open(ui, aws, target, &request, options).await;
    match opened {
        Ok(channel) => {
            recent::remember(&id);
            Ok(channel)
        }
        Err(error) => Err(explain::explain(&waiting, aws, &StartSession { target: id, ..request }, error).await),
    }
}

/// As [`session`], for one of several attempts: the next one follows, so nobody looks into why this one failed.
pub(crate) async fn session_again(
    ui: &Ui,
    aws: &Aws,
    target: &Resolved,
    request: StartSession,
    options: Options,
) -> Result<Channel, CliError> {
    let _waiting = ui.waiting(format!("Starting a session on {target}"));
    open(ui, aws, target, &request, options).await.1
}

/// Opens a session on a target, or on its successor if it is gone, and tells on which.
async fn open(
    ui: &Ui,
    aws: &Aws,
    target: &Resolved,
    request: &StartSession,
    options: Options,
) -> (String, Result<Channel, CliError>) {
    let on = async |id: &str| {
        let request = StartSession { target: id.to_owned(), ..request.clone() };
        channel::open(aws, &request, options).await.map_err(CliError::from)
    };
    let error = match on(&target.target.id).await {
        Err(error) if matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::NoTarget) => error,
        opened => return (target.target.id.clone(), opened),
    };
    match target.successor(aws).await {
        Ok(Some(successor)) => {
            ui.notice(format!("{} is gone; going to {successor}", target.target.id));
            (successor.id.clone(), on(&successor.id).await)
        }
        // What is known now stands before what was known.
        Err(now @ (FleetError::NotFound { .. } | FleetError::Ambiguous { .. })) => {
            (target.target.id.clone(), Err(now.into()))
        }
        Ok(None) | Err(_) => (target.target.id.clone(), Err(error)),
    }
}

/// Says to the person what a session has to say.
pub(crate) struct Says {
    pub(crate) ui: Ui,
    /// Named when several sessions run side by side.
    pub(crate) name: Option<String>,
}

impl Observer for Says {
    fn notice(&self, notice: &Notice) {
        let name = self.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        self.ui.notice(match notice {
            Notice::Lost(reason) => format!("{name}connection lost ({reason}); reconnecting…"),
            Notice::Waiting(reason) => format!("{name}still no connection: {reason}"),
            Notice::Restored(after) => {
                format!("{name}connection restored after {:.1} s; nothing was lost", after.as_secs_f64())
            }
        });
    }

    fn message(&self, text: &str) {
        let name = self.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        self.ui.notice(format!("{name}{}", text.trim_end()));
    }
}
