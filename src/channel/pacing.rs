//! How soon the next connection is tried, and when no further one is: what the connections so far have come to.
//!
//! A connection that brought the session on, or that lived for a while, makes up for the failures before it. One that
//! did neither counts as a failure, however it was closed: a gateway that knows neither our token nor our message takes
//! the WebSocket, and closes it when it has read them.

use std::time::{Duration, Instant};

use super::clock::now;
use super::event::End;
use super::resources::random;
use crate::backoff::Backoff;

/// The pause after the first failure, and the longest one; each is jittered.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long to try for another connection, at least once more after that: the longest idle timeout an account can
/// set, after which the service has ended the session by itself.
const KEPT_BY_SERVICE: Duration = Duration::from_hours(1);

/// A connection that lives for so long is one, even if nothing is said on it.
const LIVES: Duration = Duration::from_secs(10);

/// Connections in a row that the service closes on us before the session counts as refused. With the pauses between
/// them they take about a minute.
const MAX_REFUSALS: u32 = 10;

/// The same for a message whose size is on trial. Another session goes without it.
const MAX_PROBE_REFUSALS: u32 = 3;

/// A connection that is lost.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) reason: String,
    pub(super) lived: Duration,
    /// Something new was received on it, or acknowledged.
    pub(super) progressed: bool,
    /// The service closed it as one that it does not want.
    pub(super) refused: bool,
    /// The oldest message that is not acknowledged; it was sent on each connection since it was made.
    pub(super) oldest: Option<i64>,
    /// That message shows whether its size gets through.
    pub(super) probing: bool,
}

/// The failures since a connection was of use.
#[derive(Debug)]
pub(super) struct Pacing {
    started: Instant,
    backoff: Backoff,
    failures: u32,
    refusals: u32,
    /// Connections in a row that ended with the same message unanswered.
    stuck: Option<(i64, u32)>,
    /// The last connection was of no use: the next one has to wait.
    unpaused: Option<String>,
    last: bool,
}

impl Pacing {
    pub(super) fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        Self { started: now(), backoff, failures: 0, refusals: 0, stuck: None, unpaused: None, last: false }
    }

    /// A connection is lost.
    ///
    /// # Errors
    /// It is time to give up.
    pub(super) fn lost(&mut self, past: Past) -> Result<(), End> {
        let times = match (self.stuck, past.oldest) {
            (Some((stuck, times)), Some(oldest)) if stuck == oldest => times + 1,
            _ => 1,
        };
        self.stuck = past.oldest.map(|oldest| (oldest, times));
        let limit = if past.probing { MAX_PROBE_REFUSALS } else { MAX_REFUSALS };
        if self.stuck.is_some() && times >= limit {
            return Err(End::Rejected(past.reason));
        }
        // Other messages may get through again and again beside the one that does not.
        let is_stuck = self.stuck.is_some() && times > 1;
        if past.lived >= LIVES || (past.progressed && !is_stuck) {
            *self = Self { stuck: self.stuck, ..Self::new() };
            return Ok(());
        }
        self.refusals = if past.refused { self.refusals + 1 } else { 0 };
        if self.refusals >= MAX_REFUSALS {
            return Err(End::Rejected(past.reason));
        }
        // The first time it may have been that connection, which was new.
        self.unpaused = Some(past.reason);
        Ok(())
    }

    /// Why the last connection was of no use, if it was not; asked for once.
    pub(super) fn take_unpaused(&mut self) -> Option<String> {
        self.unpaused.take()
    }

    /// An attempt failed: waits until it is time for the next one.
    ///
    /// # Errors
    /// It is time to give up.
    pub(super) async fn failed(&mut self, reason: String) -> Result<(), End> {
        if self.last {
            return Err(End::Lost(reason));
        }
        self.last = now().saturating_duration_since(self.started) >= KEPT_BY_SERVICE;
        self.failures += 1;
        pause(&mut self.backoff).await;
        Ok(())
    }

    /// Whether attempts fail for longer than is common while a network comes back.
    pub(super) fn is_long(&self) -> bool {
        self.failures > 2
    }
}

pub(super) async fn pause(backoff: &mut Backoff) {
    tokio::time::sleep(backoff.next_jittered(u16::from_ne_bytes(random()))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(lived: Duration, progressed: bool, oldest: Option<i64>) -> Past {
        Past { reason: "cut".to_owned(), lived, progressed, refused: false, oldest, probing: false }
    }

    /// How many connections like these there are before it is given up; each is tried at the sleep's end.
    async fn tries(pacing: &mut Pacing, past: impl Fn(u32) -> Past) -> (u32, End) {
        for number in 1.. {
            if let Err(end) = pacing.lost(past(number)) {
                return (number, end);
            }
            if let Some(reason) = pacing.take_unpaused()
                && let Err(end) = pacing.failed(reason).await
            {
                return (number, end);
            }
        }
        unreachable!("there is an end")
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_closes_each_connection_is_left_after_ten() {
        let started = now();
        let ended = tries(&mut Pacing::new(), |_| Past { refused: true, ..past(Duration::ZERO, false, None) }).await;
        assert!(matches!(ended, (10, End::Rejected(_))), "{ended:?}");
        assert!((Duration::from_secs(20)..Duration::from_mins(2)).contains(&(now() - started)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_never_answered_is_left_whatever_else_gets_through() {
        for (lived, progressed) in [(0, false), (0, true), (3600, false), (3600, true)] {
            let past = |_| past(Duration::from_secs(lived), progressed, Some(7));
            let ended = tries(&mut Pacing::new(), past).await;
            assert!(matches!(ended, (10, End::Rejected(_))), "{ended:?}");
            let ended = tries(&mut Pacing::new(), |_| Past { probing: true, ..past(0) }).await;
            assert!(matches!(ended, (3, End::Rejected(_))), "{ended:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_cuts_each_connection_is_tried_for_an_hour_with_growing_pauses() {
        let started = now();
        // The oldest message is another one each time: they get through, and new ones are typed.
        let (tries, end) = tries(&mut Pacing::new(), |_| past(Duration::ZERO, false, None)).await;
        assert!(matches!(end, End::Lost(_)), "{end:?}");
        assert!((200..600).contains(&tries) && now() - started >= KEPT_BY_SERVICE, "{tries}");
    }

    #[tokio::test(start_paused = true)]
    async fn progress_and_a_long_life_make_up_for_failures_and_a_short_life_does_not() {
        let mut pacing = Pacing::new();
        let mut pauses = |past: Past| {
            assert!(pacing.lost(past).is_ok());
            pacing.take_unpaused().is_some()
        };
        for oldest in 0..100 {
            assert!(!pauses(past(Duration::from_millis(300), true, Some(oldest))));
            assert!(!pauses(past(LIVES, false, None)));
            assert!(pauses(past(LIVES / 2, false, None)));
            assert!(pauses(past(Duration::from_millis(300), false, Some(oldest))));
        }
    }
}
