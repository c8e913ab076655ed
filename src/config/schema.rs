//! [`Config`]: the content of a file that was checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::key::Key;
use super::lanes::Lanes;
use super::value::Value;

/// A value and the line on which it stands, from 1 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub value: T,
    pub line: usize,
}

/// The content of a file; empty if there is no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where it was read from, if it was.
    pub path: Option<PathBuf>,
    pub defaults: Section,
    /// `[profiles.NAME]`, by the name of the AWS profile.
    pub profiles: BTreeMap<String, Section>,
    /// `[targets.NAME]`, by alias.
    pub targets: BTreeMap<String, Target>,
    /// `[tunnels.NAME]`, by name.
    pub tunnels: BTreeMap<String, Tunnel>,
}

/// The settings of one section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// Those that stand there.
    pub values: BTreeMap<Key, Located<Value>>,
}

/// An alias: an instance, and settings for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The instance it stands for.
    pub selector: Selector,
    /// Settings that count for it.
    pub settings: Section,
    /// Where it begins.
    pub line: usize,
}

/// Which instance is meant by an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The one with this id.
    Id(String),
    /// The one with exactly this name.
    Name(String),
    /// The one that has all of these tags; at least one. A value may hold the wildcard `*`.
    Tags(BTreeMap<String, String>),
    /// The one with this private address or DNS name.
    Address(String),
}

/// A tunnel that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tunnel {
    /// The instance to go through: an alias, or anything else a target can be.
    pub target: Located<String>,
    /// Forwards as `ssmx fwd` takes them; at least one. Their grammar is not checked here.
    pub forward: Vec<Located<String>>,
    /// Address to listen on instead of both loopback addresses. Not checked here.
    pub bind: Option<Located<String>>,
    /// Whether it is ready only when the destination accepts connections.
    pub wait: bool,
    /// How many sessions it uses side by side, if that is set for it.
    pub lanes: Option<Lanes>,
    /// Where it begins.
    pub line: usize,
}

impl Config {
    /// Without the values of other settings, in every section.
    #[must_use]
    pub(crate) fn only(mut self, keep: impl Fn(Key) -> bool) -> Self {
        let targets = self.targets.values_mut().map(|target| &mut target.settings);
        for section in self.profiles.values_mut().chain(targets).chain([&mut self.defaults]) {
            section.values.retain(|key, _| keep(*key));
        }
        self
    }
}

impl Section {
    /// The value of a setting, if it stands here.
    pub(crate) fn get(&self, key: Key) -> Option<&Value> {
        self.values.get(&key).map(|located| &located.value)
    }
}
