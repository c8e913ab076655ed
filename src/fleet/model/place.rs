//! [`Place`]: where an instance is.

use std::fmt;

use crate::aws::Aws;

/// The account and region in which an instance was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The AWS profile by which it was seen, if one was named.
    pub profile: Option<String>,
    /// For instance `eu-west-1`.
    pub region: String,
}

impl Place {
    /// The account and region that `aws` stands for.
    pub fn of(aws: &Aws) -> Self {
        Self { profile: aws.profile().map(str::to_owned), region: aws.region().to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.region)?;
        match &self.profile {
            Some(profile) => write!(f, " ({profile})"),
            None => Ok(()),
        }
    }
}
