//! [`Ambient`]: what the AWS environment says, the variables and the files that the AWS CLI reads too.
//!
//! This is the one place where variables of AWS are named and read. It says what each source says; which of them
//! counts beside flags and the configuration of ssmx is decided in `config::Resolved`.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::{Env, Fs};
use futures_util::FutureExt;

use super::{
    error::{Cause, Error, ErrorKind},
    profiles::{Profile, asks},
    settings::{Endpoints, GATEWAY, Settings},
};
use crate::syntax::DEFAULT_PROFILE;

/// Names of variables in which the AWS CLI hands the answer of StartSession to its plugin begin like this.
pub(crate) const START_SESSION_RESPONSE: &str = "AWS_SSM_START_SESSION_RESPONSE";

const PROFILE: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// For all services; behind it `_` and a service in capitals for one.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const IGNORE_ENDPOINTS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
const MAX_ATTEMPTS: &str = "AWS_MAX_ATTEMPTS";
const RETRY_MODE: &str = "AWS_RETRY_MODE";
const FILES: [&str; 2] = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

/// The AWS environment of a process. Variables are read when they are asked for, the files once, when something in them
/// is first asked for. Cheap to clone.
#[derive(Clone)]
pub struct Ambient(Arc<Inner>);

struct Inner {
    env: Env,
    fs: Fs,
    /// The profiles of both files, or why they cannot be read.
    files: OnceLock<Result<ProfileSet, String>>,
}

