//! What a connection moves of late, and how much of what it sent may lie at the agent undelivered.
//!
//! All of it is seen from this end. The agent acknowledges what it receives, and says nothing of what it has handed on:
//! only an answer of the destination shows that something was. So what is undelivered is an estimate, and one that is
//! too high rather than too low: what was sent less what came back, until the destination has spoken after the program
//! has been silent for a moment; then it has had everything. It is right for an echo, for requests with answers and for
//! what is sent to nobody; an upload whose answer is short looks as if all of it were undelivered until it ends.

use std::time::{Duration, Instant};

/// "Of late" is this long at least, and twice as long at most.
pub(super) const WINDOW: Duration = Duration::from_millis(250);

/// A connection that has moved so much of late is at bulk: an eighth of what an agent sends in that time.
const BULK: u64 = 32 * 1024;

/// Bytes that a connection may have undelivered before that counts: the agent stops reading at 4 MiB for all together.
const BACKLOG: u64 = 1 << 20;

/// What a connection may have undelivered once its upload is seen to be no faster than its answers. It keeps an agent
/// busy for half a second.
const ECHOED: u64 = 512 * 1024;

/// More than this the agent and its sockets do not take: 4 MiB of the multiplexer's, and what the system buffers.
const MOST_UNDELIVERED: u64 = 8 << 20;

/// A program that has sent nothing for so long has said what it had to say.
const SAID: Duration = Duration::from_millis(500);

/// Nothing has come for so long behind an answer: it was all.
const ANSWERED: Duration = Duration::from_millis(20);

/// Bytes of one direction of late.
#[derive(Debug)]
struct Flow {
    since: Instant,
    bytes: u64,
    before: u64,
}

impl Flow {
    fn new(now: Instant) -> Self {
        Self { since: now, bytes: 0, before: 0 }
    }

    fn add(&mut self, bytes: u64, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= WINDOW {
            self.before = if elapsed < 2 * WINDOW { self.bytes } else { 0 };
            (self.since, self.bytes) = (now, 0);
        }
        self.bytes += bytes;
    }

    fn of_late(&self, now: Instant) -> u64 {
        match now.saturating_duration_since(self.since) {
            elapsed if elapsed < WINDOW => self.bytes + self.before,
            elapsed if elapsed < 2 * WINDOW => self.bytes,
            _ => 0,
        }
    }
}

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    opened_at: Instant,
    up: Flow,
    down: Flow,
    /// Bytes that the destination has sent, all in all.
    received: u64,
    /// Bytes sent that no answer shows as consumed.
    unanswered: u64,
    sent_at: Option<Instant>,
    received_at: Option<Instant>,
    /// Since when the program takes nothing of what has come for it.
    blocked_since: Option<Instant>,
    /// One of its ends is done.
    ending: bool,
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            opened_at: now,
            up: Flow::new(now),
            down: Flow::new(now),
            received: 0,
            unanswered: 0,
            sent_at: None,
            received_at: None,
            blocked_since: None,
            ending: false,
        }
    }

    /// The program has sent something. Whether the connection weighs on others from now on.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) -> bool {
        let before = self.is_heavy(now);
        self.settle(now);
        self.up.add(bytes as u64, now);
        self.unanswered = (self.unanswered + bytes as u64).min(MOST_UNDELIVERED);
        self.sent_at = Some(now);
        !before && self.is_heavy(now)
    }

    /// The destination has sent something. Whether the connection weighs on others from now on.
    pub(super) fn received(&mut self, bytes: usize, now: Instant) -> bool {
        let before = self.is_heavy(now);
        self.down.add(bytes as u64, now);
        self.received += bytes as u64;
        self.unanswered = self.unanswered.saturating_sub(bytes as u64);
        self.received_at = Some(now);
        self.settle(now);
        !before && self.is_heavy(now)
    }

    /// The program is handed something, or has taken it.
    pub(super) fn handing(&mut self, begins: bool, now: Instant) {
        self.blocked_since = begins.then_some(now);
    }

    /// One of its ends is done, so that not much more is to be expected.
    pub(super) fn ends(&mut self) {
        self.ending = true;
    }

    /// An answer behind a silence of the program shows that all was consumed.
    fn settle(&mut self, now: Instant) {
        if self.undelivered(now) == 0 {
            self.unanswered = 0;
        }
    }

    /// Bytes that may lie at the agent.
    pub(super) fn undelivered(&self, now: Instant) -> u64 {
        let said = self.sent_at.is_none_or(|at| now.saturating_duration_since(at) >= SAID);
        if said && self.received_at > self.sent_at { 0 } else { self.unanswered }
    }

    /// Whether the program takes nothing of what has come for it, and has not for a while.
    fn is_blocked(&self, now: Instant) -> bool {
        self.blocked_since.is_some_and(|since| now.saturating_duration_since(since) >= WINDOW)
    }

    /// Whether more of what the program sends can be of use. Where answers come as fast as the agent sends, and the
    /// upload goes no faster than they do, the agent is full: it takes in as much as it can answer, as with an echo. More
    /// would only lie there, and keep it from reading what others send. As soon as answers come no more, nothing is known.
    pub(super) fn may_send(&mut self, now: Instant) -> bool {
        let (up, down) = (self.up.of_late(now), self.down.of_late(now));
        let may = down < 2 * BULK || up > down + down / 4 || self.unanswered < ECHOED;
        if !may {
            // Its silence is ours.
            self.sent_at = Some(now);
        }
        may
    }

    fn is_at_bulk(&self, now: Instant) -> bool {
        self.up.of_late(now).max(self.down.of_late(now)) >= BULK
    }

    fn is_heavy(&self, now: Instant) -> bool {
        self.is_at_bulk(now) || self.is_blocked(now) || self.undelivered(now) >= BACKLOG
    }

    /// Until when it has to be expected to ask for more, if an answer takes so long; `None` when it is known better.
    fn busy_until(&self, now: Instant, answer: Duration) -> Option<Instant> {
        let is_answered = |at: Instant| Some(at) > self.sent_at && now.saturating_duration_since(at) >= ANSWERED;
        let until = self.opened_at + answer;
        (until > now && !self.received_at.is_some_and(is_answered)).then_some(until)
    }

    /// How much it got, all in all.
    pub(super) fn answer(&self) -> u64 {
        self.received
    }
}

/// What one session carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Connections that are open, but for those that are about to end.
    pub(super) open: usize,
    /// Those at bulk, in either direction.
    pub(super) bulk: usize,
    /// Those whose program or destination seems to have stopped reading.
    pub(super) stopped: usize,
    /// Those that are new, and may turn out to be anything.
    pub(super) young: usize,
    /// Until when the new ones may be at it, if nothing is learnt of them before.
    pub(super) busy_until: Option<Instant>,
    /// The connection to the service is lost.
    pub(super) cut: bool,
}

impl Load {
    /// Counts one more connection; `answer` is how long an answer takes, as far as is known.
    pub(super) fn add(&mut self, meter: &Meter, now: Instant, answer: Duration) {
        if meter.ending && !meter.is_heavy(now) {
            return;
        }
        self.open += 1;
        if meter.is_blocked(now) || meter.undelivered(now) >= BACKLOG {
            self.stopped += 1;
        } else if meter.is_at_bulk(now) {
            self.bulk += 1;
        } else if let Some(until) = meter.busy_until(now, answer) {
            self.young += 1;
            self.busy_until = self.busy_until.max(Some(until));
        }
    }

    /// Connections that weigh on others.
    pub(super) fn heavy(&self) -> usize {
        self.bulk + self.stopped
    }
}

#[cfg(test)]
mod tests;
