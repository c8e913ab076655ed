//! Lists that come in pages.

use std::time::Duration;

use tokio::time::sleep;

use super::error::{Error, ErrorKind};

/// A property of what is listed, in the service's own spelling, and the values of which it has to have one.
pub(crate) type Filter = (String, Vec<String>);

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

/// Asks for a page, and again while there are too many requests, with growing pauses of which `pause` is the first. A
/// list of hundreds of pages meets the limits of the account, and giving up loses the pages before.
pub(super) async fn patiently<T, F>(mut pause: Duration, ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 0..ROUNDS {
        match ask().await {
            Err(err) if err.kind() == ErrorKind::Throttled => {
                tracing::debug!(error = %err, ?pause, "too many requests");
            }
            other => return other,
        }
        sleep(pause).await;
        pause *= 2;
    }
    ask().await
}

/// How often a page is asked for again. Each time, the SDK makes some attempts of its own, with random pauses.
const ROUNDS: u32 = 4;
