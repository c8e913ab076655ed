//! [`Key`]: a setting, of which all else stands in its row of [`SETTINGS`].

use std::fmt;

use super::settings::{Default, SETTINGS, Setting};

/// The keys and their number, by which one without a row in [`SETTINGS`] does not compile.
macro_rules! keys {
    ($($key:ident,)*) => {
        /// A setting. Its name is the same in every section of the file, and, behind `SSMX_` and in capitals, in the
        /// environment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Key {
            $($key,)*
        }

        /// How many keys there are.
        pub(super) const KEYS: usize = [$(stringify!($key)),*].len();
    };
}

keys! {
    Profile,
    Region,
    Columns,
    NameTag,
    Cache,
    SshUser,
    SshPort,
    ShellDocument,
    ExecDocument,
    SshDocument,
    ForwardDocument,
    RemoteForwardDocument,
    ForwardStall,
    Lanes,
    Reason,
    ReasonRequired,
    RequireEncryption,
    EndpointUrl,
    SsmEndpointUrl,
    SsmmessagesEndpointUrl,
    Ec2EndpointUrl,
    Ec2InstanceConnectEndpointUrl,
    KmsEndpointUrl,
    StsEndpointUrl,
    InsecureEndpoint,
}

/// What the value of a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text in one line that is not empty.
    Text,
    /// The name of an AWS region.
    Region,
    /// A TCP port, from 1 to 65535.
    Port,
    /// How many sessions a tunnel has: a number from 1 to 16, or `auto`.
    Lanes,
    /// True or false.
    Switch,
    /// A length of time such as `90s` or `1h 30m`, up to 30 days.
    Duration,
    /// The columns of a listing.
    Columns,
    /// An `https://` or `http://` URL.
    Url,
    /// The same, or a `wss://` or `ws://` URL.
    StreamUrl,
}

/// The levels on which a setting can stand, from general to particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Defaults,
    Profile,
    Target,
}

impl Key {
    /// All, in the order in which they are shown.
    pub(crate) fn all() -> impl Iterator<Item = Self> + Clone {
        SETTINGS.iter().map(|setting| setting.key)
    }

    /// Those that may stand on a level.
    pub(crate) fn of(level: Level) -> impl Iterator<Item = Self> + Clone {
        Self::all().filter(move |key| key.is_for(level))
    }

    /// The key that has this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        SETTINGS.iter().find(|setting| setting.name == name).map(|setting| setting.key)
    }

    fn setting(self) -> &'static Setting {
        &SETTINGS[self as usize]
    }

    /// As it stands in the file.
    pub(crate) fn name(self) -> &'static str {
        self.setting().name
    }

    /// The variable of the environment.
    pub(crate) fn variable(self) -> String {
        format!("SSMX_{}", self.name().to_ascii_uppercase())
    }

    pub(crate) fn kind(self) -> Kind {
        self.setting().kind
    }

    /// What it is for, in one line.
    pub(crate) fn summary(self) -> &'static str {
        self.setting().summary
    }

    /// Its value where it is not set.
    pub(crate) fn default(self) -> &'static Default {
        &self.setting().default
    }

    /// The sections in which it may stand, from general to particular.
    pub(crate) fn levels(self) -> &'static [Level] {
        self.setting().levels
    }

    /// Whether it may stand on a level.
    pub(crate) fn is_for(self, level: Level) -> bool {
        self.levels().contains(&level)
    }

    /// Whether it is the endpoint of a service, or of all.
    pub(crate) fn is_endpoint(self) -> bool {
        self == Self::EndpointUrl || self.service().is_some()
    }

    /// The endpoint of a service, named as [`Self::service`] does.
    pub(crate) fn endpoint_of(service: &str) -> Option<Self> {
        Self::all().find(|key| key.service() == Some(service))
    }

    /// The AWS service whose endpoint it is, as in `services` of an AWS profile: `ec2_instance_connect`. None for all
    /// other settings, also for the endpoint of all services.
    pub(crate) fn service(self) -> Option<&'static str> {
        self.name().strip_suffix("_endpoint_url")
    }
}

impl Level {
    /// The header of such a section.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Defaults => "[defaults]",
            Self::Profile => "[profiles.NAME]",
            Self::Target => "[targets.NAME]",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Column, Value};

    #[test]
    fn every_key_and_every_column_is_described() {
        let described = include_str!("../../docs/configuration.md");
        for key in Key::all() {
            let row = described.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name())));
            assert!(row.is_some(), "docs/configuration.md has no row for `{key}`");
        }
        for (name, _) in Column::NAMED {
            assert!(
                described.contains(&format!("`{name}`")),
                "docs/configuration.md does not name the column `{name}`"
            );
        }
    }

    #[test]
    fn rows_are_whole_and_found_by_their_names() {
        for key in Key::all() {
            assert_eq!(Key::named(key.name()), Some(key));
            assert!(!key.summary().is_empty() && !key.default().to_string().is_empty() && !key.levels().is_empty());
            if let Some(value) = key.default().value() {
                assert_eq!(Value::from_text(key.kind(), &value.to_string()), Ok(value), "{key}");
            }
        }
        assert_eq!(Key::named("Region"), None);
        assert_eq!(Key::SshUser.variable(), "SSMX_SSH_USER");
        assert_eq!(Key::Cache.default().to_string(), "1m");
        assert_eq!(Key::Ec2InstanceConnectEndpointUrl.service(), Some("ec2_instance_connect"));
        assert_eq!((Key::EndpointUrl.service(), Key::Region.service()), (None, None));
    }
}
