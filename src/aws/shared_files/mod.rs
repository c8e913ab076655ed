//! [`SharedFiles`]: the two files that the AWS CLI and the SDKs share, `config` and `credentials`.
//!
//! One reader for everything in ssmx, and it reads what the AWS CLI reads. The SDK's own is stricter than the tool that
//! writes these files: it knows no profile whose name has a blank or an umlaut, and one line that it cannot read costs
//! all profiles. It gets to see [`SharedFiles::for_sdk`].

mod disk;
mod ini;
mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub(super) use disk::Disk;
use disk::expanded;
use ini::{Ini, Value};
use names::name_of;

use crate::syntax::DEFAULT_PROFILE;

/// Both files, put together.
#[derive(Debug, Default)]
pub(super) struct SharedFiles {
    profiles: BTreeMap<String, Profile>,
    sso_sessions: BTreeMap<String, Values>,
    services: BTreeMap<String, Values>,
    mistakes: Vec<Mistake>,
}

type Values = BTreeMap<String, Value>;

#[derive(Debug, Default)]
struct Profile {
    values: Values,
    /// Whether the file of credentials has keys for it, which stand before a `credential_process`.
    has_own_keys: bool,
}

/// Something in a file that cannot be read, with all that a person needs to correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    file: PathBuf,
    /// From 1 on; none if it is the file as a whole.
    line: Option<usize>,
    what: String,
    place: Place,
}

/// What a mistake may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Anything,
    Profile(String),
    SsoSession(String),
    Services(String),
    Nothing,
}

/// The file that a section stands in.
#[derive(Clone, Copy)]
enum Kind {
    Config,
    Credentials,
}

impl SharedFiles {
    /// Reads both files from where these variables say they are. What cannot be read becomes a [`Mistake`].
    pub(super) fn read(disk: &Disk, variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut files = Self::default();
        for (kind, name, default) in
            [(Kind::Config, CONFIG_FILE, "~/.aws/config"), (Kind::Credentials, CREDENTIALS_FILE, "~/.aws/credentials")]
        {
            let path = expanded(&variable(name).unwrap_or_else(|| default.to_owned()), &variable);
            match disk.read(&path) {
                Ok(bytes) => files.add(kind, &path, ini::parse(&bytes)),
                Err(error) => files.mistakes.push(Mistake {
                    file: path,
                    line: None,
                    what: format!("the file cannot be read: {error}"),
                    place: Place::Anything,
                }),
            }
        }
        files
    }

    fn add(&mut self, kind: Kind, path: &Path, ini: Ini) {
        for mistake in ini.mistakes {
            let place = mistake.header.map_or(Place::Anything, |header| Place::of(kind, &header));
            let (file, what) = (path.to_owned(), mistake.what.to_owned());
            self.mistakes.push(Mistake { file, line: Some(mistake.line), what, place });
        }
        for section in ini.sections {
            let values = section.values;
            match (kind, Place::of(kind, &section.header)) {
                // A section that has the same name in another spelling takes the place of the first.
                (Kind::Config, Place::Profile(name)) => {
                    self.profiles.insert(name, Profile { values, has_own_keys: false });
                }
                (Kind::Credentials, Place::Profile(name)) => {
                    let profile = self.profiles.entry(name).or_default();
                    profile.has_own_keys |= values.contains_key("aws_access_key_id");
                    profile.values.extend(values);
                }
                (_, Place::SsoSession(name)) => drop(self.sso_sessions.insert(name, values)),
                (_, Place::Services(name)) => drop(self.services.insert(name, values)),
                (_, Place::Anything | Place::Nothing) => {}
            }
        }
    }

