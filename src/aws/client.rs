//! [`Aws`]: one account and region, with the settings, the network and the SDK clients that go with them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::{
    os_shim_internal::{Env, Fs},
    service_config::ServiceConfigKey,
};

use super::{
    credentials::{CredentialStore, Source},
    error::{Error, ErrorKind},
    identity::Identity,
    net::NetSettings,
    settings::{Resolved, ServiceEndpoints, Settings, check_region},
};

/// AWS as seen from here: one account and region. Cheap to clone.
#[derive(Clone)]
pub struct Aws(Arc<Shared>);

struct Shared {
    profile: Option<String>,
    identity: Identity,
    region: String,
    sdk: SdkConfig,
    credentials: Arc<CredentialStore>,
    net: NetSettings,
    backoff: Duration,
    ssm_endpoint: Option<String>,
    /// What the SDK does not know by itself.
    ssm_endpoint_override: Option<String>,
    services: ServiceEndpoints,
    messages_endpoint: Option<String>,
    // Each is made when it is first needed: most commands need one or two of them.
    ssm: OnceLock<aws_sdk_ssm::Client>,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    instance_connect: OnceLock<aws_sdk_ec2instanceconnect::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

impl Aws {
    /// Reads flags, environment and AWS configuration files. Makes no request; credentials are looked for when the
    /// first request needs them.
    ///
    /// # Errors
    ///
    /// If no region is set, the profile does not exist, or the configuration cannot be used.
    pub async fn load(settings: &Settings) -> Result<Self, Error> {
        let resolved = Resolved::from(settings, &Env::real(), &Fs::real()).await?;
        let region = Region::new(resolved.region_or_metadata().await?);
        let net = NetSettings::load(resolved.ca_bundle.as_deref())?;
        let source = Source::Chain {
            profile: resolved.profile.clone(),
            explicit: resolved.explicit_profile,
            region: region.clone(),
            http: net.http_client()?,
        };
        Self::assemble(resolved, region, net, source, BACKOFF).await
    }

    async fn assemble(
        resolved: Resolved,
        region: Region,
        net: NetSettings,
        source: Source,
        backoff: Duration,
    ) -> Result<Self, Error> {
        let credentials = Arc::new(CredentialStore::new(source));
        let provider: Arc<dyn ProvideCredentials> = Arc::clone(&credentials) as _;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region.clone())
            .http_client(net.http_client()?)
            .credentials_provider(SharedCredentialsProvider::new(provider))
            // The store above keeps them, and knows when to let go of them.
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts(OPERATION_TIMEOUT))
            .retry_config(retries(ATTEMPTS, backoff));
        if let Some(profile) = &resolved.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &resolved.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let sdk = loader.load().await;
        let ssm_endpoint = match resolved.ssm_endpoint_url.as_ref().or(resolved.endpoint_url.as_ref()) {
            Some(url) => Some(url.clone()),
            None => configured_endpoint(&sdk, "SSM").or_else(|| sdk.endpoint_url().map(str::to_owned)),
        };
        let messages_endpoint = resolved.services.messages.clone().or_else(|| messages_endpoint(&sdk));
        tracing::debug!(region = %region, profile = resolved.profile, ssm_endpoint, messages_endpoint, "AWS settings");
        Ok(Self(Arc::new(Shared {
            profile: resolved.profile,
            identity: resolved.identity,
            region: region.to_string(),
            sdk,
            credentials,
            net,
            backoff,
            ssm_endpoint,
            ssm_endpoint_override: resolved.ssm_endpoint_url,
            services: resolved.services,
            messages_endpoint,
            ssm: OnceLock::new(),
            ec2: OnceLock::new(),
            instance_connect: OnceLock::new(),
            kms: OnceLock::new(),
            sts: OnceLock::new(),
        })))
    }

    /// The same account in another region. The credentials are shared, so that a person is asked for a code once.
    ///
    /// # Errors
    ///
    /// If that cannot be the name of a region.
    pub fn in_region(&self, region: &str) -> Result<Self, Error> {
        check_region(region)?;
        let shared = &self.0;
        Ok(Self(Arc::new(Shared {
            profile: shared.profile.clone(),
            identity: shared.identity.clone(),
            region: region.to_owned(),
            sdk: shared.sdk.to_builder().region(Region::new(region.to_owned())).build(),
            credentials: Arc::clone(&shared.credentials),
            net: shared.net.clone(),
            backoff: shared.backoff,
            ssm_endpoint: shared.ssm_endpoint.clone(),
            ssm_endpoint_override: shared.ssm_endpoint_override.clone(),
            services: shared.services.clone(),
            messages_endpoint: shared.messages_endpoint.clone(),
            ssm: OnceLock::new(),
            ec2: OnceLock::new(),
            instance_connect: OnceLock::new(),
            kms: OnceLock::new(),
            sts: OnceLock::new(),
        })))
    }

    /// Whose credentials are used.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Whether the other one shares everything with this one: the same settings led to both.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The region in force.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The AWS profile in force, if one was named by flag or environment.
    pub fn profile(&self) -> Option<&str> {
        self.0.profile.as_deref()
    }

    /// The way to servers, for connections that the SDK does not make.
    pub fn net(&self) -> &NetSettings {
        &self.0.net
    }

    /// The endpoint of all services, if they have one in common.
    pub(crate) fn common_endpoint(&self) -> Option<&str> {
        self.0.sdk.endpoint_url()
    }

    /// The SSM endpoint, if it was configured rather than being that of the region.
    pub fn ssm_endpoint(&self) -> Option<&str> {
        self.0.ssm_endpoint.as_deref()
    }

    /// The endpoint of the message gateway that takes the place of the one in a stream URL: the one of the settings,
    /// AWS_ENDPOINT_URL_SSMMESSAGES, or `ssmmessages` in the `services` section of the profile.
    pub fn messages_endpoint(&self) -> Option<&str> {
        self.0.messages_endpoint.as_deref()
    }

    pub(crate) fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.0.ssm.get_or_init(|| {
            let mut config = aws_sdk_ssm::config::Builder::from(&self.0.sdk);
            if let Some(url) = &self.0.ssm_endpoint_override {
                config = config.endpoint_url(url);
            }
            aws_sdk_ssm::Client::from_conf(config.build())
        })
    }

    pub(crate) fn ec2(&self) -> &aws_sdk_ec2::Client {
        self.0.ec2.get_or_init(|| {
            let config = aws_sdk_ec2::config::Builder::from(&self.0.sdk);
            let config = match &self.0.services.ec2 {
                Some(url) => config.endpoint_url(url),
                None => config,
            };
            aws_sdk_ec2::Client::from_conf(config.build())
        })
    }

    pub(crate) fn instance_connect(&self) -> &aws_sdk_ec2instanceconnect::Client {
        self.0.instance_connect.get_or_init(|| {
            let config = aws_sdk_ec2instanceconnect::config::Builder::from(&self.0.sdk);
            let config = match &self.0.services.instance_connect {
                Some(url) => config.endpoint_url(url),
                None => config,
            };
            aws_sdk_ec2instanceconnect::Client::from_conf(config.build())
        })
    }

    pub(crate) fn kms(&self) -> &aws_sdk_kms::Client {
        self.0.kms.get_or_init(|| {
            let config = aws_sdk_kms::config::Builder::from(&self.0.sdk);
            let config = match &self.0.services.kms {
                Some(url) => config.endpoint_url(url),
                None => config,
            };
            aws_sdk_kms::Client::from_conf(config.build())
        })
    }

    pub(crate) fn sts(&self) -> &aws_sdk_sts::Client {
        self.0.sts.get_or_init(|| {
            let config = aws_sdk_sts::config::Builder::from(&self.0.sdk);
            let config = match &self.0.services.sts {
                Some(url) => config.endpoint_url(url),
                None => config,
            };
            aws_sdk_sts::Client::from_conf(config.build())
        })
    }

    /// The first pause before a request is made again.
    pub(super) fn backoff(&self) -> Duration {
        self.0.backoff
    }

    /// Retries for a request that deserves another number of attempts than most.
    pub(crate) fn retries(&self, attempts: u32) -> RetryConfig {
        retries(attempts, self.0.backoff)
    }

    /// The credentials as they are now.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Error> {
        let found = self.0.credentials.current().await;
        found.map_err(|err| Error::credentials(&err).under_profile(self.profile()))
    }

    /// Makes a request, and makes it again if the credentials were refused and others are to be had by now.
    pub(crate) async fn call<T, E, F>(&self, action: &'static str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        // Before the request, not in it: its time limit is no measure for a person who types a code.
        let credentials = self.credentials().await?;
        let failed = |err| Error::from_sdk(action, &err).under_profile(self.profile());
        let err = match request().await {
            Ok(answer) => return Ok(answer),
            Err(err) => failed(err),
        };
        if err.kind() != ErrorKind::Credentials || !self.0.credentials.replace(&credentials).await {
            tracing::debug!(action, error = %err, "request failed");
            return Err(err);
        }
        tracing::debug!(action, "credentials were refused, trying those there are now");
        request().await.map_err(failed)
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.0.region).field("profile", &self.0.profile).finish_non_exhaustive()
    }
}

