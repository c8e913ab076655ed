//! [`Column`]: what a listing can show of an instance.

use std::fmt;
use std::str::FromStr;

/// A column of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
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

impl Column {
    /// Those that have a name of their own; `tag:KEY` beside them.
    pub(crate) const NAMED: [(&str, Self); 16] = [
        ("name", Self::Name),
        ("id", Self::Id),
        ("status", Self::Status),
        ("state", Self::State),
        ("platform", Self::Platform),
        ("type", Self::Type),
        ("zone", Self::Zone),
        ("region", Self::Region),
        ("profile", Self::Profile),
        ("ip", Self::Ip),
        ("public_ip", Self::PublicIp),
        ("dns", Self::Dns),
        ("computer", Self::Computer),
        ("agent", Self::Agent),
        ("last_seen", Self::LastSeen),
        ("launched", Self::Launched),
    ];

    /// Those that are shown when nobody says which.
    pub(crate) const DEFAULT: [Self; 6] = [Self::Name, Self::Id, Self::Status, Self::Platform, Self::Zone, Self::Ip];
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(tag) = text.strip_prefix("tag:").filter(|tag| !tag.is_empty()) {
            return Ok(Self::Tag(tag.to_owned()));
        }
        let found = Self::NAMED.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, column)| column).ok_or_else(|| {
            let names = Self::NAMED.map(|(name, _)| name);
            match super::nearest(text, names) {
                Some(near) => format!("`{text}` is no column; did you mean `{near}`?"),
                None => format!("`{text}` is no column: there are {}, and tag:KEY", names.join(", ")),
            }
        })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(key) => write!(f, "tag:{key}"),
            named => {
                let found = Self::NAMED.iter().find(|(_, column)| column == named);
                f.write_str(found.map_or("", |(name, _)| name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_they_are_shown() {
        for (name, column) in Column::NAMED {
            assert_eq!((name.parse(), column.to_string().as_str()), (Ok(column.clone()), name));
        }
        assert_eq!("tag:Env".parse(), Ok(Column::Tag("Env".to_owned())));
        assert_eq!(Column::Tag("Env".to_owned()).to_string(), "tag:Env");
        assert_eq!("statsu".parse::<Column>().unwrap_err(), "`statsu` is no column; did you mean `status`?");
        assert!("tag:".parse::<Column>().is_err());
    }
}
