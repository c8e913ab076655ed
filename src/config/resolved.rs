//! [`Resolved`]: of several values for one setting, the one that counts, and where each came from.
//!
//! Precedence is decided here for commands, completion, `config explain` and the plugin alike; `aws::Ambient` weighs only
//! the sources of AWS, for another profile of it. From strong to weak:
//!
//! 1. flags;
//! 2. `SSMX_*` variables;
//! 3. the section of the alias;
//! 4. for the profile alone, the variables of the AWS CLI: they are set for one shell;
//! 5. the section of the profile;
//! 6. the defaults, without their profile if the environment holds credentials: those are of an account already;
//! 7. the variables of the AWS CLI;
//! 8. the AWS profile in the files of the AWS CLI.
//!
//! What none of these has is built in, or found elsewhere: see [`Key::default`].

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::ambient::{Ambient, Nothing};
use super::column::Column;
use super::error::ConfigError;
use super::key::Key;
use super::lanes::Lanes;
use super::schema::{Config, Section, Target};
use super::settings;
use super::value::Value;
use crate::syntax::DEFAULT_PROFILE;

/// The values of one source.
type Layer = BTreeMap<Key, Found>;

/// The values of flags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(Layer);

/// The values of `SSMX_*` variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(Layer);

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub value: Value,
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    /// This `SSMX_*` variable.
    Variable(String),
    /// A section of the file.
    File {
        section: String,
        /// The line of the key, from 1 on.
        line: usize,
    },
    /// This variable of the AWS CLI.
    AwsVariable(String),
    /// This profile in the files of the AWS CLI.
    AwsProfile(String),
}

/// The settings in effect for one target, or for none in particular.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// From strong to weak.
    layers: Vec<Layer>,
    /// The profile of the defaults if it does not count, and the variable because of which it does not.
    ignored_profile: Option<(Found, &'static str)>,
    /// The name of the profile in effect.
    profile: String,
    ambient: Arc<dyn Ambient>,
    /// The weakest layers, which may cost reading files: made when nothing stronger has a value.
    of_aws: OnceLock<Vec<Layer>>,
}

impl Flags {
    /// With the value of a flag, if it was given.
    #[must_use]
    pub(crate) fn text(mut self, key: Key, flag: &'static str, value: Option<&str>) -> Self {
        let found = value.map(|value| Found { value: Value::Text(value.to_owned()), origin: Origin::Flag(flag) });
        self.0.extend(found.map(|found| (key, found)));
        self
    }

    /// With a switch, if it was given.
    #[must_use]
    pub(crate) fn switch(mut self, key: Key, flag: &'static str, on: bool) -> Self {
        let found = on.then_some((key, Found { value: Value::Switch(true), origin: Origin::Flag(flag) }));
        self.0.extend(found);
        self
    }
}

impl Variables {
    /// Those that are set and not empty. `variable` looks into the environment.
    ///
    /// # Errors
    /// One has a value that its setting cannot have.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut layer = Layer::new();
        for key in Key::all() {
            let name = key.variable();
            let Some(text) = variable(&name).filter(|text| !text.is_empty()) else { continue };
            match Value::from_text(key.kind(), &text) {
                Ok(value) => layer.insert(key, Found { value, origin: Origin::Variable(name) }),
                Err(problem) => return Err(ConfigError::Variable { variable: name, problem }),
            };
        }
        Ok(Self(layer))
    }
}

impl Config {
    /// The settings in effect for an alias, or for no alias at all.
    pub(crate) fn resolve(
        &self,
        flags: Flags,
        variables: Variables,
        alias: Option<(&str, &Target)>,
        ambient: Arc<dyn Ambient>,
    ) -> Resolved {
        let mut layers = vec![flags.0, variables.0];
        layers.extend(alias.map(|(name, target)| layer(&format!("[targets.{name}]"), &target.settings)));
        let of_variable = ambient.profile().map(|(name, profile)| (Key::Profile, aws_variable(name, profile)));
        layers.push(of_variable.into_iter().collect());
        let mut defaults = layer(DEFAULTS, &self.defaults);
        let has_profile = layers.iter().any(|layer| layer.contains_key(&Key::Profile));
        let keys = ambient.access_key().filter(|_| !has_profile);
        let ignored_profile = keys.and_then(|keys| Some((defaults.remove(&Key::Profile)?, keys)));
        layers.push(defaults);
        let profile = layers.iter().find_map(|layer| layer.get(&Key::Profile)).map(|found| found.value.to_string());
        let profile = profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        if let Some(section) = self.profiles.get(&profile) {
            let before_defaults = layers.len() - 1;
            layers.insert(before_defaults, layer(&format!("[profiles.{profile}]"), section));
        }
        Resolved { layers, ignored_profile, profile, ambient, of_aws: OnceLock::new() }
    }
}

fn layer(header: &str, section: &Section) -> Layer {
    let found = section.values.iter().map(|(key, located)| {
        let origin = Origin::File { section: header.to_owned(), line: located.line };
        (*key, Found { value: located.value.clone(), origin })
    });
    found.collect()
}

fn aws_variable(name: impl Into<String>, value: String) -> Found {
    Found { value: Value::Text(value), origin: Origin::AwsVariable(name.into()) }
}

