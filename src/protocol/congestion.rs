//! How many bytes may be under way unacknowledged.
//!
//! The window opens with what is acknowledged while the round trip stays near its recent minimum, and closes when the
//! round trip grows: then bytes wait in a queue somewhere on the way, and a key pressed now would wait behind them.
//! It is the idea of TCP Vegas, decided once a round trip on the least round trip seen in it, which jitter does not
//! disturb.
//!
//! While bulk data keeps a queue standing, no message sees the path without it, and the minimum would grow with the
//! queue. So now and then the window is halved until the queue has drained and one message has gone through, as in BBR.

use std::time::{Duration, Instant};

/// Where the window starts. The path's own TCP starts slowly by itself; this is what an agent takes in about 2 ms
/// (28 MB/s measured with payloads of 1 KiB).
const INITIAL: usize = 64 * 1024;

/// The window never closes below this, whatever happens.
const MINIMUM: usize = 8 * 1024;

/// Bounds of the queueing delay that is accepted; between them it is a quarter of the minimum round trip.
const MIN_QUEUEING: Duration = Duration::from_millis(2);
const MAX_QUEUEING: Duration = Duration::from_millis(25);

/// How often a sender that fills the window lets the queue drain: more often than the minimum is forgotten.
const DRAIN_EVERY: Duration = Duration::from_secs(8);

/// So many slow round trips in a row are a queue, and fewer the moods of a network (as in HyStart++, RFC 9406).
const SLOW: u32 = 8;

/// Messages take no more than this part of the window, as a key waits for the rest of one; or no more time than the queue
/// that is accepted anyway, where that is more, but not all of the window.
const MESSAGE_SHARE: f64 = 1.0 / 8.0;
const MOST_MESSAGE_SHARE: f64 = 1.0 / 2.0;

/// What is done to see the path without a queue.
#[derive(Clone, Copy, Debug)]
enum Drain {
    /// Nothing, until it is time; `None` before anything was acknowledged.
    At(Option<Instant>),
    /// Nothing goes out until half of the window is acknowledged.
    Draining,
    /// What goes out from this transmission on sees the path.
    Measuring(u64),
    /// The window opens again by what is acknowledged, so that nothing goes out in a burst; so many bytes as yet.
    Refilling(usize),
}

/// What is seen of the messages that have gone out since the window was last changed. Of those before nothing is learnt:
/// whoever judges by them changes the window again for what is changed already, and goes too far.
#[derive(Debug, Default)]
struct Round {
    /// The first of these messages.
    from: u64,
    /// The acknowledgement of this one ends the round, once one of these messages is acknowledged.
    until: Option<u64>,
    /// The least round trip of these messages.
    least: Option<Duration>,
}

impl Round {
    fn starting(from: u64) -> Self {
        Self { from, ..Self::default() }
    }

    /// Takes in an acknowledgement. True when the round is over.
    fn is_over(&mut self, &Acknowledged { order, next_order, rtt, .. }: &Acknowledged) -> bool {
        if order < self.from {
            return false;
        }
        if let Some(rtt) = rtt {
            self.least = Some(self.least.map_or(rtt, |least| least.min(rtt)));
        }
        order >= *self.until.get_or_insert(next_order)
    }
}

/// An acknowledgement that came in.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    pub(crate) now: Instant,
    /// Size of the message.
    pub(crate) bytes: usize,
    /// The number of its last transmission.
    pub(crate) order: u64,
    /// The number of the next transmission.
    pub(crate) next_order: u64,
    /// Bytes that are under way without it.
    pub(crate) in_flight: usize,
    /// Its round trip, when that is certain.
    pub(crate) rtt: Option<Duration>,
    /// The least round trip of late.
    pub(crate) minimum: Option<Duration>,
}

/// The window and what decides over it.
#[derive(Debug)]
pub(crate) struct Window {
    size: usize,
    limit: usize,
    slow_start: bool,
    /// Slow round trips in a row, while it opens fast.
    slow: u32,
    round: Round,
    /// The part of the window that one message may take.
    message_share: f64,
    /// Whether the window held something back in this round and in the one before; only then may it open.
    was_limiting: bool,
    was_limiting_before: bool,
    drain: Drain,
}

