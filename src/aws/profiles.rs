//! The profiles that the AWS configuration has.

use aws_config::profile::{self, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use super::{
    client::Aws,
    error::{Cause, Error, ErrorKind},
    identity::Identity,
    settings::Settings,
};

/// A profile of the AWS configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its region, if it names one.
    pub region: Option<String>,
    /// Whether its credentials may take a person: it, or a profile that it builds on, runs a program or wants a code.
    pub asks: bool,
}

/// The profiles of the AWS configuration files, in alphabetical order. Makes no request.
///
/// # Errors
///
/// If the files cannot be read.
pub async fn profiles() -> Result<Vec<Profile>, Error> {
    read(&Env::real(), &Fs::real()).await
}

async fn read(env: &Env, fs: &Fs) -> Result<Vec<Profile>, Error> {
    let loaded = profile::load(fs, env, &Default::default(), None).await.map_err(|err| {
        let message = format!("the AWS configuration cannot be read: {err}");
        Error::new(ErrorKind::Usage, Cause::Configuration, "configuration", message)
    })?;
    let mut profiles: Vec<_> = loaded.profiles().filter_map(|name| one(&loaded, name)).collect();
    profiles.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(profiles)
}

fn one(all: &ProfileSet, name: &str) -> Option<Profile> {
    let profile = all.get_profile(name)?;
    let region = profile.get("region").filter(|region| !region.is_empty()).map(str::to_owned);
    let mut asks = false;
    let mut source = Some(profile);
    for _ in 0..SOURCES {
        let Some(profile) = source else { break };
        asks |= ["credential_process", "mfa_serial"].iter().any(|key| profile.get(key).is_some());
        // A profile may name itself as the source of its keys.
        source =
            profile.get("source_profile").filter(|next| *next != profile.name()).and_then(|next| all.get_profile(next));
    }
    Some(Profile { name: name.to_owned(), region, asks })
}

impl Aws {
    /// Another account, and a region of it: the one that an AWS profile leads to, asked at the same endpoints if they are
    /// not those of the region.
    ///
    /// # Errors
    ///
    /// If there is no such profile, or that cannot be the name of a region.
    pub async fn with_profile(&self, profile: &str, region: &str) -> Result<Self, Error> {
        let settings = Settings {
            profile: Some(profile.to_owned()),
            region: Some(region.to_owned()),
            endpoint_url: self.common_endpoint().map(str::to_owned),
            ..Settings::default()
        };
        Self::load(&settings).await
    }

    /// Whether a profile is the one in force, named or not.
    pub fn is_profile(&self, name: &str) -> bool {
        let named = Settings { profile: Some(name.to_owned()), ..Settings::default() };
        self.profile() == Some(name) || *self.identity() == Identity::of_environment(&named)
    }
}

/// Profiles that build on each other, at most.
const SOURCES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn profiles_are_listed_with_their_regions_and_whether_they_ask() {
        let config = "[default]\nregion = eu-north-1\n[profile program]\ncredential_process = x\n\
                      [profile role]\nsource_profile = program\nrole_arn = r\nregion =\n\
                      [profile mfa]\nsource_profile = mfa\nmfa_serial = s\n\
                      [profile circle]\nsource_profile = elcric\n[profile elcric]\nsource_profile = circle\n";
        let fs = Fs::from_slice(&[("/home/me/.aws/config", config)]);
        let profiles = read(&Env::from_slice(&[("HOME", "/home/me")]), &fs).await.unwrap();
        let told: Vec<_> = profiles.iter().map(|one| (one.name.as_str(), one.region.as_deref(), one.asks)).collect();
        assert_eq!(
            told,
            [
                ("circle", None, false),
                ("default", Some("eu-north-1"), false),
                ("elcric", None, false),
                ("mfa", None, true),
                ("program", None, true),
                ("role", None, true),
            ]
        );
        assert_eq!(read(&Env::from_slice(&[]), &Fs::from_slice(&[])).await.unwrap(), []);
    }
}
