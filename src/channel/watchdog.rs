//! Notices that a connection is dead although no close or error has come.
//!
//! A ping every 30 s keeps proxies, NATs and VPNs from dropping the connection as idle (they do after 60 to 300 s) and
//! finds out whether the peer is there. It goes out sooner when something is unanswered for long or the machine has
//! slept.

use std::time::{Duration, Instant, SystemTime};

/// Between two pings of a quiet connection.
const PING_EVERY: Duration = Duration::from_secs(30);

/// A ping goes out when a message is unacknowledged and nothing has arrived for so long.
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// A connection on which nothing at all arrives for so long after a ping is dead.
const PONG_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to look.
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
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The second in which the watchdog pings and the one in which it gives up, looking every second in silence.
    fn silence(unanswered: bool, sleep_at: Option<u32>) -> (u32, u32) {
        let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut watchdog = Watchdog::new(start, wall);
        let mut pinged = 0;
        for second in 1..100 {
            let slept = sleep_at.is_some_and(|at| second >= at);
            let wall = wall + SECOND * second + if slept { SECOND * 3600 } else { Duration::ZERO };
            match watchdog.look(start + SECOND * second, wall, unanswered) {
                Verdict::Fine => {}
                Verdict::Ping => pinged = second,
                Verdict::Dead => return (pinged, second),
            }
        }
        panic!("never gave up");
    }

    #[test]
    fn pings_when_quiet_and_gives_up_without_an_answer() {
        assert_eq!(silence(false, None), (30, 40));
    }

    #[test]
    fn asks_sooner_when_something_is_unanswered() {
        assert_eq!(silence(true, None), (3, 13));
    }

    #[test]
    fn asks_at_once_after_sleep() {
        assert_eq!(silence(false, Some(5)), (5, 15));
    }

    #[test]
    fn an_answer_is_an_answer() {
        let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut watchdog = Watchdog::new(start, wall);
        for second in 1..1000 {
            let now = start + SECOND * second;
            match watchdog.look(now, wall + SECOND * second, false) {
                Verdict::Fine => {}
                Verdict::Ping => watchdog.heard(now + SECOND / 10),
                Verdict::Dead => panic!("gave up at {second}"),
            }
        }
    }
}
