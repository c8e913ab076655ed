//! Notices that a connection is dead although no close or error has come.
//!
//! A ping every 30 s keeps proxies, NATs and VPNs from dropping the connection as idle (they do after 60 to 300 s) and
//! finds out whether the peer is there. It goes out sooner when something is unanswered for long or the machine has
//! slept, as soon as somebody looks: every second where anybody waits for anything.

use std::time::{Duration, Instant, SystemTime};

/// Between two pings of a quiet connection.
const PING_EVERY: Duration = Duration::from_secs(30);

/// A ping goes out when a message is unacknowledged and nothing has arrived for so long.
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// A connection on which nothing at all arrives for so long after a ping is dead.
const PONG_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to look while anybody waits for anything.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// When the wall clock runs ahead of the clock that stands still in sleep by this much, the machine has slept.
const SLEPT: Duration = Duration::from_secs(5);

/// What the connection needs at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: it lives, or has not been silent for long.
    Fine,
    /// Send a ping, and see whether anything answers it.
    Ping,
    /// Give the connection up.
    Dead,
}

/// The state of one connection's watchdog.
#[derive(Debug)]
pub(super) struct Watchdog {
    last_heard: Instant,
    pinged: Option<Instant>,
    last_look: (Instant, SystemTime),
}

impl Watchdog {
    pub(super) fn new(now: Instant, wall: SystemTime) -> Self {
        Self { last_heard: now, pinged: None, last_look: (now, wall) }
    }

    /// Something arrived: any frame shows that the peer lives.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged = None;
    }

    /// We did not listen, for want of room; silence means nothing then.
    pub(super) fn deaf(&mut self, now: Instant) {
        self.heard(now);
    }

    /// How long nothing has arrived.
    pub(super) fn quiet(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_heard)
    }

    /// When to look again if nothing comes up before.
    pub(super) fn next_look(&self) -> Instant {
        self.pinged.map_or(self.last_heard + PING_EVERY, |pinged| pinged + PONG_TIMEOUT).max(self.last_look.0 + TICK)
    }

    /// Looks once; `unanswered`: something sent is not acknowledged.
    pub(super) fn look(&mut self, now: Instant, wall: SystemTime, unanswered: bool) -> Verdict {
        let (last_now, last_wall) = std::mem::replace(&mut self.last_look, (now, wall));
        let awake = now.saturating_duration_since(last_now);
        let slept = wall.duration_since(last_wall).is_ok_and(|elapsed| elapsed > awake + SLEPT);
        if let Some(pinged) = self.pinged {
            let silent = now.saturating_duration_since(pinged) >= PONG_TIMEOUT;
            return if silent { Verdict::Dead } else { Verdict::Fine };
        }
        let quiet = now.saturating_duration_since(self.last_heard);
        // The age of the oldest message says nothing: it is repeated, and younger each time.
        let stalled = quiet >= STALLED_AFTER && unanswered;
        if slept || stalled || quiet >= PING_EVERY {
            self.pinged = Some(now);
            return Verdict::Ping;
        }
        Verdict::Fine
    }
}

#[cfg(test)]
mod tests;
