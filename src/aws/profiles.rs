//! The profiles that the AWS configuration has.

use aws_config::profile;
use aws_types::os_shim_internal::{Env, Fs};

use super::error::{Cause, Error, ErrorKind};

/// A profile of the AWS configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The region it names.
    pub region: Option<String>,
    /// The endpoint of all services that it names.
    pub endpoint_url: Option<String>,
}

/// The profiles of the AWS configuration files, by name. Reads files only.
///
/// # Errors
///
/// If a file is there and cannot be read.
pub async fn profiles() -> Result<Vec<Profile>, Error> {
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
        Profile { name: name.to_owned(), region: key("region"), endpoint_url: key("endpoint_url") }
    });
    Ok(profiles.collect())
}

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
}
