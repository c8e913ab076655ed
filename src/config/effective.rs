//! [`Effective`]: of several values for one setting, the one that counts, and where each came from.
//!
//! From strong to weak: flags, `SSMX_*` variables, the alias, the profile's section, the defaults. What nobody says is
//! left to the AWS configuration and to what is built in.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::column::Column;
use super::error::ConfigError;
use super::key::Key;
use super::schema::{Config, Section, Target};
use super::settings;
use super::value::Value;

/// What flags say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(BTreeMap<Key, Found>);

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This flag.
    Flag(&'static str),
    /// This variable of the environment.
    Variable(String),
    /// A section of the file.
    File {
        /// Its header.
        section: String,
        /// The line of the key, from 1 on.
        line: usize,
    },
}

/// The settings in force for one target, or for none in particular.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effective {
    /// From strong to weak.
    layers: Vec<BTreeMap<Key, Found>>,
    /// Why `[defaults] profile` does not count, if it does not.
    ignored_profile: Option<(Found, &'static str)>,
}

impl Flags {
    /// With what a flag says, if it was given.
    #[must_use]
    pub(crate) fn text(mut self, key: Key, flag: &'static str, value: Option<&str>) -> Self {
        let found = value.map(|value| Found { value: Value::Text(value.to_owned()), origin: Origin::Flag(flag) });
        self.0.extend(found.map(|found| (key, found)));
        self
    }
}

impl Config {
    /// The settings in force for an alias, or for no alias at all. `variable` looks into the environment.
    ///
    /// # Errors
    /// A variable has a value that its setting cannot have.
    pub(crate) fn effective(
        &self,
        flags: Flags,
        alias: Option<(&str, &Target)>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Effective, ConfigError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut layers = vec![flags.0, variables(&variable)?];
        layers.extend(alias.map(|(name, target)| layer(&format!("[targets.{name}]"), &target.settings)));
        layers.push(aws_profile(&variable));
        let mut defaults = layer("[defaults]", &self.defaults);
        let ignored_profile = layers
            .iter()
            .all(|layer| !layer.contains_key(&Key::Profile))
            .then(|| variable(KEYS).and_then(|_| defaults.remove(&Key::Profile)))
            .flatten()
            .map(|found| (found, KEYS));
        layers.push(defaults);
        let profile = layers.iter().find_map(|layer| layer.get(&Key::Profile)).map(|found| found.value.to_string());
        let section = profile.unwrap_or_else(|| "default".to_owned());
        if let Some(profile) = self.profiles.get(&section) {
            let at = layers.len() - 1;
            layers.insert(at, layer(&format!("[profiles.{section}]"), profile));
        }
        Ok(Effective { layers, ignored_profile })
    }
}

/// Credentials in the environment name an account of their own, which that of the defaults must not replace.
const KEYS: &str = "AWS_ACCESS_KEY_ID";

fn variables(variable: &impl Fn(&str) -> Option<String>) -> Result<BTreeMap<Key, Found>, ConfigError> {
    let mut layer = BTreeMap::new();
    for key in Key::all() {
        let name = key.variable();
        let Some(text) = variable(&name) else { continue };
        match Value::from_text(key.kind(), &text) {
            Ok(value) => layer.insert(key, Found { value, origin: Origin::Variable(name) }),
            Err(problem) => return Err(ConfigError::Variable { variable: name, problem }),
        };
    }
    Ok(layer)
}

/// The profile that the variables of the AWS CLI name. It stands before the defaults, as it is said for one shell.
fn aws_profile(variable: &impl Fn(&str) -> Option<String>) -> BTreeMap<Key, Found> {
    let found = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().find_map(|name| Some((name, variable(name)?)));
    let found = found.map(|(name, value)| {
        (Key::Profile, Found { value: Value::Text(value), origin: Origin::Variable(name.to_owned()) })
    });
    found.into_iter().collect()
}

