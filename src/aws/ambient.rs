//! [`Ambient`]: what the AWS environment says, the variables and the files that the AWS CLI reads too.
//!
//! This is the one place where variables of AWS are named and read. It says what each source says; which of them
//! counts beside flags and the configuration of ssmx is decided in `config::Resolved`.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_types::os_shim_internal::Env;

use super::shared_files::{CONFIG_FILE, CREDENTIALS_FILE, Disk, Mistake, SharedFiles};

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
/// Of Python's `requests`; the AWS CLI goes by it too where nothing of AWS names a bundle.
const REQUESTS_CA_BUNDLE: &str = "REQUESTS_CA_BUNDLE";
/// The token, the role and the name of the session of a workload, as Kubernetes sets them.
const WEB_IDENTITY: [&str; 3] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"];

/// The AWS environment of a process. Variables are read when they are asked for, the files once, when something in them
/// is first asked for. Cheap to clone.
#[derive(Clone)]
pub struct Ambient(Arc<Inner>);

struct Inner {
    env: Env,
    disk: Disk,
    files: OnceLock<SharedFiles>,
    lend: OnceLock<Lend>,
}

/// Called before a program starts that may speak to the person: clears the terminal of what is ours. It stays so while
/// the answer lives.
pub(crate) type Lend = Box<dyn Fn() -> Box<dyn Send> + Send + Sync>;

impl Ambient {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::with(Env::real(), Disk::Real)
    }

    fn with(env: Env, disk: Disk) -> Self {
        Self(Arc::new(Inner { env, disk, files: OnceLock::new(), lend: OnceLock::new() }))
    }

    /// The same, with a terminal to lend to programs that ask for something.
    #[must_use]
    pub(crate) fn lending(self, lend: Lend) -> Self {
        // There is one terminal: the first to offer it is as good as the second.
        let _ = self.0.lend.set(lend);
        self
    }

    /// Lends the terminal for as long as the answer lives.
    pub(super) fn lend(&self) -> Option<Box<dyn Send>> {
        self.0.lend.get().map(|lend| lend())
    }

    /// For tests: these variables, and files by their paths. The home folder is `/home/me`.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)], files: &[(&'static str, &'static str)]) -> Self {
        let home = [("HOME", "/home/me")];
        let variables: Vec<_> = home.into_iter().chain(variables.iter().copied()).collect();
        let files = files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
        Self::with(Env::from_slice(&variables), Disk::Fake(files.collect()))
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

    /// A bundle of certificates that takes the place of the system's, and what names it.
    pub(super) fn ca_bundle(&self, profile: &str) -> Option<(&'static str, PathBuf)> {
        let of = |name: &'static str| Some((name, self.variable(name)?));
        let of_profile = || Some(("ca_bundle", self.key(profile, "ca_bundle")?));
        let found = of(CA_BUNDLE).or_else(of_profile).or_else(|| of(REQUESTS_CA_BUNDLE));
        found.map(|(name, path)| (name, path.into()))
    }

    /// The file with the token of a workload, the role that it is for, and the name that the session is to have.
    pub(super) fn web_identity(&self) -> Option<(PathBuf, String, Option<String>)> {
        let [file, role, session] = WEB_IDENTITY.map(|name| self.variable(name));
        Some((file?.into(), role?, session))
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
        [CONFIG_FILE, CREDENTIALS_FILE].map(|name| self.variable(name).unwrap_or_default())
    }

    /// What cannot be read in the files and does not matter to a profile, the one in effect: other profiles do without
    /// it, or are not what they should be.
    pub(crate) fn mistakes_elsewhere(&self, profile: &str) -> Vec<&Mistake> {
        let files = self.files();
        let here = files.mistakes_in(profile);
        files.mistakes().iter().filter(|mistake| !here.contains(mistake)).collect()
    }

    fn key(&self, profile: &str, key: &str) -> Option<String> {
        self.files().get(profile, key).map(str::to_owned)
    }

    /// The endpoint in the `services` section of this name.
    fn nested(&self, section: &str, service: &str) -> Option<String> {
        self.files().service(section, service, "endpoint_url").map(str::to_owned)
    }

    /// What is in the files, as it was when that was first asked for.
    pub(super) fn files(&self) -> &SharedFiles {
        self.0.files.get_or_init(|| self.files_now())
    }

    /// What is in the files now.
    pub(super) fn files_now(&self) -> SharedFiles {
        SharedFiles::read(&self.0.disk, |name| self.variable(name))
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
