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
pub(crate) struct Profile {
    /// Its name.
    pub name: String,
    /// The region it names.
    pub region: Option<String>,
    /// The endpoint of all services that it names.
    pub endpoint_url: Option<String>,
    /// Whether its credentials may take a person: it, or a profile that it builds on, runs a program or wants a code.
    pub asks: bool,
}

/// The profiles of the AWS configuration files, by name. Reads files only.
///
/// # Errors
///
/// If a file is there and cannot be read.
pub(crate) async fn profiles() -> Result<Vec<Profile>, Error> {
    read(&Env::real(), &Fs::real()).await
}

async fn read(env: &Env, fs: &Fs) -> Result<Vec<Profile>, Error> {
    let found = profile::load(fs, env, &Default::default(), None).await.map_err(|err| {
        let message = format!("the AWS configuration cannot be read: {err}");
        Error::new(ErrorKind::Usage, Cause::Configuration, "configuration", message)
    })?;
    let mut names: Vec<&str> = found.profiles().collect();
    names.sort_unstable();
    let profiles = names.into_iter().map(|name| {
        let key = |key| found.get_profile(name)?.get(key).filter(|value| !value.is_empty()).map(str::to_owned);
        let (region, endpoint_url) = (key("region"), key("endpoint_url"));
        Profile { name: name.to_owned(), region, endpoint_url, asks: asks(&found, name) }
    });
    Ok(profiles.collect())
}

fn asks(all: &ProfileSet, name: &str) -> bool {
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
    async fn profiles_of_both_files_are_found() {
        let env = Env::from_slice(&[("HOME", "/home/me")]);
        let fs = Fs::from_slice(&[
            ("/home/me/.aws/config", "[profile work]\nregion = eu-west-1\n[default]\n"),
            ("/home/me/.aws/credentials", "[other]\naws_access_key_id = x\n"),
        ]);
        let found = read(&env, &fs).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.region.as_deref())).collect();
        assert_eq!(found, [("default", None), ("other", None), ("work", Some("eu-west-1"))]);
        assert_eq!(read(&env, &Fs::from_slice(&[])).await.unwrap(), []);
    }
    #[tokio::test]
    async fn profiles_that_may_take_a_person_are_told() {
        let config = "[profile program]\ncredential_process = x\n[profile role]\nsource_profile = program\n\
                      [profile mfa]\nsource_profile = mfa\nmfa_serial = s\n[profile keys]\nregion =\n\
                      [profile circle]\nsource_profile = elcric\n[profile elcric]\nsource_profile = circle\n";
        let fs = Fs::from_slice(&[("/home/me/.aws/config", config)]);
        let found = read(&Env::from_slice(&[("HOME", "/home/me")]), &fs).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.asks)).collect();
        let expected = [("circle", false), ("elcric", false), ("keys", false), ("mfa", true), ("program", true)];
        assert_eq!(found, [&expected[..], &[("role", true)]].concat());
    }
}
