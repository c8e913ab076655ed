//! Why a session cannot be opened, found out when it is needed: by `ssmx status`, and by every command whose target is
//! not connected.

use std::time::Duration;

use tokio::time::timeout;

use crate::aws::{self, Aws};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::ui::waiting::Waiting;
use crate::config::{self, Config, Key, Section, settings};
use crate::fleet::diagnose::{Diagnosis, Facts, Purpose, Reason, Refusal, Verdict, diagnose};
use crate::fleet::probe::{Probe, look_elsewhere};
use crate::fleet::{CacheUse, Options, Place, Resolver, Tag, TargetSpec};
use crate::session::Document;

/// How long a failure waits for an answer to why it failed; and as long again for other places.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What a session with this document is for. Documents that are not AWS's own demand no more than a shell, as far as can
/// be known.
pub(crate) fn purpose(document: Option<&str>) -> Purpose {
    match document.and_then(Document::of_name) {
        None | Some(Document::Shell) => Purpose::Shell,
        Some(Document::Interactive) => Purpose::InteractiveCommand,
        Some(Document::Command) => Purpose::Command,
        Some(Document::Ssh | Document::Port) => Purpose::Port,
        Some(Document::RemotePort) => Purpose::RemotePort,
    }
}

/// Adds to the failure of a target that is not connected why it is not, and what to do about it. Other failures stay as
/// they are, and so does the message. Takes at most some 6 seconds.
pub(crate) async fn explain(waiting: &Waiting, aws: &Aws, id: &str, purpose: Purpose, error: CliError) -> CliError {
    if error.kind() != ErrorKind::NotConnected {
        return error;
    }
    waiting.say(format!("Finding out why {id} is not connected"));
    let probe = Probe { purpose, name_tag: settings::NAME_TAG.to_owned(), timeout: ANSWER_TIMEOUT };
    let Some(mut facts) = probe.run(aws, &[id.to_owned()]).await.pop() else { return error };
    facts.refused = Some(Refusal {
        kind: aws::ErrorKind::NotConnected,
        action: "ssm:StartSession".to_owned(),
        resource: Some(id.to_owned()),
        code: None,
        message: error.message().to_owned(),
        request_id: None,
        hints: Vec::new(),
    });
    if facts.may_be_elsewhere() {
        // It was sound when the command began.
        let config = config::location().and_then(|location| Config::load(&location)).unwrap_or_default();
        seek(aws, &config, &mut facts, ANSWER_TIMEOUT).await;
    }
    let diagnosis = diagnose(&facts);
    let error = explained(error, &diagnosis);
    match diagnosis.verdict {
        Verdict::NoSuchTarget => named(aws, id).await.into_iter().fold(error, CliError::hint),
        _ => error,
    }
}

/// What helps if not the id of an instance was meant, but a Name that looks like one. It is never taken for it: what has
/// the id of an instance that is gone as its name need not be its successor.
async fn named(aws: &Aws, id: &str) -> Option<String> {
    let tag = Tag { key: settings::NAME_TAG.to_owned(), value: id.to_owned() };
    let spec = TargetSpec::Tags(vec![tag]);
    let resolver = Resolver::new(aws, &Options { cache: CacheUse::Off, ..Options::default() });
    let found = timeout(ANSWER_TIMEOUT, resolver.all(&spec)).await.ok()?.ok()?;
    Some(format!("`{id}` is the Name of {}: write `{spec}`", found.first()?.id))
}

/// Looks for an instance in the other places that are configured.
pub(crate) async fn seek(aws: &Aws, config: &Config, facts: &mut Facts, patience: Duration) {
    let spec = TargetSpec::Id(facts.id.clone());
    facts.elsewhere = Some(look_elsewhere(aws, &spec, &places(aws, config), patience).await);
}

/// The other regions and accounts that the configuration of ssmx and that of AWS name: first other regions, then other
/// accounts. Left out are accounts whose credentials may take a person.
pub(crate) fn places(aws: &Aws, config: &Config) -> Vec<Place> {
    let profiles = aws.ambient().profiles();
    configured(&Place::of(aws), config, &profiles, |name| aws.is_profile(name))
}

fn configured(here: &Place, config: &Config, profiles: &[aws::Profile], is_here: impl Fn(&str) -> bool) -> Vec<Place> {
    let sections = || {
        let profiles = config.profiles.values();
        std::iter::once(&config.defaults).chain(profiles).chain(config.targets.values().map(|target| &target.settings))
    };
    let regions = sections().filter_map(|section| text(section, Key::Region));
    let regions = regions.chain(profiles.iter().filter_map(|profile| profile.region.clone()));
    let mut places: Vec<Place> = Vec::new();
    let mut add = |profile: Option<&str>, region: String| {
        let place = Place { profile: profile.map(str::to_owned), region };
        if place != *here && !places.contains(&place) {
            places.push(place);
        }
    };
    for region in regions {
        add(here.profile.as_deref(), region);
    }
    for profile in profiles.iter().filter(|profile| !profile.asks && !is_here(&profile.name)) {
        add(Some(&profile.name), here.region.clone());
        let own = config.profiles.get(&profile.name).and_then(|section| text(section, Key::Region));
        if let Some(region) = own.or_else(|| profile.region.clone()) {
            add(Some(&profile.name), region);
        }
    }
    places
}

fn text(section: &Section, key: Key) -> Option<String> {
    match section.get(key)? {
        config::Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// A failure with what a diagnosis adds to it.
fn explained(error: CliError, diagnosis: &Diagnosis) -> CliError {
    match diagnosis.verdict {
        Verdict::Reachable => return error.hint("it is connected now: try again"),
        Verdict::Undetermined(_) => return diagnosis.reasons.iter().flat_map(hints).fold(error, CliError::hint),
        Verdict::NotConnected | Verdict::NoSuchTarget => {}
    }
    // What was found out takes the place of the usual advice.
    let mut known = CliError::new(error.kind(), error.message());
    let certain = |reason: &&Reason| reason.certain && !is_about_asking(reason);
    if diagnosis.reasons.iter().find(certain).is_none_or(|first| first.what != diagnosis.summary) {
        known = known.cause(&diagnosis.summary);
    }
    for reason in diagnosis.reasons.iter().filter(certain) {
        known = known.cause(format!("{} ({})", reason.what, reason.seen));
    }
    diagnosis.reasons.iter().flat_map(hints).fold(known, CliError::hint)
}

/// What to do about a reason. One that is certain stands among the causes already, the others are named here.
fn hints(reason: &Reason) -> Vec<String> {
    if reason.certain && !is_about_asking(reason) {
        return reason.fix.clone();
    }
    vec![format!("{}: {}", reason.what, reason.fix.join("; "))]
}

/// Whether a reason only explains why more is not known.
fn is_about_asking(reason: &Reason) -> bool {
    matches!(reason.code, "denied" | "credentials" | "unanswered")
}

#[cfg(test)]
mod tests;
