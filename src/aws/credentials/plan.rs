//! [`Plan`]: how a profile leads to credentials, in the order in which the AWS CLI looks.

use std::path::PathBuf;

use aws_credential_types::Credentials;

use crate::aws::error::{Cause, Error, ErrorKind};
use crate::aws::shared_files::{SOURCES, SharedFiles};

/// Credentials to begin with, and the roles that are assumed with them, one after the other.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) base: Base,
    pub(super) roles: Vec<Role>,
}

/// Credentials that need no others.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The profile has none.
    Nothing,
    Keys(Credentials),
    WebIdentity(WebIdentity),
    Sso(Sso),
    /// `aws login`, by the value of `login_session`.
    Login(String),
    Process {
        profile: String,
        command: String,
    },
    Environment,
    Container,
    InstanceMetadata,
}

/// A role for which a token is exchanged, as workloads have it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WebIdentity {
    pub(super) token_file: PathBuf,
    pub(super) role: String,
    pub(super) session_name: Option<String>,
}

/// A role of IAM Identity Center.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sso {
    /// The name of the `sso-session`; none for the older form, which is the profile's own.
    pub(super) session: Option<String>,
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) role: String,
}

/// A role to assume.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// The profile that names it.
    pub(super) profile: String,
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    /// In seconds.
    pub(super) duration: Option<i32>,
    pub(super) mfa_serial: Option<String>,
}

impl Plan {
    /// # Errors
    ///
    /// If the profile, or one that it builds on, contradicts itself or lacks something.
    pub(super) fn of(files: &SharedFiles, profile: &str) -> Result<Self, Error> {
        let mut roles = Vec::new();
        let mut visited = vec![profile];
        let base = loop {
            let current = visited[visited.len() - 1];
            // A source that has keys is not asked for its role.
            let has_keys = KEYS.iter().any(|key| files.has(current, key));
            let assumes = files.has(current, ROLE) && !files.has(current, TOKEN_FILE);
            if !assumes || (has_keys && visited.len() > 1) {
                break Base::of(files, current)?;
            }
            roles.push(Role::of(files, current));
            match (files.get(current, SOURCE_PROFILE), files.get(current, SOURCE)) {
                (Some(_), Some(_)) => {
                    return Err(broken(current, "has both `source_profile` and `credential_source`"));
                }
                (None, None) => {
                    let what = "has a `role_arn`, but no `source_profile` or `credential_source` to assume it with";
                    return Err(broken(current, what));
                }
                (None, Some(source)) => break Base::named(current, source)?,
                (Some(next), None) if next == current => break Base::of(files, current)?,
                (Some(next), None) if !files.has_profile(next) => {
                    let message =
                        format!("the AWS profile `{current}` has the `source_profile` `{next}`, which does not exist");
                    return Err(Error::new(ErrorKind::Usage, Cause::ProfileMissing, CREDENTIALS, message));
                }
                (Some(next), None) if visited.contains(&next) || visited.len() == SOURCES => {
                    return Err(broken(profile, &format!("leads in a circle: {} → {next}", visited.join(" → "))));
                }
                (Some(next), None) => visited.push(next),
            }
        };
        if base == Base::Nothing && !roles.is_empty() {
            let last = visited[visited.len() - 1];
            return Err(broken(last, "has no credentials, and a role is to be assumed with them"));
        }
        roles.reverse();
        Ok(Self { base, roles })
    }
}

impl Base {
    fn of(files: &SharedFiles, profile: &str) -> Result<Self, Error> {
        let get = |key| files.get(profile, key).map(str::to_owned);
        if let Some(token_file) = get(TOKEN_FILE) {
            let Some(role) = get(ROLE) else {
                return Err(broken(profile, "has a `web_identity_token_file`, but no `role_arn`"));
            };
            let session_name = get("role_session_name");
            return Ok(Self::WebIdentity(WebIdentity { token_file: token_file.into(), role, session_name }));
        }
        if files.has(profile, SSO_ACCOUNT) || files.has(profile, SSO_ROLE) {
            return Sso::of(files, profile).map(Self::Sso);
        }
        let own_keys = files.has_own_keys(profile);
        match (get("login_session"), get("credential_process")) {
            _ if own_keys => keys(files, profile),
            (Some(session), _) => Ok(Self::Login(session)),
            (None, Some(command)) => Ok(Self::Process { profile: profile.to_owned(), command }),
            (None, None) => keys(files, profile),
        }
    }