/// Connecting, one attempt, and all attempts together.
pub(crate) fn timeouts(operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(operation)
        .build()
}

fn retries(attempts: u32, backoff: Duration) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(backoff)
}

/// The endpoint that environment or profile give for a service, be it for it alone or for all.
fn configured_endpoint(sdk: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    sdk.service_config()?.load_config(key.ok()?)
}

fn messages_endpoint(sdk: &SdkConfig) -> Option<String> {
    if let Ok(url) = std::env::var("AWS_ENDPOINT_URL_SSMMESSAGES")
        && !url.is_empty()
    {
        return Some(url);
    }
    // A service without an endpoint of its own gets the common one, and so does a service that does not exist.
    let own = configured_endpoint(sdk, "SSMMESSAGES");
    own.filter(|own| configured_endpoint(sdk, "NONE").as_ref() != Some(own))
}

/// Time for a request with all its attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts of a request, with a growing random pause between them.
const ATTEMPTS: u32 = 3;

/// The first pause is shorter than this; the bound doubles with each, up to 20 s.
const BACKOFF: Duration = Duration::from_secs(1);

#[cfg(test)]
impl Aws {
    /// For tests: every service at one endpoint, reached directly, with these keys in turn.
    pub(crate) async fn for_tests(endpoint: &str, keys: Vec<Credentials>) -> Self {
        let net = NetSettings::new(None, super::proxy::Proxies::none()).unwrap();
        Self::for_tests_over(net, endpoint, keys).await
    }

    pub(crate) async fn for_tests_over(net: NetSettings, endpoint: &str, keys: Vec<Credentials>) -> Self {
        let resolved = Resolved {
            profile: None,
            explicit_profile: false,
            identity: Identity::of(&Env::from_slice(&[]), None, None),
            region: None,
            endpoint_url: Some(endpoint.to_owned()),
            ssm_endpoint_url: None,
            services: ServiceEndpoints::default(),
            ca_bundle: None,
        };
        let source = Source::Fixed(keys.into());
        let region = Region::from_static("eu-west-1");
        Self::assemble(resolved, region, net, source, Duration::from_millis(1)).await.unwrap()
    }
}

#[cfg(test)]
mod tests;
