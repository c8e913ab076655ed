//! [`Column`]: what the list shows of an instance.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::SystemTime;

use crate::fleet::{Instance, InstanceState, Platform};

/// A column of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    Name,
    Id,
    Status,
    State,
    Platform,
    Type,
    Zone,
    Region,
    Profile,
    Ip,
    PublicIp,
    Dns,
    Computer,
    Agent,
    LastSeen,
    Launched,
    /// The value of a tag, written `tag:KEY`.
    Tag(String),
}

/// The columns, by the names under which a query and the configuration know them; tags beside them.
const NAMED: [(&str, Column); 16] = [
    ("name", Column::Name),
    ("id", Column::Id),
    ("status", Column::Status),
    ("state", Column::State),
    ("platform", Column::Platform),
    ("type", Column::Type),
    ("zone", Column::Zone),
    ("region", Column::Region),
    ("profile", Column::Profile),
    ("ip", Column::Ip),
    ("public_ip", Column::PublicIp),
    ("dns", Column::Dns),
    ("computer", Column::Computer),
    ("agent", Column::Agent),
    ("last_seen", Column::LastSeen),
    ("launched", Column::Launched),
];

impl Column {
    /// Those that are shown by default.
    pub const DEFAULT: [Self; 6] = [Self::Name, Self::Id, Self::Status, Self::Platform, Self::Zone, Self::Ip];

    /// The title above it.
    pub fn title(&self) -> String {
        match self {
            Self::Tag(key) => key.to_uppercase(),
            named => {
                let name = NAMED.iter().find(|(_, column)| column == named).map_or("", |(name, _)| name);
                name.to_uppercase().replace('_', " ")
            }
        }
    }

    /// What it shows of an instance; empty if that is not known.
    pub fn text<'a>(&self, instance: &'a Instance) -> Cow<'a, str> {
        let known = |text: &'a Option<String>| Cow::Borrowed(text.as_deref().unwrap_or_default());
        match self {
            Self::Name => known(&instance.name),
            Self::Id => Cow::Borrowed(&instance.id),
            Self::Status => Cow::Borrowed(instance.status.word()),
            Self::State => Cow::Borrowed(instance.state.map_or("", InstanceState::as_str)),
            Self::Platform => Cow::Borrowed(
                instance.platform_name.as_deref().or(instance.platform.map(Platform::as_str)).unwrap_or_default(),
            ),
            Self::Type => known(&instance.instance_type),
            Self::Zone => Cow::Borrowed(instance.zone.as_ref().unwrap_or(&instance.place.region)),
            Self::Region => Cow::Borrowed(&instance.place.region),
            Self::Profile => known(&instance.place.profile),
            Self::Ip => known(&instance.private_ip),
            Self::PublicIp => known(&instance.public_ip),
            Self::Dns => known(&instance.private_dns),
            Self::Computer => known(&instance.computer_name),
            Self::Agent => known(&instance.agent_version),
            Self::LastSeen => Cow::Owned(instance.last_ping.map(time).unwrap_or_default()),
            Self::Launched => Cow::Owned(instance.launched.map(time).unwrap_or_default()),
            Self::Tag(key) => Cow::Borrowed(instance.tags.get(key).map_or("", String::as_str)),
        }
    }
}

impl FromStr for Column {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(tag) = text.strip_prefix("tag:").filter(|tag| !tag.is_empty()) {
            return Ok(Self::Tag(tag.to_owned()));
        }
        NAMED.into_iter().find(|(name, _)| *name == text).map(|(_, column)| column).ok_or(())
    }
}

/// A moment to the minute, in UTC. Empty for one that RFC 3339 cannot write.
pub(super) fn time(time: SystemTime) -> String {
    let mut text = String::new();
    // humantime writes no time before 1970, and fails for those after 9999.
    let _ = write!(text, "{}", humantime::format_rfc3339_seconds(time.max(SystemTime::UNIX_EPOCH)));
    text.get(..16).unwrap_or_default().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::picker::testing::instance;

    #[test]
    fn columns_have_names_and_titles() {
        assert_eq!("public_ip".parse(), Ok(Column::PublicIp));
        assert_eq!("tag:Env".parse(), Ok(Column::Tag("Env".into())));
        assert_eq!("tag:".parse::<Column>(), Err(()));
        assert_eq!(
            (Column::PublicIp.title().as_str(), Column::Tag("Env".into()).title().as_str()),
            ("PUBLIC IP", "ENV")
        );
    }

    #[test]
    fn what_is_not_known_is_empty() {
        let mut one = instance("i-1", "web-1");
        assert_eq!(Column::LastSeen.text(&one), "");
        one.last_ping = Some(UNIX_EPOCH + Duration::from_secs(1_790_000_000));
        assert_eq!(Column::LastSeen.text(&one), "2026-09-21 14:13");
        assert_eq!(Column::Tag("Env".into()).text(&one), "prod");
    }
}
