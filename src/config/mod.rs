//! `config.toml`: what it may say, what it says, and which of several values counts.
//!
//! [`Config`] is the file, checked as a whole: every mistake is found at once, with its line and the key that was
//! probably meant. [`Effective`] lays the file under flags and variables and knows of each value where it came from.
//! [`edit`] changes the text of a file and keeps comments and order. [`Key`] is the one list of all settings, from which
//! reading, editing, explaining and the messages follow.

mod column;
pub(crate) mod edit;
mod effective;
mod error;
mod key;
mod load;
mod path;
mod reader;
mod schema;
pub(crate) mod settings;
mod value;

pub(crate) use column::Column;
pub(crate) use edit::Place;
pub(crate) use effective::{Effective, Flags, Found, Origin};
pub(crate) use error::{ConfigError, MOST_MISTAKES, Mistake};
pub(crate) use key::{Key, Kind, Level};
pub(crate) use load::read;
pub(crate) use path::location;
pub(crate) use schema::{Config, Section, Selector, Target, Tunnel};
pub(crate) use value::Value;