fn layer(header: &str, section: &Section) -> BTreeMap<Key, Found> {
    let found = section.values.iter().map(|(key, located)| {
        let origin = Origin::File { section: header.to_owned(), line: located.line };
        (*key, Found { value: located.value.clone(), origin })
    });
    found.collect()
}

impl Effective {
    /// The value that counts, if anybody says one.
    pub(crate) fn get(&self, key: Key) -> Option<&Found> {
        self.all(key).next()
    }

    /// All values, the one that counts first.
    pub(crate) fn all(&self, key: Key) -> impl Iterator<Item = &Found> {
        self.layers.iter().filter_map(move |layer| layer.get(&key))
    }

    /// The profile of the defaults if it does not count, and the variable because of which it does not.
    pub(crate) fn ignored_profile(&self) -> Option<(&Found, &'static str)> {
        self.ignored_profile.as_ref().map(|(found, variable)| (found, *variable))
    }

    /// The text of a setting of the kinds `Text`, `Region`, `Url` or `StreamUrl`.
    pub(crate) fn text(&self, key: Key) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The profile to be used even where the environment holds credentials: the one of a flag, of `SSMX_PROFILE` or of
    /// the alias.
    pub(crate) fn explicit_profile(&self) -> Option<&str> {
        self.get(Key::Profile).filter(|found| is_explicit(&found.origin)).and_then(|_| self.text(Key::Profile))
    }

    /// The profile of the defaults, if that is the one that counts.
    pub(crate) fn default_profile(&self) -> Option<&str> {
        let of_file = |found: &&Found| matches!(&found.origin, Origin::File { section, .. } if section == DEFAULTS);
        self.get(Key::Profile).filter(of_file).and_then(|_| self.text(Key::Profile))
    }

    /// The endpoint of a service. One for all services that is said more strongly stands before the service's own.
    pub(crate) fn endpoint(&self, key: Key) -> Option<&Found> {
        self.layers.iter().find_map(|layer| layer.get(&key).or_else(|| layer.get(&Key::EndpointUrl)))
    }

    /// The endpoint of the message gateway. One for all services is not for it: each session names its own gateway, and
    /// an API elsewhere names one elsewhere.
    pub(crate) fn messages_endpoint(&self) -> Option<&str> {
        let strongest = self.layers.iter().find_map(|layer| {
            let own = layer.get(&Key::SsmmessagesEndpointUrl);
            own.map(Some).or_else(|| layer.get(&Key::EndpointUrl).map(|_| None))
        });
        match &strongest??.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The columns of a listing.
    pub(crate) fn columns(&self) -> Vec<Column> {
        match self.get(Key::Columns).map(|found| &found.value) {
            Some(Value::Columns(columns)) => columns.clone(),
            _ => settings::COLUMNS.to_vec(),
        }
    }

    /// The tag that holds an instance's name.
    pub(crate) fn name_tag(&self) -> &str {
        self.text(Key::NameTag).unwrap_or(settings::NAME_TAG)
    }

    /// How long a listing is used again; zero is never.
    pub(crate) fn cache(&self) -> Duration {
        match self.get(Key::Cache).map(|found| &found.value) {
            Some(Value::Duration(length)) => *length,
            _ => settings::CACHE,
        }
    }

    /// The port of the SSH servers, if anybody says one.
    pub(crate) fn ssh_port(&self) -> Option<u16> {
        match self.get(Key::SshPort)?.value {
            Value::Port(port) => Some(port),
            _ => None,
        }
    }

    /// Whether no session may start without a reason.
    pub(crate) fn reason_required(&self) -> bool {
        matches!(self.get(Key::ReasonRequired).map(|found| &found.value), Some(Value::Switch(true)))
    }
}

fn is_explicit(origin: &Origin) -> bool {
    match origin {
        Origin::Flag(_) => true,
        Origin::Variable(name) => name.starts_with("SSMX_"),
        Origin::File { section, .. } => section != DEFAULTS,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File { section, line } => write!(f, "{section}, line {line}"),
        }
    }
}

const DEFAULTS: &str = "[defaults]";