impl Window {
    /// A window that never opens beyond `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(MINIMUM);
        Self {
            size: INITIAL.min(limit),
            limit,
            slow_start: true,
            slow: 0,
            round: Round::default(),
            message_share: MESSAGE_SHARE,
            was_limiting: false,
            was_limiting_before: false,
            drain: Drain::At(None),
        }
    }

    /// Bytes that may be unacknowledged.
    pub(crate) fn size(&self) -> usize {
        let half = (self.size / 2).max(MINIMUM);
        match self.drain {
            Drain::At(_) => self.size,
            Drain::Draining | Drain::Measuring(_) => half,
            Drain::Refilling(bytes) => half.saturating_add(bytes).min(self.size),
        }
    }

    /// The size of messages with which a key waits for a small part of the window only.
    pub(crate) fn message_size(&self) -> usize {
        (self.size as f64 * self.message_share) as usize
    }

    /// Notes that something had to wait for the window.
    pub(crate) fn limited(&mut self) {
        self.was_limiting = true;
    }

    /// Takes in an acknowledgement.
    pub(crate) fn acknowledged(&mut self, acknowledged: &Acknowledged) {
        let &Acknowledged { bytes, next_order, rtt, minimum, .. } = acknowledged;
        if self.drains(acknowledged) {
            return;
        }
        let is_over = self.round.is_over(acknowledged);
        let (least, was_limiting) = (self.round.least, self.was_limiting);
        if is_over {
            self.round = Round::starting(next_order);
            self.was_limiting_before = std::mem::take(&mut self.was_limiting);
        }
        let queueing = minimum.map(|minimum| (minimum / 4).clamp(MIN_QUEUEING, MAX_QUEUEING));
        let Some((minimum, queueing)) = minimum.zip(queueing) else { return };
        let accepted = minimum + queueing;
        let share = MIN_QUEUEING.as_secs_f64() / accepted.as_secs_f64();
        self.message_share = share.clamp(MESSAGE_SHARE, MOST_MESSAGE_SHARE);
        if self.slow_start {
            // Acknowledgements often come in a burst, as the messages went, and the first of them ends the round.
            if was_limiting || self.was_limiting_before {
                self.set(self.size + bytes);
            }
            self.slow = if rtt.is_some_and(|rtt| rtt > accepted) { self.slow + 1 } else { 0 };
            // At the end of the round the queue would be several windows long.
            if let Some(rtt) = rtt.filter(|_| self.slow >= SLOW).or(least.filter(|least| is_over && *least > accepted))
            {
                self.slow_start = false;
                self.close(accepted, rtt);
                self.round = Round::starting(next_order);
            }
        } else if let Some(least) = least.filter(|_| is_over) {
            if least > accepted {
                self.close(accepted, least);
            } else if was_limiting {
                // The less of a queue there is, the faster.
                let headroom = (accepted - least).as_secs_f64() / queueing.as_secs_f64();
                self.set(self.size + (self.size as f64 / 4.0 * headroom.clamp(0.0, 1.0)) as usize);
            }
        }
    }

    /// Closes the window so far that round trips of `seen` become those that are accepted.
    fn close(&mut self, accepted: Duration, seen: Duration) {
        let kept = accepted.as_secs_f64() / seen.as_secs_f64();
        self.set((self.size as f64 * kept.max(0.5)) as usize);
    }

    /// Lets the queue drain when it is time. While this is true, nothing else is decided.
    fn drains(&mut self, &Acknowledged { now, bytes, order, next_order, in_flight, .. }: &Acknowledged) -> bool {
        let fills = self.was_limiting || self.was_limiting_before;
        self.drain = match self.drain {
            Drain::At(at) if at.is_some_and(|at| now < at) => return false,
            // Who does not fill the window leaves no queue.
            Drain::At(Some(_)) if fills && !self.slow_start => Drain::Draining,
            Drain::At(_) => Drain::At(Some(now + DRAIN_EVERY)),
            Drain::Draining if in_flight <= self.size() => Drain::Measuring(next_order),
            Drain::Measuring(from) if order >= from => Drain::Refilling(bytes),
            Drain::Refilling(_) if self.size() >= self.size => {
                self.round = Round::starting(next_order);
                Drain::At(Some(now + DRAIN_EVERY))
            }
            Drain::Refilling(before) => Drain::Refilling(before + bytes),
            same => same,
        };
        !matches!(self.drain, Drain::At(_))
    }

    /// Nothing came back for a whole retransmission timeout.
    pub(crate) fn timed_out(&mut self) {
        self.slow_start = false;
        self.set(self.size / 2);
    }

    fn set(&mut self, size: usize) {
        self.size = size.clamp(MINIMUM, self.limit);
    }
}

#[cfg(test)]
mod tests;
