//! [`Effective`]: of several values for one setting, the one that counts, and where each came from.
//!
//! From strong to weak: flags, `SSMX_*` variables, the alias, the profile's section, the defaults. What nobody says is
//! left to the AWS configuration and to what is built in.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::column::Column;
use super::error::ConfigError;
use super::key::Key;
use super::schema::{Config, Section, Target};
use super::value::Value;

/// What flags say.
#[derive(Clone, Debug, Default)]
pub struct Flags(BTreeMap<Key, Found>);

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
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
pub struct Effective {
    /// From strong to weak.
    layers: Vec<BTreeMap<Key, Found>>,
    /// The name of the profile's section that holds, if an AWS profile was named at all, else `default`.
    section: String,
    /// Why `[defaults] profile` does not count, if it does not.
    ignored_profile: Option<(Found, &'static str)>,
}

impl Flags {
    /// With what a flag says, if it was given.
    #[must_use]
    pub fn text(mut self, key: Key, flag: &'static str, value: Option<&str>) -> Self {
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
    pub fn effective(
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
        Ok(Effective { layers, section, ignored_profile })
    }
}

/// Credentials in the environment name an account of their own, which that of the defaults must not replace.
const KEYS: &str = "AWS_ACCESS_KEY_ID";

fn variables(variable: &impl Fn(&str) -> Option<String>) -> Result<BTreeMap<Key, Found>, ConfigError> {
    let mut layer = BTreeMap::new();
    for key in Key::ALL {
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
    pub fn get(&self, key: Key) -> Option<&Found> {
        self.all(key).next()
    }

    /// All values, the one that counts first.
    pub fn all(&self, key: Key) -> impl Iterator<Item = &Found> {
        self.layers.iter().filter_map(move |layer| layer.get(&key))
    }

    /// The profile's section that holds, be it in the file or not: `default` where no profile is named.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// The profile of the defaults if it does not count, and the variable because of which it does not.
    pub fn ignored_profile(&self) -> Option<(&Found, &'static str)> {
        self.ignored_profile.as_ref().map(|(found, variable)| (found, *variable))
    }

    /// The text of a setting of the kinds `Text`, `Region`, `Url` or `StreamUrl`.
    pub fn text(&self, key: Key) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The profile to be used even where the environment holds credentials: the one of a flag, of `SSMX_PROFILE` or of
    /// the alias.
    pub fn explicit_profile(&self) -> Option<&str> {
        self.get(Key::Profile).filter(|found| is_explicit(&found.origin)).and_then(|_| self.text(Key::Profile))
    }

    /// The profile of the defaults, if that is the one that counts.
    pub fn default_profile(&self) -> Option<&str> {
        let of_file = |found: &&Found| matches!(&found.origin, Origin::File { section, .. } if section == DEFAULTS);
        self.get(Key::Profile).filter(of_file).and_then(|_| self.text(Key::Profile))
    }

    /// The endpoint of a service. One for all services that is said more strongly stands before the service's own.
    pub fn endpoint(&self, key: Key) -> Option<&Found> {
        self.layers.iter().find_map(|layer| layer.get(&key).or_else(|| layer.get(&Key::EndpointUrl)))
    }

    /// The endpoint of the message gateway. One for all services is not for it: each session names its own gateway, and
    /// an API elsewhere names one elsewhere.
    pub fn messages_endpoint(&self) -> Option<&str> {
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
    pub fn columns(&self) -> Vec<Column> {
        match self.get(Key::Columns).map(|found| &found.value) {
            Some(Value::Columns(columns)) => columns.clone(),
            _ => Column::DEFAULT.to_vec(),
        }
    }

    /// The tag that holds an instance's name.
    pub fn name_tag(&self) -> &str {
        self.text(Key::NameTag).unwrap_or(NAME_TAG)
    }

    /// How long a listing is used again; zero is never.
    pub fn cache(&self) -> Duration {
        match self.get(Key::Cache).map(|found| &found.value) {
            Some(Value::Duration(length)) => *length,
            _ => CACHE,
        }
    }

    /// The port of the SSH servers, if anybody says one.
    pub fn ssh_port(&self) -> Option<u16> {
        match self.get(Key::SshPort)?.value {
            Value::Port(port) => Some(port),
            _ => None,
        }
    }

    /// Whether no session may start without a reason.
    pub fn reason_required(&self) -> bool {
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

/// The tag that holds an instance's name when nobody says another.
const NAME_TAG: &str = "Name";

/// How long a listing is used again when nobody says how long.
const CACHE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const FILE: &str = "\
[defaults]
profile = 'work'
region = 'eu-north-1'
ssh_user = 'd'
ssm_endpoint_url = 'https://ssm.d'
ssmmessages_endpoint_url = 'wss://messages.d'
[profiles.work]
region = 'eu-west-1'
[profiles.prod]
region = 'eu-west-3'
ssh_user = 'p'
cache = '5s'
endpoint_url = 'https://p'
[targets.db]
id = 'i-1'
profile = 'prod'
ssh_port = 2222
reason_required = true
[profiles.default]
name_tag = 'X'
";

    fn effective(flags: Flags, alias: Option<&str>, environment: &[(&str, &str)]) -> Effective {
        let config = Config::parse(FILE, Path::new("x")).unwrap();
        let alias = alias.map(|alias| (alias, &config.targets[alias]));
        let variable =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        config.effective(flags, alias, variable).unwrap()
    }

    #[test]
    fn flags_variables_alias_profile_and_defaults_count_in_this_order() {
        let region = |flags, alias, environment: &[_]| {
            let found = effective(flags, alias, environment).get(Key::Region).cloned().unwrap();
            (found.value.to_string(), found.origin.to_string())
        };
        let both = [("SSMX_REGION", "us-east-1"), ("AWS_REGION", "us-east-2")];
        let flag = Flags::default().text(Key::Region, "--region", Some("ap-south-1"));
        assert_eq!(region(flag, Some("db"), &both), ("ap-south-1".into(), "--region".into()));
        assert_eq!(region(Flags::default(), Some("db"), &both), ("us-east-1".into(), "SSMX_REGION".into()));
        let of_prod = ("eu-west-3".into(), "[profiles.prod], line 10".into());
        assert_eq!(region(Flags::default(), Some("db"), &[("SSMX_REGION", "")]), of_prod);
        assert_eq!(region(Flags::default(), None, &[("AWS_PROFILE", "prod")]), of_prod);
        assert_eq!(region(Flags::default(), None, &[("AWS_DEFAULT_PROFILE", "prod")]), of_prod);
        assert_eq!(region(Flags::default(), None, &both[1..]).1, "[profiles.work], line 8");
        assert_eq!(region(Flags::default(), None, &[("AWS_PROFILE", "other")]).1, "[defaults], line 3");
        let profile = Flags::default().text(Key::Profile, "--profile", Some("work"));
        assert_eq!(region(profile, Some("db"), &[]).1, "[profiles.work], line 8", "a flag stands before the alias");
    }

    #[test]
    fn only_a_profile_that_somebody_meant_stands_before_keys_in_the_environment() {
        let profile = |alias, environment: &[_]| {
            let found = effective(Flags::default(), alias, environment);
            let (explicit, default) = (found.explicit_profile(), found.default_profile());
            (explicit.map(str::to_owned), default.map(str::to_owned), found.section().to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(profile(Some("db"), &[("AWS_PROFILE", "x")]), (some("prod"), None, "prod".into()));
        assert_eq!(profile(None, &[("SSMX_PROFILE", "x")]), (some("x"), None, "x".into()));
        assert_eq!(profile(None, &[("AWS_PROFILE", "x")]), (None, None, "x".into()));
        assert_eq!(profile(None, &[]), (None, some("work"), "work".into()));
        assert_eq!(profile(None, &[("AWS_ACCESS_KEY_ID", "AKID")]), (None, None, "default".into()));
        assert!(effective(Flags::default(), None, &[("AWS_ACCESS_KEY_ID", "x")]).ignored_profile().is_some());
        assert_eq!(effective(Flags::default(), None, &[("AWS_ACCESS_KEY_ID", "x")]).name_tag(), "X");
        assert!(effective(Flags::default(), None, &[]).ignored_profile().is_none());
    }

    #[test]
    fn an_endpoint_for_all_stands_before_weaker_ones_for_one_service() {
        let ssm = |environment: &[_]| {
            let found = effective(Flags::default(), None, environment);
            let ssm = found.endpoint(Key::SsmEndpointUrl).unwrap().value.to_string();
            (ssm, found.messages_endpoint().map(str::to_owned))
        };
        assert_eq!(ssm(&[]), ("https://ssm.d".into(), Some("wss://messages.d".into())));
        assert_eq!(ssm(&[("AWS_PROFILE", "prod")]), ("https://p".into(), None));
        let own = [("SSMX_SSMMESSAGES_ENDPOINT_URL", "wss://e"), ("SSMX_ENDPOINT_URL", "https://e")];
        assert_eq!(ssm(&own), ("https://e".into(), Some("wss://e".into())));
    }

    #[test]
    fn typed_values() {
        let db = effective(Flags::default(), Some("db"), &[]);
        assert_eq!((db.ssh_port(), db.reason_required(), db.cache()), (Some(2222), true, Duration::from_secs(5)));
        let none = effective(Flags::default(), None, &[("SSMX_COLUMNS", "id, tag:Env")]);
        assert_eq!(
            (none.ssh_port(), none.reason_required(), none.cache(), none.name_tag()),
            (None, false, CACHE, "Name")
        );
        assert_eq!(none.columns(), [Column::Id, Column::Tag("Env".into())]);
        assert_eq!(none.all(Key::SshUser).count(), 1);
        assert_eq!(effective(Flags::default(), None, &[]).columns(), Column::DEFAULT);
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_an_error() {
        let error = Config::default()
            .effective(Flags::default(), None, |name| (name == "SSMX_SSH_PORT").then(|| "x".to_owned()))
            .unwrap_err();
        let said = "`SSMX_SSH_PORT` in the environment: expected a port from 1 to 65535, found `x`";
        assert_eq!(error.to_string(), said);
    }
}