    fn named(profile: &str, source: &str) -> Result<Self, Error> {
        match source.to_ascii_lowercase().as_str() {
            "environment" => Ok(Self::Environment),
            "ecscontainer" => Ok(Self::Container),
            "ec2instancemetadata" => Ok(Self::InstanceMetadata),
            _ => {
                let known = "Environment, Ec2InstanceMetadata or EcsContainer";
                Err(broken(profile, &format!("has the `credential_source` `{source}`: expected {known}")))
            }
        }
    }
}

impl Sso {
    fn of(files: &SharedFiles, profile: &str) -> Result<Self, Error> {
        let session = files.get(profile, "sso_session");
        if let Some(session) = session
            && files.sso_session(session, SSO_REGION).is_none()
        {
            return Err(broken(profile, &format!("has the `sso_session` `{session}`, which does not exist")));
        }
        let of_session = |key: &'static str| session.and_then(|session| files.sso_session(session, key));
        let value = |key: &'static str| {
            let found = of_session(key).filter(|value| !value.is_empty()).or_else(|| files.get(profile, key));
            found.map(str::to_owned).ok_or_else(|| broken(profile, &format!("lacks `{key}`")))
        };
        Ok(Self {
            session: session.map(str::to_owned),
            start_url: value("sso_start_url")?,
            region: value(SSO_REGION)?,
            account: value(SSO_ACCOUNT)?,
            role: value(SSO_ROLE)?,
        })
    }
}

impl Role {
    fn of(files: &SharedFiles, profile: &str) -> Self {
        let get = |key| files.get(profile, key).map(str::to_owned);
        Self {
            profile: profile.to_owned(),
            arn: get(ROLE).unwrap_or_default(),
            external_id: get("external_id"),
            session_name: get("role_session_name"),
            duration: get("duration_seconds").and_then(|text| text.parse().ok()),
            mfa_serial: get("mfa_serial"),
        }
    }
}

fn keys(files: &SharedFiles, profile: &str) -> Result<Base, Error> {
    let [id, secret] = KEYS.map(|key| files.get(profile, key));
    let token = TOKENS.iter().find_map(|key| files.get(profile, key)).map(str::to_owned);
    match (id, secret) {
        (None, None) => Ok(Base::Nothing),
        (Some(id), Some(secret)) => Ok(Base::Keys(Credentials::new(id, secret, token, None, "profile"))),
        (Some(_), None) => Err(broken(profile, "has an `aws_access_key_id`, but no `aws_secret_access_key`")),
        (None, Some(_)) => Err(broken(profile, "has an `aws_secret_access_key`, but no `aws_access_key_id`")),
    }
}

fn broken(profile: &str, what: &str) -> Error {
    let message = format!("the AWS profile `{profile}` {what}");
    Error::new(ErrorKind::Usage, Cause::Unreadable, CREDENTIALS, message)
}

const CREDENTIALS: &str = "credentials";
const ROLE: &str = "role_arn";
const SOURCE_PROFILE: &str = "source_profile";
const SOURCE: &str = "credential_source";
const TOKEN_FILE: &str = "web_identity_token_file";
const SSO_ACCOUNT: &str = "sso_account_id";
const SSO_ROLE: &str = "sso_role_name";
const SSO_REGION: &str = "sso_region";
const KEYS: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
const TOKENS: [&str; 2] = ["aws_security_token", "aws_session_token"];

#[cfg(test)]
mod tests;
