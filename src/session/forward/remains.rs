//! What a program had sent before it was gone.
//!
//! A program that closes without having read all that came for it resets its connection, and so does one to which more
//! comes after it has closed. Nothing can be handed to it any more. But what it had sent by then is here: the system gives
//! it out before it reports the reset. So it goes on its way, as it would without a tunnel.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::tally::Tally;

/// It is given up when nothing of the session has moved for so long, while there is a connection.
const STALLED: Duration = Duration::from_secs(3);

/// It is given up after so long in any case: other connections may move for ever.
const LIMIT: Duration = Duration::from_mins(5);

/// How often to look whether anything moves.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Waits for `sending`, which sends what is left. False when that is given up.
pub(super) async fn send_off(
    sending: impl Future<Output = ()>,
    tally: &Tally,
    connected: watch::Receiver<Option<std::time::Instant>>,
) -> bool {
    let mut sending = pin!(sending);
    let began = Instant::now();
    let (mut mark, mut moved_at) = (tally.mark(), began);
    while moved_at.elapsed() < STALLED && began.elapsed() < LIMIT {
        tokio::select! {
            biased;
            () = &mut sending => return true,
            () = sleep(LOOK_EVERY) => {}
        }
        if mark != tally.mark() || connected.borrow().is_none() {
            (mark, moved_at) = (tally.mark(), Instant::now());
        }
    }
    false
}