    /// The names of all profiles, sorted.
    pub(super) fn profiles(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    pub(super) fn has_profile(&self, name: &str) -> bool {
        self.profiles.contains_key(name)
    }

    /// What a profile says, if it says anything. In one line or several.
    pub(super) fn get(&self, profile: &str, key: &str) -> Option<&str> {
        text(&self.profiles.get(profile)?.values, key)
    }

    /// Whether a key stands in a profile, be it empty.
    pub(super) fn has(&self, profile: &str, key: &str) -> bool {
        self.profiles.get(profile).is_some_and(|profile| profile.values.contains_key(key))
    }

    /// Whether the file of credentials, and not that of settings, has an access key for a profile.
    pub(super) fn has_own_keys(&self, profile: &str) -> bool {
        self.profiles.get(profile).is_some_and(|profile| profile.has_own_keys)
    }

    /// What an `sso-session` says. None if there is no such section; a key that it lacks is empty.
    pub(super) fn sso_session(&self, name: &str, key: &str) -> Option<&str> {
        self.sso_sessions.get(name).map(|values| text(values, key).unwrap_or_default())
    }

    /// What a `services` section says of a service.
    pub(super) fn service(&self, section: &str, service: &str, key: &str) -> Option<&str> {
        match self.services.get(section)?.get(service)? {
            Value::Nested(values) => values.get(key).map(String::as_str).filter(|value| !value.is_empty()),
            Value::Text(_) => None,
        }
    }

    /// The profile, those that its credentials come from, and no profile twice. Ends at one that does not exist.
    pub(super) fn with_sources<'a>(&'a self, profile: &'a str) -> Vec<&'a str> {
        let mut chain = vec![profile];
        while let Some(next) = self.get(chain[chain.len() - 1], "source_profile")
            && !chain.contains(&next)
            && chain.len() < SOURCES
        {
            chain.push(next);
        }
        chain
    }

    /// What cannot be read and may have changed what a profile says or builds on.
    pub(super) fn mistakes_in(&self, profile: &str) -> Vec<&Mistake> {
        let touches = |profile: &str, place: &Place| match place {
            Place::Profile(name) => name == profile,
            Place::SsoSession(name) => self.get(profile, "sso_session") == Some(name.as_str()),
            Place::Services(name) => self.get(profile, "services") == Some(name.as_str()),
            Place::Anything | Place::Nothing => false,
        };
        let chain = self.with_sources(profile);
        self.mistakes.iter().filter(|one| chain.iter().any(|profile| touches(profile, &one.place))).collect()
    }

    /// All that cannot be read.
    pub(super) fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// One profile as a file that the SDK can read, under the name `default`. Without keys, and without what the SDK
    /// is told by other ways.
    pub(super) fn for_sdk(&self, profile: &str) -> String {
        // The SDK has endpoints from us alone: one that it found by itself would not have been checked.
        let mut file = format!("[{DEFAULT_PROFILE}]\nignore_configured_endpoint_urls = true\n");
        let values = self.profiles.get(profile).map(|profile| &profile.values);
        for (key, value) in values.into_iter().flatten() {
            match value {
                Value::Text(value) if SDK_KEYS.contains(&key.as_str()) && !value.contains('\n') => {
                    file.push_str(&format!("{key} = {value}\n"));
                }
                _ => {}
            }
        }
        file
    }
}

fn text<'a>(values: &'a Values, key: &str) -> Option<&'a str> {
    match values.get(key)? {
        Value::Text(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        Value::Nested(_) => None,
    }
}

impl Place {
    fn of(kind: Kind, header: &str) -> Self {
        let named = |kind, make: fn(String) -> Self| name_of(kind, header).map_or(Self::Nothing, make);
        match kind {
            Kind::Credentials => Self::Profile(header.to_owned()),
            Kind::Config if header == "DEFAULT" => Self::Anything,
            Kind::Config if header.starts_with("profile") => named("profile", Self::Profile),
            Kind::Config if header.starts_with("sso-session") => named("sso-session", Self::SsoSession),
            Kind::Config if header.starts_with("services") => named("services", Self::Services),
            Kind::Config if header == DEFAULT_PROFILE => Self::Profile(header.to_owned()),
            Kind::Config => Self::Nothing,
        }
    }
}

impl Mistake {
    /// Whether it may concern any profile.
    pub(super) fn is_of_all(&self) -> bool {
        self.place == Place::Anything
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The variables that say where the files are.
pub(super) const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
pub(super) const CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";

/// Profiles that build on each other, at most.
pub(super) const SOURCES: usize = 16;

/// What the SDK goes by that ssmx does not set itself.
const SDK_KEYS: [&str; 9] = [
    "account_id_endpoint_mode",
    "defaults_mode",
    "disable_request_compression",
    "request_min_compression_size_bytes",
    "sdk_ua_app_id",
    "sigv4a_signing_region_set",
    "auth_scheme_preference",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
];
