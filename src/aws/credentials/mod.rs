//! Credentials as they are now: found once, renewed before they expire, and read again when AWS refuses them.
//!
//! The SDK's own cache keeps credentials without a known end for as long as it likes; a session of many hours must
//! notice that a person has logged in again in another window.

mod chain;
mod plan;
mod process;

use std::{
    fmt,
    sync::PoisonError,
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, Result as ProviderResult, error::CredentialsError, future},
};
use futures_util::future::BoxFuture;
use tokio::{sync::Mutex, time::timeout};

pub(crate) use chain::Chain;

use super::error::Error;

/// Where credentials come from, and those found last.
pub(crate) struct CredentialStore {
    source: Source,
    held: Mutex<Option<Credentials>>,
    failures: Failures,
}

/// Searches that found nothing, and why the last one did not. A person who gave no code is not asked again by those who
/// waited for it.
#[derive(Default)]
struct Failures(std::sync::Mutex<(u64, Option<Error>)>);

impl Failures {
    fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn add(&self, error: Error) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = (failures.0 + 1, Some(error));
    }

    /// The last one, if it came after so many.
    fn after(&self, count: u64) -> Option<Error> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.1.clone().filter(|_| failures.0 > count)
    }
}

/// Where to look.
pub(crate) enum Source {
    /// Found as the AWS CLI finds them.
    Chain(Box<Chain>),
    /// Given, not found.
    #[cfg(test)]
    Fixed(std::sync::Mutex<Vec<Credentials>>),
}

impl CredentialStore {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, held: Mutex::default(), failures: Failures::default() }
    }

    /// Credentials that are valid for at least another minute, if they can be had.
    ///
    /// One caller asks at a time and the others wait for its answer: a provider may ask a person for a code.
    pub(crate) async fn current(&self) -> ProviderResult {
        let failures = self.failures.count();
        let mut held = self.held.lock().await;
        if let Some(error) = self.failures.after(failures) {
            return Err(CredentialsError::provider_error(error));
        }
        if let Some(credentials) = held.as_ref().filter(|credentials| is_fresh(credentials)) {
            return Ok(credentials.clone());
        }
        let found = timeout(PROVIDER_TIMEOUT, self.source.credentials()).await;
        let found = found.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(PROVIDER_TIMEOUT)));
        let found = found.inspect_err(|err| self.failures.add(Error::credentials(err)))?;
        *held = Some(found.clone());
        Ok(found)
    }

    /// Forgets `refused` and looks for others; tells whether there are any.
    pub(crate) async fn replace(&self, refused: &Credentials) -> bool {
        {
            let mut held = self.held.lock().await;
            if held.as_ref().is_none_or(|held| is_same(held, refused)) {
                *held = None;
            }
        }
        self.current().await.is_ok_and(|found| !is_same(&found, refused))
    }
}

impl ProvideCredentials for CredentialStore {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current())
    }
}

impl fmt::Debug for CredentialStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialStore")
    }
}

impl Source {
    /// On the heap: it has the requests of many services in it, and stands in the future of every request.
    fn credentials(&self) -> BoxFuture<'_, ProviderResult> {
        match self {
            Self::Chain(chain) => Box::pin(chain.credentials()),
            #[cfg(test)]
            Self::Fixed(queue) => {
                let mut queue = queue.lock().unwrap();
                let next = if queue.len() > 1 { queue.remove(0) } else { queue[0].clone() };
                Box::pin(std::future::ready(Ok(next)))
            }
        }
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + EXPIRY_MARGIN)
}

fn is_same(a: &Credentials, b: &Credentials) -> bool {
    a.access_key_id() == b.access_key_id()
        && a.secret_access_key() == b.secret_access_key()
        && a.session_token() == b.session_token()
}

/// Credentials that end sooner than this are renewed first.
const EXPIRY_MARGIN: Duration = Duration::from_mins(1);

/// Longest wait for credentials. A `credential_process` may ask a person for a code, so it is long.
const PROVIDER_TIMEOUT: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: &str, expiry: Option<SystemTime>) -> Credentials {
        Credentials::new(id, "secret", None, expiry, "test")
    }

    fn store(queue: Vec<Credentials>) -> CredentialStore {
        CredentialStore::new(Source::Fixed(queue.into()))
    }

    #[tokio::test]
    async fn refused_credentials_are_replaced_if_there_are_others() {
        let store = store(vec![keys("OLD", None), keys("NEW", None)]);
        let old = store.current().await.unwrap();
        assert_eq!(store.current().await.unwrap().access_key_id(), "OLD");
        assert!(store.replace(&old).await);
        assert_eq!(store.current().await.unwrap().access_key_id(), "NEW");

        // A second request that was refused with the old ones finds the new ones in place and keeps them.
        assert!(store.replace(&old).await);
        let new = store.current().await.unwrap();
        assert_eq!(new.access_key_id(), "NEW");
        assert!(!store.replace(&new).await);
    }

    #[tokio::test]
    async fn credentials_about_to_expire_are_not_handed_out_again() {
        let soon = SystemTime::now() + Duration::from_secs(30);
        let store = store(vec![keys("SOON", Some(soon)), keys("LATER", None)]);
        assert_eq!(store.current().await.unwrap().access_key_id(), "SOON");
        assert_eq!(store.current().await.unwrap().access_key_id(), "LATER");
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", store(vec![keys("AKIDSECRET", None)])), "CredentialStore");
    }
}
