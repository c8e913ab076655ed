//! [`Aws`]: one account and region, with the settings, the network and the SDK clients that go with them.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{Region, retry::RetryConfig};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

#[cfg(test)]
use super::settings::Endpoints;
use super::{
    ambient::Ambient,
    clients::Clients,
    credentials::{Chain, CredentialStore, Source},
    error::{Error, ErrorKind},
    identity::Identity,
    net::NetSettings,
    retries::{ATTEMPTS, BACKOFF, OPERATION_TIMEOUT, Retries, timeouts},
    sdk,
    settings::{GATEWAY, Settings, check_region},
};

/// AWS as seen from here: one account and region. Cheap to clone.
#[derive(Clone)]
pub struct Aws(Arc<Shared>);

struct Shared {
    account: Arc<Account>,
    region: String,
    clients: Clients,
}

/// What is the same in all regions.
struct Account {
    profile: Option<String>,
    identity: Identity,
    credentials: Arc<CredentialStore>,
    net: NetSettings,
    retries: Retries,
    ambient: Ambient,
    allow_insecure: bool,
    require_encryption: bool,
}

impl Aws {
    /// Reads the AWS configuration files. Makes no request; credentials are looked for when the first request needs them.
    ///
    /// # Errors
    ///
    /// If no region is set, the profile does not exist, or the configuration cannot be used.
    pub async fn load(settings: &Settings, ambient: &Ambient) -> Result<Self, Error> {
        settings.check(ambient)?;
        let region = Region::new(settings.region_or_metadata().await?);
        let net = NetSettings::load(ambient.ca_bundle(settings.profile_name()))?;
        let source = Source::Chain(Box::new(Chain {
            ambient: ambient.clone(),
            profile: settings.profile.clone(),
            explicit: settings.explicit_profile,
            region: region.clone(),
            http: net.http_client(),
            sts: settings.endpoints.of("sts").map(str::to_owned),
        }));
        Self::assemble(settings, ambient, region, net, source, BACKOFF).await
    }

    async fn assemble(
        settings: &Settings,
        ambient: &Ambient,
        region: Region,
        net: NetSettings,
        source: Source,
        backoff: Duration,
    ) -> Result<Self, Error> {
        let retries = Retries::of(ambient, settings.profile_name(), backoff)?;
        let credentials = Arc::new(CredentialStore::new(source));
        let provider: Arc<dyn ProvideCredentials> = Arc::clone(&credentials) as _;
        let loader = sdk::loader(ambient, settings.profile.as_deref(), region.clone(), net.http_client())
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .timeout_config(timeouts(OPERATION_TIMEOUT))
            .retry_config(retries.config(ATTEMPTS));
        let clients = Clients::new(loader.load().await, settings.endpoints.clone());
        let (profile, identity) = (settings.profile.clone(), Identity::of(settings, ambient));
        let (allow_insecure, require_encryption) = (settings.allow_insecure, settings.require_encryption);
        let account = Account {
            profile,
            identity,
            credentials,
            net,
            retries,
            ambient: ambient.clone(),
            allow_insecure,
            require_encryption,
        };
        let aws = Self(Arc::new(Shared { account: Arc::new(account), region: region.to_string(), clients }));
        let (ssm_endpoint, messages_endpoint) = (aws.ssm_endpoint(), aws.messages_endpoint());
        tracing::debug!(%region, profile = settings.profile, ssm_endpoint, messages_endpoint, "AWS settings");
        Ok(aws)
    }

    /// The same account in another region. The credentials are shared, so that a person is asked for a code once.
    ///
    /// # Errors
    ///
    /// If that cannot be the name of a region.
    pub fn in_region(&self, region: &str) -> Result<Self, Error> {
        check_region(region)?;
        let Shared { account, clients, .. } = &*self.0;
        let sdk = clients.sdk().to_builder().region(Region::new(region.to_owned())).build();
        Ok(Self(Arc::new(Shared {
            account: Arc::clone(account),
            region: region.to_owned(),
            clients: Clients::new(sdk, clients.endpoints().clone()),
        })))
    }

    /// Whose credentials are used.
    pub fn identity(&self) -> &Identity {
        &self.0.account.identity
    }

    /// Whether the other one shares everything with this one: the same settings led to both.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The region in effect.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The AWS environment, which other accounts are found by too.
    pub(crate) fn ambient(&self) -> &Ambient {
        &self.0.account.ambient
    }

