//! What the APIs and the agents share of the account: signatures, keys, credentials.

pub(crate) mod credentials;
pub(crate) mod kms;
pub(crate) mod pushed_keys;
pub(crate) mod sigv4;