/// The last two steps: a layer for the first variables of all settings, one for the second ones, and so on; then one
/// for the profile.
fn of_aws(ambient: &dyn Ambient, profile: &str) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut of_profile = Layer::new();
    for key in Key::all().filter(|key| *key != Key::Profile) {
        for (rank, (name, value)) in ambient.variables(key, profile).into_iter().enumerate() {
            layers.resize_with(layers.len().max(rank + 1), Layer::new);
            layers[rank].insert(key, aws_variable(name, value));
        }
        if let Some(value) = ambient.of_profile(profile, key) {
            let origin = Origin::AwsProfile(profile.to_owned());
            of_profile.insert(key, Found { value: Value::Text(value), origin });
        }
    }
    layers.push(of_profile);
    layers
}

impl Resolved {
    fn of_aws(&self) -> &[Layer] {
        self.of_aws.get_or_init(|| of_aws(&*self.ambient, &self.profile))
    }

    /// The layers that can have a value for a setting.
    fn layers_of(&self, key: Key) -> impl Iterator<Item = &Layer> {
        let is_of_aws = key == Key::Region || key.is_endpoint();
        self.layers.iter().chain(iter::once_with(|| self.of_aws()).take(is_of_aws.into()).flatten())
    }

    /// The value that counts, if there is one.
    pub(crate) fn get(&self, key: Key) -> Option<&Found> {
        match (key, key.service()) {
            (Key::SsmmessagesEndpointUrl, _) => self.gateway_endpoint(),
            // One for all services stands before a weaker one for this one.
            (_, Some(_)) => {
                self.layers_of(key).find_map(|layer| layer.get(&key).or_else(|| layer.get(&Key::EndpointUrl)))
            }
            (_, None) => self.all(key).next(),
        }
    }

    /// All values of a setting itself, from strong to weak. The one that counts is the first, but for endpoints, where
    /// that of all services may count.
    pub(crate) fn all(&self, key: Key) -> impl Iterator<Item = &Found> {
        self.layers_of(key).filter_map(move |layer| layer.get(&key))
    }

    /// One for all services is not for the message gateway: each session names its own gateway, and an API elsewhere
    /// names one elsewhere. So a stronger one of ssmx's own leads to that, unless the AWS environment names the gateway.
    fn gateway_endpoint(&self) -> Option<&Found> {
        let key = Key::SsmmessagesEndpointUrl;
        let strongest =
            self.layers.iter().find(|layer| layer.contains_key(&key) || layer.contains_key(&Key::EndpointUrl));
        let own = strongest.and_then(|layer| layer.get(&key));
        own.or_else(|| self.of_aws().iter().find_map(|layer| layer.get(&key)))
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

    /// How long a connection of a tunnel may hold up the others; zero: for ever.
    pub(crate) fn forward_stall(&self) -> Duration {
        match self.get(Key::ForwardStall).map(|found| &found.value) {
            Some(Value::Duration(length)) => *length,
            _ => settings::FORWARD_STALL,
        }
    }

    /// How many sessions a tunnel uses side by side.
    pub(crate) fn lanes(&self) -> Lanes {
        match self.get(Key::Lanes).map(|found| &found.value) {
            Some(Value::Lanes(lanes)) => *lanes,
            _ => Lanes::Auto,
        }
    }

    /// Whether the profile is to be used even where the environment holds credentials: that of a flag, of
    /// `SSMX_PROFILE` or of the alias.
    pub(crate) fn has_explicit_profile(&self) -> bool {
        self.get(Key::Profile).is_some_and(|found| match &found.origin {
            Origin::Flag(_) | Origin::Variable(_) => true,
            Origin::File { section, .. } => section != DEFAULTS,
            Origin::AwsVariable(_) | Origin::AwsProfile(_) => false,
        })
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

    /// The port of the SSH servers, if one is set.
    pub(crate) fn ssh_port(&self) -> Option<u16> {
        match self.get(Key::SshPort)?.value {
            Value::Port(port) => Some(port),
            _ => None,
        }
    }

    /// Whether endpoints on other machines may be `http://`.
    pub(crate) fn allows_insecure_endpoints(&self) -> bool {
        matches!(self.get(Key::InsecureEndpoint).map(|found| &found.value), Some(Value::Switch(true)))
    }

    /// Whether only sessions will do that are encrypted with a KMS key.
    pub(crate) fn requires_encryption(&self) -> bool {
        matches!(self.get(Key::RequireEncryption).map(|found| &found.value), Some(Value::Switch(true)))
    }

    /// Whether sessions need a reason.
    pub(crate) fn reason_required(&self) -> bool {
        matches!(self.get(Key::ReasonRequired).map(|found| &found.value), Some(Value::Switch(true)))
    }
}

impl Default for Resolved {
    fn default() -> Self {
        Config::default().resolve(Flags::default(), Variables::default(), None, Arc::new(Nothing))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) | Self::AwsVariable(name) => f.write_str(name),
            Self::File { section, line } => write!(f, "{section}, line {line}"),
            Self::AwsProfile(name) => write!(f, "AWS configuration, profile {name}"),
        }
    }
}

const DEFAULTS: &str = "[defaults]";
