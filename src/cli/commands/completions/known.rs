//! Names that are known on this machine: of the configuration, of the AWS configuration, and of the instances that were
//! listed last. Files are read when they are first needed; one that cannot be read has no names.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use clap::CommandFactory;
use clap_complete::CompletionCandidate;

use super::regions::REGIONS;
use crate::aws::{Ambient, Identity, Profile};
use crate::cli::args::Cli;
use crate::cli::commands::ssh::arguments;
use crate::cli::completes::Completes;
use crate::cli::{context, implied_shell};
use crate::config::{self, Column, Config, Flags, Key, Level, Selector, Value, Variables};
use crate::environment;
use crate::fleet::cache::{self, CachedName};
use crate::records::{self, Record};
use crate::session::Document;

/// Candidates are offered up to this number. Shells complete what all of them have in common, so few would mislead.
const MOST: usize = 100_000;

/// Names, as seen from a line that is typed.
pub(crate) struct Known {
    /// Of the flags that are typed already; several with commas between them.
    profiles: Vec<String>,
    regions: Vec<String>,
    config: OnceLock<Config>,
    ambient: Ambient,
}

impl Known {
    /// For a line that begins with these words, the first of which is the program's name.
    pub(crate) fn of(before: &[OsString]) -> Self {
        let (words, _) = implied_shell::insert(Cli::command(), before.to_vec(), false);
        let words = arguments::set_apart(Cli::command(), words);
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok();
        let flag = |name: &str| {
            let value = matches.as_ref().and_then(|matches| matches.try_get_one::<String>(name).ok().flatten());
            value.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        let (profiles, regions) = (flag("profile"), flag("region"));
        Self { profiles, regions, config: OnceLock::new(), ambient: Ambient::of_process() }
    }

    fn config(&self) -> &Config {
        let load = || Config::load(&config::location().ok()?).ok();
        self.config.get_or_init(|| load().unwrap_or_default())
    }

    fn aws_profiles(&self) -> Vec<Profile> {
        self.ambient.profiles()
    }

    /// The values that begin as it is typed.
    pub(crate) fn values(&self, completes: Completes, current: &str) -> Vec<CompletionCandidate> {
        match completes {
            Completes::Profiles => self.profiles(current),
            Completes::Regions => self.regions(current),
            Completes::Targets => self.targets(current),
            Completes::Aliases => self.aliases(current),
            Completes::Tunnels => self.tunnels(current),
            Completes::TunnelsAndTargets => self.tunnels_and_targets(current),
            Completes::Documents => self.documents(current),
            Completes::Columns => columns(current),
            Completes::Sessions => sessions(current),
            Completes::Keys => self.keys(current),
        }
    }

    /// AWS profiles; behind a comma one more.
    fn profiles(&self, current: &str) -> Vec<CompletionCandidate> {
        let (before, current) = behind_comma(current);
        let of_aws = self.aws_profiles().into_iter().map(|profile| profile.name);
        let ours = self.config().profiles.keys().cloned();
        offer(of_aws.chain(ours).map(|name| (name, "")), current, before)
    }

    /// Regions, those that the configurations name in front; behind a comma one more.
    fn regions(&self, current: &str) -> Vec<CompletionCandidate> {
        let (before, current) = behind_comma(current);
        let config = self.config();
        let targets = config.targets.values().map(|target| &target.settings);
        let sections = config.profiles.values().chain(targets).chain([&config.defaults]);
        let ours = sections.filter_map(|section| match section.get(Key::Region) {
            Some(Value::Text(region)) => Some(region.clone()),
            _ => None,
        });
        let of_aws = self.aws_profiles().into_iter().filter_map(|profile| profile.region);
        let all = ours.chain(of_aws).chain(REGIONS.into_iter().map(|(name, _)| name.to_owned()));
        let with_city = |name: String| {
            let city = REGIONS.iter().find(|(known, _)| *known == name).map_or("", |(_, city)| city);
            (name, city)
        };
        offer(all.map(with_city), current, before)
    }

    /// Aliases of the configuration.
    fn aliases(&self, current: &str) -> Vec<CompletionCandidate> {
        let aliases = self.config().targets.iter().map(|(name, target)| (name, alias(&target.selector)));
        offer(aliases, current, "")
    }

    /// Aliases, and the instances that were listed last: by name, and by id where they have none or one is typed.
    pub(crate) fn targets(&self, current: &str) -> Vec<CompletionCandidate> {
        let mut found = self.aliases(current);
        let wants_id = ["i-", "mi-"].iter().any(|beginning| current.starts_with(beginning));
        // Thousands are sifted before anything is made of them.
        let mut fitting = self.cached();
        let shown = |instance: &CachedName| instance.name.clone().filter(|_| !wants_id);
        fitting.retain(|instance| match &instance.name {
            Some(name) if !wants_id => name.starts_with(current),
            _ => instance.id.starts_with(current),
        });
        let mut namesakes: HashMap<String, usize> = HashMap::with_capacity(fitting.len());
        fitting.iter().filter_map(shown).for_each(|name| *namesakes.entry(name).or_default() += 1);
        let instances = fitting.into_iter().map(|CachedName { id, name, status }| match name {
            Some(name) if !wants_id => match namesakes.get(&name) {
                Some(several @ 2..) => (name, format!("{several} instances")),
                _ => (name, format!("{id} {status}")),
            },
            Some(name) => (id, format!("{name} {status}")),
            None => (id, status.to_string()),
        });
        found.extend(offer(instances, current, ""));
        found
    }

    /// Tunnels of the configuration.
    fn tunnels(&self, current: &str) -> Vec<CompletionCandidate> {
        let tunnels = self.config().tunnels.iter();
        offer(tunnels.map(|(name, tunnel)| (name, format!("tunnel through {}", tunnel.target.value))), current, "")
    }

    /// The first word of `ssmx fwd`.
    fn tunnels_and_targets(&self, current: &str) -> Vec<CompletionCandidate> {
        let mut found = self.tunnels(current);
        found.extend(self.targets(current));
        found
    }

    /// Session documents: those of the configuration, and those that every account has.
    fn documents(&self, current: &str) -> Vec<CompletionCandidate> {
        let config = self.config();
        let targets = config.targets.values().map(|target| &target.settings);
        let sections = config.profiles.values().chain(targets).chain([&config.defaults]);
        let values = sections.flat_map(|section| section.values.iter());
        let ours = values.filter_map(|(key, located)| match (DOCUMENTS.contains(key), &located.value) {
            (true, Value::Text(name)) => Some((name.as_str(), "")),
            _ => None,
        });
        offer(ours.chain(Document::ALL.map(|document| (document.name(), ""))), current, "")
    }

    /// Settings of the configuration, and places in it once a section is begun.
    fn keys(&self, current: &str) -> Vec<CompletionCandidate> {
        let config = self.config();
        let profiles = config.profiles.keys().map(|name| ("profiles", name, Level::Profile));
        let targets = config.targets.keys().map(|name| ("targets", name, Level::Target));
        // Names that would have to be quoted are not offered.
        let is_bare = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let sections = profiles.chain(targets).filter(|(_, name, _)| current.contains('.') && is_bare(name));
        let places = sections.flat_map(|(group, name, level)| {
            Key::of(level).map(move |key| (format!("{group}.{name}.{key}"), key.summary()))
        });
        let defaults = Key::of(Level::Defaults).map(|key| (key.to_string(), key.summary()));
        offer(defaults.chain(places), current, "")
    }

    /// The instances that were listed last, in all places that the flags name.
    fn cached(&self) -> Vec<CachedName> {
        let Some(dir) = cache::default_dir() else { return Vec::new() };
        let one_of = |names: &[String]| match names {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        let mut found = Vec::new();
        for profile in one_of(&self.profiles) {
            for region in one_of(&self.regions) {
                found.extend(self.cached_of(&dir, profile.as_deref(), region.as_deref()).unwrap_or_default());
            }
        }
        found
    }

    fn cached_of(&self, dir: &std::path::Path, profile: Option<&str>, region: Option<&str>) -> Option<Vec<CachedName>> {
        let flags = Flags::default().text(Key::Profile, "--profile", profile).text(Key::Region, "--region", region);
        let variables = Variables::read(environment::setting).ok()?;
        let resolved = self.config().resolve(flags, variables, None, Arc::new(self.ambient.clone()));
        let identity = Identity::of(&context::aws_settings(&resolved), &self.ambient);
        let (region, endpoint) = (resolved.text(Key::Region), resolved.text(Key::SsmEndpointUrl));
        Some(cache::names(dir, &identity, region, endpoint))
    }
}

/// Sessions that are open on this machine, and what they lead to.
fn sessions(current: &str) -> Vec<CompletionCandidate> {
    let all = records::all().into_iter().map(|(Record { session, .. }, _)| {
        let destination = session.destination.map(|destination| format!(" {destination}")).unwrap_or_default();
        (session.id, format!("{}{destination}", session.target))
    });
    offer(all, current, "")
}

/// Columns of a listing.
fn columns(current: &str) -> Vec<CompletionCandidate> {
    offer(Column::NAMED.into_iter().map(|(name, _)| (name, "")), current, "")
}

/// The instance that an alias stands for, in a few words.
fn alias(selector: &Selector) -> String {
    let what = match selector {
        Selector::Id(id) => id.clone(),
        Selector::Name(name) => name.clone(),
        Selector::Address(address) => address.clone(),
        Selector::Tags(tags) => tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "),
    };
    format!("alias for {what}")
}

/// Splits a list at its last comma, behind which a name is typed.
fn behind_comma(current: &str) -> (&str, &str) {
    current.split_at(current.rfind(',').map_or(0, |comma| comma + 1))
}

/// Those that begin as it is typed, each once and in their order, behind what stands before them.
fn offer<N: Display, H: Into<String>>(
    names: impl IntoIterator<Item = (N, H)>,
    current: &str,
    before: &str,
) -> Vec<CompletionCandidate> {
    let mut seen = std::collections::HashSet::new();
    let names = names.into_iter().map(|(name, help)| (name.to_string(), help.into()));
    let fitting = names.filter(|(name, _)| name.starts_with(current) && seen.insert(name.clone()));
    let candidates = fitting.take(MOST).map(|(name, help)| {
        let help: String = help;
        // Without a tag each would be given that of the argument, which takes long.
        CompletionCandidate::new(format!("{before}{name}"))
            .help((!help.is_empty()).then(|| help.into()))
            .tag(Some("values".into()))
    });
    candidates.collect()
}

/// Settings that name a document.
const DOCUMENTS: [Key; 5] =
    [Key::ShellDocument, Key::ExecDocument, Key::SshDocument, Key::ForwardDocument, Key::RemoteForwardDocument];
