//! What the protocol is not to fetch by itself: randomness and the time of day.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use uuid::Uuid;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the generator of aws-lc does not fail once it is seeded");
    bytes
}

/// A new random UUID.
pub(super) fn new_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(random()).into_uuid()
}

/// The id of this process as a client.
pub(super) fn client_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| new_uuid().to_string())
}

/// Milliseconds since the Unix epoch; 1 when the clock stands before it.
pub(super) fn epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1)
}
