//! [`Value`]: the value of a setting, read from TOML and from plain text, checked in one place.

use std::fmt;
use std::time::Duration;

use super::column::Column;
use super::key::Kind;
use super::lanes::Lanes;
use crate::syntax::{HTTP, is_region, is_url};

/// The value of a setting, of the kind that its key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Of the kinds `Text`, `Region`, `Url` and `StreamUrl`.
    Text(String),
    /// Of the kind `Port`.
    Port(u16),
    /// Of the kind `Switch`.
    Switch(bool),
    /// Of the kind `Duration`.
    Duration(Duration),
    /// Of the kind `Lanes`.
    Lanes(Lanes),
    /// Of the kind `Columns`; at least one.
    Columns(Vec<Column>),
}

/// Longest text. A reason may have 256 characters, a URL more.
const TEXT_LIMIT: usize = 1024;

/// Longest length of time.
const DURATION_LIMIT: Duration = Duration::from_hours(720);

/// Most columns.
const COLUMNS_LIMIT: usize = 64;

impl Value {
    /// Reads what stands in the file.
    ///
    /// # Errors
    /// What was expected, and what is there.
    pub(super) fn from_toml(kind: Kind, value: &toml_edit::Value) -> Result<Self, String> {
        let wrong = || format!("expected {}, found {}", kind.expected(), article(value.type_name()));
        match (kind, value) {
            (Kind::Switch, toml_edit::Value::Boolean(on)) => Ok(Self::Switch(*on.value())),
            (Kind::Port, toml_edit::Value::Integer(port)) => {
                let port = u16::try_from(*port.value()).ok().filter(|port| *port != 0);
                port.map(Self::Port)
                    .ok_or_else(|| format!("expected {}, found {}", kind.expected(), value.to_string().trim()))
            }
            (Kind::Lanes, toml_edit::Value::Integer(number)) => Self::from_text(kind, &number.value().to_string()),
            (Kind::Switch | Kind::Port, _) => Err(wrong()),
            (Kind::Columns, toml_edit::Value::Array(array)) => {
                let names: Option<Vec<&str>> = array.iter().map(toml_edit::Value::as_str).collect();
                columns(names.ok_or_else(|| format!("expected {}", kind.expected()))?)
            }
            (Kind::Columns, _) => Err(wrong()),
            (kind, value) => Self::from_text(kind, value.as_str().ok_or_else(wrong)?),
        }
    }

    /// Reads what a flag, a variable or `ssmx config set` says.
    ///
    /// # Errors
    /// What was expected, and what is there.
    pub(crate) fn from_text(kind: Kind, text: &str) -> Result<Self, String> {
        let wrong = || format!("expected {}, found `{text}`", kind.expected());
        let plain = || match text {
            "" => Err(format!("expected {}, found an empty string", kind.expected())),
            text if text.chars().any(char::is_control) => {
                Err("it contains a line break or another control character".to_owned())
            }
            text if text.len() > TEXT_LIMIT => Err(format!("it is longer than {TEXT_LIMIT} bytes")),
            text => Ok(Self::Text(text.to_owned())),
        };
        match kind {
            Kind::Text => plain(),
            Kind::Region if is_region(text) => plain(),
            Kind::Url if is_url(text, &HTTP) => plain(),
            Kind::StreamUrl if is_url(text, &["https", "http", "wss", "ws"]) => plain(),
            Kind::Region | Kind::Url | Kind::StreamUrl => Err(wrong()),
            Kind::Port => text.parse().ok().filter(|port| *port != 0).map(Self::Port).ok_or_else(wrong),
            Kind::Lanes => text.parse().map(Self::Lanes),
            Kind::Switch => text.parse().map(Self::Switch).map_err(|_| wrong()),
            Kind::Duration => {
                let length = humantime::parse_duration(text).map_err(|_| wrong())?;
                if length > DURATION_LIMIT {
                    return Err(format!(
                        "expected at most {}, found `{text}`",
                        humantime::format_duration(DURATION_LIMIT)
                    ));
                }
                Ok(Self::Duration(length))
            }
            Kind::Columns => columns(text.split(',').map(str::trim).collect()),
        }
    }

    /// As it stands in the file.
    pub(crate) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Port(port) => i64::from(*port).into(),
            Self::Switch(on) => (*on).into(),
            Self::Lanes(Lanes::Fixed(number)) => i64::from(*number).into(),
            Self::Columns(columns) => columns.iter().map(Column::to_string).collect(),
            other => other.to_string().into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Port(port) => write!(f, "{port}"),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Lanes(lanes) => write!(f, "{lanes}"),
            Self::Duration(length) => write!(f, "{}", humantime::format_duration(*length)),
            Self::Columns(columns) => {
                let names: Vec<_> = columns.iter().map(Column::to_string).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl Kind {
    /// What a person has to write, in words.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Region => "the name of a region such as \"eu-west-1\"",
            Self::Port => "a port from 1 to 65535",
            Self::Lanes => Lanes::EXPECTED,
            Self::Switch => "true or false",
            Self::Duration => "a duration such as \"60s\" or \"1h 30m\"",
            Self::Columns => "a list of columns such as [\"name\", \"id\"]",
            Self::Url => "an https:// or http:// URL",
            Self::StreamUrl => "an https://, http://, wss:// or ws:// URL",
        }
    }
}

/// A type of TOML with its article.
pub(super) fn article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {type_name}")
}

fn columns(names: Vec<&str>) -> Result<Value, String> {
    if names.is_empty() || names.len() > COLUMNS_LIMIT {
        return Err(format!("expected 1 to {COLUMNS_LIMIT} columns"));
    }
    names.into_iter().map(str::parse).collect::<Result<_, _>>().map(Value::Columns)
}

#[cfg(test)]
mod tests;
