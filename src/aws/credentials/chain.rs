//! [`Chain`]: credentials as the AWS CLI finds them, through the SDK's providers.
//!
//! The way through the profiles is our own: the SDK's knows no MFA, reads its own files, and its errors hide which
//! profile, file or role is meant. Nothing is kept here: whoever logs in again in another window is noticed.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::{
    BehaviorVersion, Region, ecs::EcsCredentialsProvider, environment::EnvironmentVariableCredentialsProvider, imds,
    login::LoginCredentialsProvider, provider_config::ProviderConfig, sso::SsoCredentialsProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, Result as ProviderResult, SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_sts::types::Credentials as StsCredentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::plan::{Base, Plan, Role, Sso, WebIdentity};
use super::process;
use crate::aws::{
    ambient::Ambient,
    error::{Cause, Error, ErrorKind},
    retries::{ATTEMPTS, BACKOFF, OPERATION_TIMEOUT, Retries, timeouts},
    sdk,
};
use crate::syntax::DEFAULT_PROFILE;

/// Where to look for credentials.
pub(crate) struct Chain {
    pub(crate) ambient: Ambient,
    /// The profile, if one was chosen.
    pub(crate) profile: Option<String>,
    /// Whether it was chosen by a flag: then keys in the environment do not stand before it.
    pub(crate) explicit: bool,
    pub(crate) region: Region,
    pub(crate) http: SharedHttpClient,
    /// The endpoint of STS, where it is not the region's.
    pub(crate) sts: Option<String>,
}

impl Chain {
    /// Looks through all of it, from the start.
    pub(super) async fn credentials(&self) -> ProviderResult {
        let name = self.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        if !self.explicit
            && let Some(found) = loaded(&EnvironmentVariableCredentialsProvider::new()).await
        {
            return found;
        }
        let mut plan = Plan::of(&self.ambient.files_now(), name).map_err(CredentialsError::provider_error)?;
        // A workload's own identity stands before everything of a profile but a role to be assumed.
        if !self.explicit
            && plan.roles.is_empty()
            && let Some((token_file, role, session_name)) = self.ambient.web_identity()
        {
            plan.base = Base::WebIdentity(WebIdentity { token_file, role, session_name });
        }
        let has_credentials = plan.base != Base::Nothing;
        if has_credentials {
            return self.follow(plan).await;
        }
        let config = self.config();
        if let Some(found) = loaded(&EcsCredentialsProvider::builder().configure(&config).build()).await {
            return found;
        }
        match (loaded(&self.instance_metadata(&config)).await, &self.profile) {
            (Some(found), _) => found,
            (None, Some(profile)) => {
                let message = format!("the AWS profile `{profile}` has no credentials");
                let absent = Error::new(ErrorKind::Credentials, Cause::CredentialsAbsent, "credentials", message);
                Err(CredentialsError::provider_error(absent))
            }
            (None, None) => Err(CredentialsError::not_loaded_no_source()),
        }
    }

    async fn follow(&self, Plan { base, roles }: Plan) -> ProviderResult {
        // Before anything is asked for the sake of a role that cannot be had.
        if let Some(role) = roles.iter().find(|role| role.mfa_serial.is_some()) {
            return Err(CredentialsError::provider_error(needs_code(role)));
        }
        let config = self.config();
        let mut credentials = match base {
            Base::Nothing => return Err(CredentialsError::not_loaded_no_source()),
            Base::Keys(keys) => keys,
            Base::WebIdentity(identity) => self.web_identity(&identity).await?,
            Base::Sso(sso) => single_sign_on(sso, &config).provide_credentials().await?,
            Base::Login(session) => {
                LoginCredentialsProvider::builder(session).configure(&config).build().provide_credentials().await?
            }
            Base::Process { profile, command } => process::run(&self.ambient, &profile, &command).await?,
            Base::Environment => EnvironmentVariableCredentialsProvider::new().provide_credentials().await?,
            Base::Container => {
                EcsCredentialsProvider::builder().configure(&config).build().provide_credentials().await?
            }
            Base::InstanceMetadata => self.instance_metadata(&config).provide_credentials().await?,
        };
        for role in &roles {
            credentials = self.assume(role, credentials).await.map_err(CredentialsError::provider_error)?;
        }
        Ok(credentials)
    }

