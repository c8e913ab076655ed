//! [`Column`]: what a listing can show of an instance.

use std::fmt;
use std::str::FromStr;

use crate::nearest;

/// A column of a listing.
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

impl Column {
    /// All but `tag:KEY`.
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

    /// The column that has this name.
    pub(crate) fn named(text: &str) -> Option<Self> {
        if let Some(tag) = text.strip_prefix("tag:").filter(|tag| !tag.is_empty()) {
            return Some(Self::Tag(tag.to_owned()));
        }
        Self::NAMED.into_iter().find(|(name, _)| *name == text).map(|(_, column)| column)
    }
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::named(text).ok_or_else(|| {
            let names = Self::NAMED.map(|(name, _)| name);
            match nearest::did_you_mean(text, names) {
                Some(question) => format!("unknown column `{text}`; {question}"),
                None => format!("unknown column `{text}`: expected one of {}, or tag:KEY", names.join(", ")),
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
        assert_eq!("statsu".parse::<Column>().unwrap_err(), "unknown column `statsu`; did you mean `status`?");
        let all = "zzzzzz".parse::<Column>().unwrap_err();
        assert!(all.starts_with("unknown column `zzzzzz`: expected one of name, id,"), "{all}");
        assert!(all.ends_with(", launched, or tag:KEY"), "{all}");
        let sentence = "or tag:Env".parse::<Column>().unwrap_err();
        assert!(sentence.ends_with(", launched, or tag:KEY"), "{sentence}");
        assert!("tag:".parse::<Column>().is_err());
    }
}
