//! Names that stay the same in every sandbox.

/// The number of the account, one that AWS uses in examples.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The name of the person, as the first part of session ids shows it.
pub(crate) const USER: &str = "sandbox";
