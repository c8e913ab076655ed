//! The profiles that the AWS configuration has.

use super::{ambient::Ambient, client::Aws, error::Error, identity::Identity, shared_files::SharedFiles};
use crate::syntax::DEFAULT_PROFILE;

/// A profile of the AWS configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub name: String,
    /// The region it names.
    pub region: Option<String>,
    /// Whether its credentials may need a person: it, or a profile that it builds on, runs a program or wants a code.
    pub asks: bool,
}

fn asks(files: &SharedFiles, name: &str) -> bool {
    let keys = ["credential_process", "mfa_serial"];
    files.with_sources(name).into_iter().any(|profile| keys.iter().any(|key| files.has(profile, key)))
}

impl Ambient {
    /// The profiles of both files by name.
    pub(crate) fn profiles(&self) -> Vec<Profile> {
        let files = self.files();
        let profiles = files.profiles().map(|name| Profile {
            name: name.to_owned(),
            region: self.region_of(name),
            asks: asks(files, name),
        });
        profiles.collect()
    }
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
        settings.allow_insecure = self.allows_insecure();
        settings.require_encryption = self.requires_encryption();
        if let Some(common) = self.common_endpoint() {
            settings.endpoints = settings.endpoints.replaced_by(common);
        }
        Self::load(&settings, self.ambient()).await
    }

    /// Whether finding credentials may take a person: a program that is run for them asks for a code, for instance.
    pub(crate) fn may_ask(&self) -> bool {
        asks(self.ambient().files(), self.profile().unwrap_or(DEFAULT_PROFILE))
    }

    /// Whether a profile is the one in effect, named or not.
    pub fn is_profile(&self, name: &str) -> bool {
        self.profile() == Some(name) || *self.identity() == Identity::of_profile(self.ambient(), name)
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::Ambient;

    #[test]
    fn profiles_that_may_need_a_person_are_known() {
        let config = "[profile program]\ncredential_process = x\n[profile role]\nsource_profile = program\n\
                      [profile mfa]\nsource_profile = mfa\nmfa_serial = s\n[profile keys]\nregion =\n\
                      [profile circle]\nsource_profile = elcric\n[profile elcric]\nsource_profile = circle\n";
        let found = Ambient::of(&[], &[("/home/me/.aws/config", config)]).profiles();
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.asks)).collect();
        let expected = [("circle", false), ("elcric", false), ("keys", false), ("mfa", true), ("program", true)];
        assert_eq!(found, [&expected[..], &[("role", true)]].concat());
    }
}
