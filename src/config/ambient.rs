//! [`Ambient`]: what this room has to know of the AWS environment. Who reads it is not decided here.

use std::fmt;

use super::key::Key;

/// The AWS environment, as far as settings go: variables, and the profiles of the AWS configuration files.
pub(crate) trait Ambient: fmt::Debug + Send + Sync {
    /// The variable that names a profile, and the profile.
    fn profile(&self) -> Option<(&'static str, String)>;

    /// The variable that holds an access key, if one is set.
    fn access_key(&self) -> Option<&'static str>;

    /// The variables that have a value for a setting other than the profile, from strong to weak, and their values.
    /// `profile` is the AWS profile in effect.
    fn variables(&self, key: Key, profile: &str) -> Vec<(String, String)>;

    /// The value that an AWS profile has for a setting. A file that cannot be read has none.
    fn of_profile(&self, profile: &str, key: Key) -> Option<String>;
}

/// No AWS environment at all.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Ambient for Nothing {
    fn profile(&self) -> Option<(&'static str, String)> {
        None
    }

    fn access_key(&self) -> Option<&'static str> {
        None
    }

    fn variables(&self, _: Key, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn of_profile(&self, _: &str, _: Key) -> Option<String> {
        None
    }
}
