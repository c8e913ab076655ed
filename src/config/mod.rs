//! `config.toml`: its grammar, its content, and which of several values counts.
//!
//! [`Config`] is the file, checked as a whole: every mistake is found at once, with its line and the key that was
//! probably meant. [`Resolved`] weighs flags, variables, the file and the AWS environment, and knows where each value came from.
//! [`edit`] changes the text of a file and keeps comments and order. [`settings`] is the one table of
//! all settings, from which reading, editing, explaining and the messages follow.

mod ambient;
#[cfg(test)]
mod check;
mod column;
pub(crate) mod edit;
mod error;
mod key;
mod lanes;
mod load;
mod path;
mod reader;
mod resolved;
mod schema;
pub(crate) mod settings;
mod value;

pub(crate) use ambient::{Ambient, Nothing};
pub(crate) use column::Column;
pub(crate) use edit::KeyPath;
pub(crate) use error::{ConfigError, MOST_MISTAKES, Mistake};
pub(crate) use key::{Key, Kind, Level};
pub(crate) use lanes::Lanes;
pub(crate) use load::read;
pub(crate) use path::location;
pub(crate) use resolved::{Flags, Found, Origin, Resolved, Variables};
pub(crate) use schema::{Config, Section, Selector, Target, Tunnel};
pub(crate) use value::Value;
