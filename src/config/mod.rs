//! `config.toml`: what it may say, what it says, and which of several values counts.
//!
//! [`Config`] is the file, checked as a whole: every mistake is found at once, with its line and the key that was
//! probably meant. [`Effective`] lays the file under flags and variables and knows of each value where it came from.
//! [`edit`] changes the text of a file and keeps comments and order. [`Key`] is the one list of all settings, from which
//! reading, editing, explaining and the messages follow.

mod column;
pub mod edit;
mod effective;
mod error;
mod key;
mod load;
mod near;
mod path;
mod reader;
mod schema;
mod value;

pub use column::Column;
pub use edit::Place;
pub use effective::{Effective, Flags, Found, Origin};
pub use error::{ConfigError, MOST_MISTAKES, Mistake};
pub use key::{Key, Kind, Level};
pub use load::read;
pub use near::nearest;
pub use path::{Location, VARIABLE, location};
pub use schema::{Config, Located, Section, Selector, Target, Tunnel};
pub use value::Value;
