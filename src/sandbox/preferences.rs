//! The account's Session Manager preferences.

use std::time::Duration;

/// The account's Session Manager preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Encrypts shells and commands with the account's KMS key.
    pub encrypt: bool,
    /// Ends sessions in which nothing was sent for so long. The real service has 20 minutes; off by default here.
    pub idle_timeout: Option<Duration>,
    /// Ends sessions that are so old. Off by default, as in the real service.
    pub max_duration: Option<Duration>,
    /// Operating system user of sessions (Run As).
    pub run_as: Option<String>,
    /// Shell lines run at the start of each shell on Linux and macOS.
    pub shell_profile: String,
}
