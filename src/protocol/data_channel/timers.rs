//! The instants at which a channel has to do something although nothing arrives.

use std::time::Instant;

/// Why a channel wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// A client has waited long enough for a handshake to probe the agent, to send early data, or to take it for
    /// confirmed; or after a handshake for the agent to settle.
    EarlyData,
    /// An agent gives its handshake up: the client has not answered.
    Handshake,
    /// The oldest message in flight is repeated: its acknowledgement is overdue.
    Retransmission,
    /// A client gives the session up: the first large message was swallowed, for all that can be seen.
    MtuProbe,
    /// The next message may go out: so long it was held back, so that no burst goes out.
    Pace,
    /// A client gives the session up: a message of the agent is missing, although the agent goes on.
    Gap,
}

impl Timer {
    /// All of them, in the order in which those that expire together are handled.
    pub(super) const ALL: [Self; 6] =
        [Self::EarlyData, Self::Handshake, Self::Retransmission, Self::MtuProbe, Self::Pace, Self::Gap];
}

/// When each timer expires, if it is set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TimerTable([Option<Instant>; Timer::ALL.len()]);

impl TimerTable {
    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// The instant at which the first of them expires.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }

    /// Whether the timer has expired by `now`; it is stopped then, so that it expires once.
    pub(super) fn expire(&mut self, timer: Timer, now: Instant) -> bool {
        self.0[timer as usize].take_if(|at| *at <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_is_next_and_each_expires_once() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut timers = TimerTable::default();
        assert_eq!(timers.next_timeout(), None);
        timers.set(Timer::EarlyData, later);
        timers.set(Timer::Retransmission, now);
        assert_eq!(timers.next_timeout(), Some(now));
        assert!(!timers.expire(Timer::EarlyData, now) && !timers.expire(Timer::Handshake, later));
        assert!(timers.expire(Timer::Retransmission, later) && !timers.expire(Timer::Retransmission, later));
        assert_eq!(timers.next_timeout(), Some(later));
        timers.stop(Timer::EarlyData);
        assert!(timers.next_timeout().is_none() && !timers.is_set(Timer::EarlyData));
    }
}
