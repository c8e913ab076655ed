//! The profiles that the AWS configuration has.

use aws_config::profile::ProfileSet;

use super::{client::Aws, error::Error, identity::Identity};

/// A profile of the AWS configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub name: String,
    /// The region it names.
    pub region: Option<String>,
    /// Whether its credentials may need a person: it, or a profile that it builds on, runs a program or wants a code.
    pub asks: bool,
}

pub(super) fn asks(all: &ProfileSet, name: &str) -> bool {
    let mut source = all.get_profile(name);
    for _ in 0..SOURCES {
        let Some(profile) = source else { return false };
        if ["credential_process", "mfa_serial"].iter().any(|key| profile.get(key).is_some()) {
            return true;
        }
        // A profile may name itself as the source of its keys.
        source =
            profile.get("source_profile").filter(|next| *next != profile.name()).and_then(|next| all.get_profile(next));
    }
    false
}

impl Aws {
    /// Another account, and a region of it: the one that an AWS profile leads to, asked at the same endpoint if there is
    /// one for all services.
    ///
    /// # Errors
    ///
    /// If there is no such profile, or that cannot be the name of a region.
    pub async fn with_profile(&self, profile: &str, region: &str) -> Result<Self, Error> {
        let mut settings = self.ambient().settings(Some(profile), Some(region));
        if let Some(common) = self.common_endpoint() {
            settings.endpoints = settings.endpoints.replaced_by(common);
        }
        Self::load(&settings, self.ambient()).await
    }

    /// Whether a profile is the one in effect, named or not.
    pub fn is_profile(&self, name: &str) -> bool {
        self.profile() == Some(name) || *self.identity() == Identity::of_profile(self.ambient(), name)
    }
}

/// Profiles that build on each other, at most.
const SOURCES: usize = 8;

#[cfg(test)]
mod tests {
    use crate::aws::Ambient;

    #[test]
    fn profiles_that_may_need_a_person_are_known() {
        let config = "[profile program]\ncredential_process = x\n[profile role]\nsource_profile = program\n\
                      [profile mfa]\nsource_profile = mfa\nmfa_serial = s\n[profile keys]\nregion =\n\
                      [profile circle]\nsource_profile = elcric\n[profile elcric]\nsource_profile = circle\n";
        let found = Ambient::of(&[], &[("/home/me/.aws/config", config)]).profiles().unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.asks)).collect();
        let expected = [("circle", false), ("elcric", false), ("keys", false), ("mfa", true), ("program", true)];
        assert_eq!(found, [&expected[..], &[("role", true)]].concat());
    }
}
