//! Lists that come in pages.

use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;

/// A property of what is listed, in the service's own spelling, and the values of which it has to have one.
pub type Filter = (String, Vec<String>);

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds; may be nothing although more pages follow.
    pub items: Vec<T>,
    /// What to ask for the next page with; none after the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn new(items: Vec<T>, token: Option<String>) -> Self {
        Self { items, next: token.filter(|token| !token.is_empty()) }
    }
}

/// Attempts to get a page. A list of hundreds of pages meets the limits of the account, and giving up loses the pages
/// before.
pub(super) const ATTEMPTS: u32 = 8;

/// Time for all of them together.
pub(super) fn timeouts() -> TimeoutConfig {
    super::client::timeouts(Duration::from_secs(120))
}