impl Ambient {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::with(Env::real(), Fs::real())
    }

    fn with(env: Env, fs: Fs) -> Self {
        Self(Arc::new(Inner { env, fs, files: OnceLock::new() }))
    }

    /// For tests: these variables, and files by their paths. The home folder is `/home/me`.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)], files: &[(&'static str, &'static str)]) -> Self {
        let home = [("HOME", "/home/me")];
        let variables: Vec<_> = home.into_iter().chain(variables.iter().copied()).collect();
        Self::with(Env::from_slice(&variables), Fs::from_slice(files))
    }

    /// An empty variable is as good as one that is not set.
    fn variable(&self, name: &str) -> Option<String> {
        self.0.env.get(name).ok().filter(|value| !value.is_empty())
    }

    fn first(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        names.iter().find_map(|name| Some((*name, self.variable(name)?)))
    }

    /// The variable that names a profile, and the profile.
    pub(crate) fn profile(&self) -> Option<(&'static str, String)> {
        self.first(&PROFILE)
    }

    /// The variable that holds the id of an access key, and the id, which is not a secret.
    pub(crate) fn access_key(&self) -> Option<(&'static str, String)> {
        self.first(&[ACCESS_KEY_ID])
    }

    /// The variables that name regions, from strong to weak, and the regions.
    pub(crate) fn regions(&self) -> Vec<(String, String)> {
        REGION.iter().filter_map(|name| Some(((*name).to_owned(), self.variable(name)?))).collect()
    }

    /// The region that a profile names.
    pub(crate) fn region_of(&self, profile: &str) -> Option<String> {
        self.key(profile, "region")
    }

    /// The variable that names the endpoint of a service, or of all services, and the endpoint. `profile` is the one in
    /// effect, as it may say that such variables do not count.
    pub(crate) fn endpoint(&self, service: Option<&str>, profile: &str) -> Option<(String, String)> {
        let own = service.map(|service| format!("_{}", service.to_uppercase())).unwrap_or_default();
        let name = format!("{ENDPOINT_URL}{own}");
        let url = self.variable(&name)?;
        (!self.ignores_endpoints(profile)).then_some((name, url))
    }

    /// The endpoint of a service, or of all services, that a profile names.
    pub(crate) fn endpoint_of(&self, profile: &str, service: Option<&str>) -> Option<String> {
        let url = match service {
            None => self.key(profile, "endpoint_url"),
            Some(service) => self.key(profile, "services").and_then(|section| {
                // AWS writes such names with underscores, its SDK looks for hyphens.
                self.nested(&section, service).or_else(|| self.nested(&section, &service.replace('_', "-")))
            }),
        };
        url.filter(|_| !self.ignores_endpoints(profile))
    }

    fn ignores_endpoints(&self, profile: &str) -> bool {
        let says = self.variable(IGNORE_ENDPOINTS).or_else(|| self.key(profile, "ignore_configured_endpoint_urls"));
        says.is_some_and(|says| says.eq_ignore_ascii_case("true"))
    }

    /// A bundle of certificates that takes the place of the system's.
    pub(super) fn ca_bundle(&self, profile: &str) -> Option<PathBuf> {
        self.variable(CA_BUNDLE).or_else(|| self.key(profile, "ca_bundle")).map(PathBuf::from)
    }

    /// How often a request is made, and who says so.
    pub(super) fn max_attempts(&self, profile: &str) -> Option<(String, String)> {
        self.variable_or_key(MAX_ATTEMPTS, profile, "max_attempts")
    }

    /// How requests are made again, and who says so.
    pub(super) fn retry_mode(&self, profile: &str) -> Option<(String, String)> {
        self.variable_or_key(RETRY_MODE, profile, "retry_mode")
    }

    fn variable_or_key(&self, variable: &str, profile: &str, key: &str) -> Option<(String, String)> {
        let of_variable = self.variable(variable).map(|value| (format!("`{variable}`"), value));
        of_variable.or_else(|| Some((format!("`{key}` of the profile `{profile}`"), self.key(profile, key)?)))
    }

    /// Where the files are, as far as variables say so.
    pub(super) fn file_names(&self) -> [String; 2] {
        FILES.map(|name| self.variable(name).unwrap_or_default())
    }

    /// The profiles of both files by name.
    ///
    /// # Errors
    ///
    /// If a file is there and cannot be read.
    pub(crate) fn profiles(&self) -> Result<Vec<Profile>, Error> {
        let files = self.files()?;
        let mut names: Vec<&str> = files.profiles().collect();
        names.sort_unstable();
        let profiles = names.into_iter().map(|name| Profile {
            name: name.to_owned(),
            region: self.region_of(name),
            asks: asks(files, name),
        });
        Ok(profiles.collect())
    }

    /// What the AWS environment alone leads to, for a profile that is named here or else by it.
    pub fn settings(&self, profile: Option<&str>, region: Option<&str>) -> Settings {
        let explicit_profile = profile.is_some();
        let profile = profile.map(str::to_owned).or_else(|| Some(self.profile()?.1));
        let name = profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        let of_variable = || self.regions().into_iter().next().map(|(_, region)| region);
        let region = region.map(str::to_owned).or_else(of_variable).or_else(|| self.region_of(name));
        let of_variable = |service| self.endpoint(service, name).map(|(_, url)| url);
        let common = of_variable(None).or_else(|| self.endpoint_of(name, None));
        let endpoints = Endpoints::new(common, |service| {
            let of_all = || of_variable(None).filter(|_| service != GATEWAY);
            of_variable(Some(service)).or_else(of_all).or_else(|| self.endpoint_of(name, Some(service)))
        });
        Settings { profile, explicit_profile, region, endpoints }
    }

    fn key(&self, profile: &str, key: &str) -> Option<String> {
        let value = self.files().ok()?.get_profile(profile)?.get(key)?;
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }

    /// The endpoint in the `services` section of this name.
    fn nested(&self, section: &str, service: &str) -> Option<String> {
        let key = PropertiesKey::builder()
            .section_key("services")
            .section_name(section)
            .property_name(service)
            .sub_property_name("endpoint_url")
            .build();
        let url = self.files().ok()?.other_sections().get(&key.ok()?)?;
        Some(url.clone()).filter(|url| !url.is_empty())
    }

    /// # Errors
    ///
    /// If a file is there and cannot be read.
    pub(super) fn files(&self) -> Result<&ProfileSet, Error> {
        let load = || {
            let Inner { env, fs, .. } = &*self.0;
            // It is asynchronous in name only, so that completion needs no runtime for it.
            match profile::load(fs, env, &Default::default(), None).now_or_never() {
                Some(loaded) => loaded.map_err(|error| error.to_string()),
                None => Err("reading takes too long".to_owned()),
            }
        };
        self.0.files.get_or_init(load).as_ref().map_err(|problem| {
            let message = format!("the AWS configuration cannot be read: {problem}");
            Error::new(ErrorKind::Usage, Cause::Configuration, "configuration", message)
        })
    }
}

/// Without the secrets that may be in the files.
impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ambient")
    }
}

/// The answer of StartSession that a variable holds, whose name begins with [`START_SESSION_RESPONSE`].
#[expect(clippy::disallowed_methods, reason = "the AWS CLI chooses the name")]
pub(crate) fn start_session_response(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests;
