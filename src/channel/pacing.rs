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

/// A connection that lives for so long with a message unanswered is not lost because of it: its destination does not read,
/// or the agent is away.
const ANSWERED_WITHIN: Duration = Duration::from_mins(1);

/// Connections in a row that the service closes on us before the session counts as refused. With the pauses between
/// them they take about a minute.
const MAX_REFUSALS: u32 = 10;

/// The same for a message whose size is on trial. Another session goes without it.
const MAX_PROBE_REFUSALS: u32 = 3;

/// Connections in a row that bring nothing, however they are lost. With the pauses between them they take about ten
/// minutes; a network that is down gives no connection at all, and is waited for longer.
const MAX_FRUITLESS: u32 = 40;

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
    fruitless: u32,
    /// Connections in a row that ended with the same message unanswered.
    stuck: Option<(i64, u32)>,
    /// The last connection was of no use: the next one has to wait.
    unpaused: Option<String>,
    last: bool,
}

impl Pacing {
    pub(super) fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        Self {
            started: now(),
            backoff,
            failures: 0,
            refusals: 0,
            fruitless: 0,
            stuck: None,
            unpaused: None,
            last: false,
        }
    }

    /// A connection is lost.
    ///
    /// # Errors
    /// It is time to give up.
    pub(super) fn lost(&mut self, past: Past) -> Result<(), End> {
        let oldest = past.oldest.filter(|_| past.lived < ANSWERED_WITHIN);
        let times = match (self.stuck, oldest) {
            (Some((stuck, times)), Some(oldest)) if stuck == oldest => times + 1,
            _ => 1,
        };
        self.stuck = oldest.map(|oldest| (oldest, times));
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
        self.fruitless += 1;
        if self.refusals >= MAX_REFUSALS || self.fruitless >= MAX_FRUITLESS {
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
mod tests;
