//! Keep-alive: a NOP every interval, and the end when nothing at all arrives.

use std::time::{Duration, Instant};

/// How a session is kept alive.
///
/// The defaults are those of the real peers, 10 s and 30 s. Either of them switches it off when the other end says
/// a recent version; an end that has it on needs bytes from the other end, of any kind, within its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Time from one NOP to the next. Between 1 ms and a day; what lies outside counts as the nearer of them.
    pub interval: Duration,
    /// Time without a byte from the peer after which the session is over. Bounds as for the interval.
    pub timeout: Duration,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), timeout: Duration::from_secs(30) }
    }
}

/// What is to be done now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) nop: bool,
    pub(super) timed_out: bool,
}

/// The two instants of a session that is kept alive.
#[derive(Debug)]
pub(super) struct Timer {
    interval: Duration,
    timeout: Duration,
    next_nop: Instant,
    deadline: Instant,
    /// We stopped reading since the last byte arrived, so that its absence says nothing about the peer.
    stopped_reading: bool,
}

impl Timer {
    pub(super) fn new(config: KeepAlive, now: Instant) -> Self {
        let bounded = |time: Duration| time.clamp(Duration::from_millis(1), Duration::from_hours(24));
        let (interval, timeout) = (bounded(config.interval), bounded(config.timeout));
        Self { interval, timeout, next_nop: now + interval, deadline: now + timeout, stopped_reading: false }
    }

    pub(super) fn received(&mut self, now: Instant, can_receive: bool) {
        self.deadline = now + self.timeout;
        self.stopped_reading = !can_receive;
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, can_receive: bool) -> Due {
        let mut due = Due::default();
        if now >= self.next_nop {
            self.next_nop = now + self.interval;
            due.nop = true;
        }
        if now >= self.deadline {
            due.timed_out = can_receive && !self.stopped_reading;
            self.deadline = now + self.timeout;
            self.stopped_reading = !can_receive;
        }
        due
    }

    pub(super) fn next(&self) -> Instant {
        self.next_nop.min(self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer() -> (Timer, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Timer::new(KeepAlive::default(), start), move |seconds| start + Duration::from_secs(seconds))
    }

    #[test]
    fn nops_go_out_and_silence_ends_it() {
        let (mut timer, at) = timer();
        assert_eq!(timer.next(), at(10));
        assert_eq!(timer.handle_timeout(at(9), true), Due::default());
        for second in [10, 20] {
            assert_eq!(timer.handle_timeout(at(second), true), Due { nop: true, timed_out: false });
        }
        assert_eq!(timer.handle_timeout(at(30), true), Due { nop: true, timed_out: true });
    }

    #[test]
    fn a_byte_starts_the_timeout_anew() {
        let (mut timer, at) = timer();
        timer.received(at(29), true);
        assert!(!timer.handle_timeout(at(58), true).timed_out);
        assert!(timer.handle_timeout(at(59), true).timed_out);
    }

    #[test]
    fn a_long_sleep_is_followed_by_one_nop() {
        let (mut timer, at) = timer();
        timer.received(at(999), true);
        assert!(timer.handle_timeout(at(1_000), true).nop);
        assert!(!timer.handle_timeout(at(1_000), true).nop);
        assert_eq!(timer.next(), at(1_010));
    }

    #[test]
    fn silence_does_not_count_while_we_do_not_read() {
        let (mut timer, at) = timer();
        timer.received(at(1), false);
        assert!(!timer.handle_timeout(at(31), false).timed_out);
        assert!(!timer.handle_timeout(at(61), true).timed_out, "reading began just now");
        assert!(timer.handle_timeout(at(91), true).timed_out);
    }
}