    /// The AWS profile in effect, if one was named.
    pub fn profile(&self) -> Option<&str> {
        self.0.account.profile.as_deref()
    }

    /// The way to servers, for connections that the SDK does not make.
    pub fn net(&self) -> &NetSettings {
        &self.0.account.net
    }

    /// The endpoint of all services, if they have one in common.
    pub(crate) fn common_endpoint(&self) -> Option<&str> {
        self.clients().endpoints().of_all()
    }

    /// Whether endpoints on other machines may be unencrypted, and with them the message gateway.
    pub(crate) fn allows_insecure(&self) -> bool {
        self.0.account.allow_insecure
    }

    /// Whether only sessions will do that are encrypted with a KMS key.
    pub(crate) fn requires_encryption(&self) -> bool {
        self.0.account.require_encryption
    }

    /// The SSM endpoint, if it was configured rather than being that of the region.
    pub fn ssm_endpoint(&self) -> Option<&str> {
        self.clients().endpoints().of("ssm")
    }

    /// The endpoint of the message gateway that takes the place of the one in a stream URL, if one was configured.
    pub fn messages_endpoint(&self) -> Option<&str> {
        self.clients().endpoints().of(GATEWAY)
    }

    pub(super) fn clients(&self) -> &Clients {
        &self.0.clients
    }

    /// The first pause before a request is made again.
    pub(super) fn backoff(&self) -> Duration {
        self.0.account.retries.backoff
    }

    /// Retries for a request that deserves another number of attempts than most, unless the person's settings say how
    /// many each gets.
    pub(crate) fn retries(&self, attempts: u32) -> RetryConfig {
        self.0.account.retries.config(attempts)
    }

    /// Retries for a page of a list, whose [`Pace`](super::pace::Pace) does what is to be done about too many requests.
    pub(super) fn paced_retries(&self) -> RetryConfig {
        self.0.account.retries.paced(ATTEMPTS)
    }

    /// The credentials as they are now.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Error> {
        let found = self.0.account.credentials.current().await;
        found.map_err(|err| Error::credentials(&err).under_profile(self.profile()))
    }

    /// Makes a request, and makes it again if the credentials were refused and others are to be had by now.
    pub(crate) async fn call<T, E, F>(&self, action: &'static str, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        // Before the request, not in it: its time limit is too short for a person who types a code.
        let credentials = self.credentials().await?;
        let failed = |err| Error::from_sdk(action, &err).under_profile(self.profile());
        let err = match request().await {
            Ok(answer) => return Ok(answer),
            Err(err) => failed(err),
        };
        if err.kind() != ErrorKind::Credentials || !self.0.account.credentials.replace(&credentials).await {
            tracing::debug!(action, error = %err, "request failed");
            return Err(err);
        }
        tracing::debug!(action, "credentials were refused, trying those there are now");
        request().await.map_err(failed)
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.0.region)
            .field("profile", &self.0.account.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Aws {
    /// For tests: every service at one endpoint, reached directly, with these keys in turn.
    pub(crate) async fn for_tests(endpoint: &str, keys: Vec<Credentials>) -> Self {
        let net = NetSettings::new(None, super::proxy::Proxies::none()).unwrap();
        Self::for_tests_over(net, endpoint, keys).await
    }

    /// For tests: in a world of the test's own.
    pub(crate) async fn simulated(world: Arc<dyn super::simulated::World>) -> Self {
        let mut net = NetSettings::new(None, super::proxy::Proxies::none()).unwrap();
        net.world = Some(world);
        let keys = Credentials::new("AKIASIMULATED", "secret", None, None, "simulation");
        Self::for_tests_over(net, "http://127.0.0.1:1", vec![keys]).await
    }

    pub(crate) async fn for_tests_over(net: NetSettings, endpoint: &str, keys: Vec<Credentials>) -> Self {
        let settings = Settings { endpoints: Endpoints::common(endpoint), ..Settings::default() };
        let source = Source::Fixed(keys.into());
        let region = Region::from_static("eu-west-1");
        let backoff = Duration::from_millis(1);
        Self::assemble(&settings, &Ambient::of(&[], &[]), region, net, source, backoff).await.unwrap()
    }
}

#[cfg(test)]
mod tests;
