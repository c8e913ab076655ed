//! The credentials of a sandbox: random, temporary ones, so that a client's handling of session tokens is used too.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::sandbox::random;

/// An access key with its secret and its session token.
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Zeroizing<String>,
    pub(crate) session_token: Zeroizing<String>,
    pub(crate) expires: Option<SystemTime>,
}

impl Credentials {
    pub(crate) fn random(lifetime: Option<Duration>) -> Self {
        let encoded = |bytes: &[u8]| Zeroizing::new(BASE64_STANDARD.encode(bytes));
        Self {
            // ASIA marks the access keys of temporary credentials.
            access_key_id: format!("ASIA{}", random::base32::<16>().to_ascii_uppercase()),
            secret_access_key: encoded(Zeroizing::new(random::secret::<30>()).as_slice()),
            session_token: encoded(Zeroizing::new(random::secret::<96>()).as_slice()),
            expires: lifetime.map(|lifetime| SystemTime::now() + lifetime),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials([redacted])")
    }
}