    async fn assume(&self, role: &Role, with: Credentials) -> Result<Credentials, Error> {
        const ACTION: &str = "sts:AssumeRole";
        let request = self.sts(with).await?.assume_role().role_arn(&role.arn);
        let request = request.role_session_name(session_name(role.session_name.as_deref()));
        let request = request.set_external_id(role.external_id.clone()).set_duration_seconds(role.duration);
        let failed = |err| Error::from_sdk(ACTION, &err).about(&role.arn).under_profile(Some(&role.profile));
        taken(ACTION, request.send().await.map_err(failed)?.credentials)
    }

    async fn web_identity(&self, identity: &WebIdentity) -> ProviderResult {
        const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
        let exchanged = async {
            let request = self.sts(Credentials::new("", "", None, None, "none")).await?;
            let request = request.assume_role_with_web_identity().role_arn(&identity.role);
            let request = request.role_session_name(session_name(identity.session_name.as_deref()));
            let request = request.web_identity_token(token(&identity.token_file)?);
            let failed = |err| Error::from_sdk(ACTION, &err).about(&identity.role);
            taken(ACTION, request.send().await.map_err(failed)?.credentials)
        };
        exchanged.await.map_err(CredentialsError::provider_error)
    }

    async fn sts(&self, with: Credentials) -> Result<aws_sdk_sts::Client, Error> {
        let retries = Retries::of(&self.ambient, self.profile.as_deref().unwrap_or(DEFAULT_PROFILE), BACKOFF)?;
        let loader = sdk::loader(&self.ambient, self.profile.as_deref(), self.region.clone(), self.http.clone());
        let loader = loader.timeout_config(timeouts(OPERATION_TIMEOUT)).retry_config(retries.config(ATTEMPTS));
        let sdk = loader.no_credentials().load().await;
        let mut config =
            aws_sdk_sts::config::Builder::from(&sdk).credentials_provider(SharedCredentialsProvider::new(with));
        if let Some(url) = &self.sts {
            config = config.endpoint_url(url);
        }
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    fn config(&self) -> ProviderConfig {
        ProviderConfig::without_region()
            .with_region(Some(self.region.clone()))
            .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
            .with_http_client(self.http.clone())
    }

    fn instance_metadata(&self, config: &ProviderConfig) -> imds::credentials::ImdsCredentialsProvider {
        // On a machine that is not an EC2 instance there is no answer, and a person waits for the error.
        let client = imds::Client::builder().configure(config).connect_timeout(IMDS_TIMEOUT).max_attempts(1).build();
        imds::credentials::ImdsCredentialsProvider::builder().configure(config).imds_client(client).build()
    }
}

/// What a provider has, if it is configured at all.
async fn loaded(provider: &impl ProvideCredentials) -> Option<ProviderResult> {
    match provider.provide_credentials().await {
        Err(CredentialsError::CredentialsNotLoaded(_)) => None,
        found => Some(found),
    }
}

fn single_sign_on(sso: Sso, config: &ProviderConfig) -> SsoCredentialsProvider {
    let Sso { session, start_url, region, account, role } = sso;
    let mut provider = SsoCredentialsProvider::builder();
    provider.set_session_name(session);
    let provider = provider.account_id(account).role_name(role).start_url(start_url);
    provider.region(Region::new(region)).configure(config).build()
}

fn needs_code(role: &Role) -> Error {
    let Role { profile, .. } = role;
    let message =
        format!("the AWS profile `{profile}` needs an MFA code (`mfa_serial`), which ssmx cannot ask for yet");
    Error::new(ErrorKind::Credentials, Cause::CodeNeeded, "credentials", message).under_profile(Some(profile))
}

fn token(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|err| {
        let message = format!("cannot read the web identity token file {}: {err}", path.display());
        Error::new(ErrorKind::Credentials, Cause::TokenFile, "credentials", message)
    })
}

fn session_name(named: Option<&str>) -> String {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    named.map_or_else(|| format!("ssmx-{}", now()), str::to_owned)
}

fn taken(action: &'static str, credentials: Option<StsCredentials>) -> Result<Credentials, Error> {
    let credentials = credentials.ok_or_else(|| Error::incomplete(action, "Credentials"))?;
    let expiry = SystemTime::try_from(credentials.expiration).ok();
    let StsCredentials { access_key_id, secret_access_key, session_token, .. } = credentials;
    Ok(Credentials::new(access_key_id, secret_access_key, Some(session_token), expiry, "sts"))
}

/// Longest wait for the instance metadata service, which is on this machine's own link if it is there at all.
const IMDS_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
