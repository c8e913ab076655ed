//! How many bytes may be in flight.
//!
//! The window opens with what is acknowledged while the round trip stays near its recent minimum, and closes when the
//! round trip grows: then bytes wait in a queue somewhere on the way, and a key pressed now would wait behind them.
//! It is the idea of TCP Vegas, decided once a round trip on the least round trip seen in it, which jitter does not
//! disturb.
//!
//! While bulk data keeps a queue standing, no message sees the path without it, and the minimum would grow with the
//! queue. So now and then the window is halved until the queue has drained and one message has gone through, as in BBR.

use std::time::{Duration, Instant};

use super::rtt::RttEstimator;

/// Where the window starts. The path's own TCP starts slowly by itself; this is what an agent takes in about 2 ms
/// (28 MB/s measured with payloads of 1 KiB).
const INITIAL: usize = 64 * 1024;

/// The window never closes below this.
const MINIMUM: usize = 8 * 1024;

/// Bounds of the queueing delay that is accepted; between them it is a quarter of the minimum round trip.
const MIN_QUEUEING: Duration = Duration::from_millis(2);
const MAX_QUEUEING: Duration = Duration::from_millis(25);

/// How often a sender that fills the window lets the queue drain: more often than the minimum is forgotten.
const MIN_RTT_PROBE_INTERVAL: Duration = Duration::from_secs(8);

/// So many slow round trips in a row are a queue, and fewer the moods of a network (as in HyStart++, RFC 9406).
const SLOW: u32 = 8;

/// Messages take no more than this part of the window, as a key waits for the rest of one; or no more time than the
/// queue that is accepted anyway, where that is more, but not all of the window.
const MESSAGE_SHARE: f64 = 1.0 / 8.0;
const MOST_MESSAGE_SHARE: f64 = 1.0 / 2.0;

/// How far the search for the round trip of the path without a queue is.
#[derive(Clone, Copy, Debug)]
enum MinRttProbe {
    /// Nothing, until it is time; `None` before anything was acknowledged.
    At(Option<Instant>),
    /// Nothing goes out until half of the window is acknowledged.
    Draining,
    /// What goes out from this transmission on sees the path.
    Measuring(u64),
    /// The window opens again by what is acknowledged, so that nothing goes out in a burst; so many bytes as yet.
    Refilling(usize),
}

/// What is seen of the messages that have gone out since the window was last changed. Those before teach nothing:
/// judging by them would change the window a second time for the same reason, and too far.
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
    fn is_over(&mut self, &Acknowledged { packet_number, rtt, .. }: &Acknowledged, next_packet_number: u64) -> bool {
        if packet_number < self.from {
            return false;
        }
        if let Some(rtt) = rtt {
            self.least = Some(self.least.map_or(rtt, |least| least.min(rtt)));
        }
        packet_number >= *self.until.get_or_insert(next_packet_number)
    }
}

/// An acknowledgement that came in.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    pub(crate) now: Instant,
    /// Size of the message.
    pub(crate) bytes: usize,
    /// That of its last transmission.
    pub(crate) packet_number: u64,
    /// Bytes in flight without it.
    pub(crate) in_flight: usize,
    /// Its round trip, when that is certain.
    pub(crate) rtt: Option<Duration>,
}

/// The window and what decides over it.
#[derive(Debug)]
pub(crate) struct CongestionController {
    /// The window when the path is not being searched for its least round trip.
    size: usize,
    limit: usize,
    next_packet_number: u64,
    slow_start: bool,
    /// Slow round trips in a row, while the window opens fast.
    slow: u32,
    round: Round,
    /// The part of the window that one message may take.
    message_share: f64,
    /// Whether the sender had too little to fill the window, in this round and in the one before; it may open only when
    /// it held something back.
    app_limited: bool,
    app_limited_before: bool,
    min_rtt_probe: MinRttProbe,
}

impl CongestionController {
    /// A controller whose window never opens beyond `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(MINIMUM);
        Self {
            size: INITIAL.min(limit),
            limit,
            next_packet_number: 0,
            slow_start: true,
            slow: 0,
            round: Round::default(),
            message_share: MESSAGE_SHARE,
            app_limited: true,
            app_limited_before: true,
            min_rtt_probe: MinRttProbe::At(None),
        }
    }

    /// Bytes that may be in flight.
    pub(crate) fn window(&self) -> usize {
        let half = (self.size / 2).max(MINIMUM);
        match self.min_rtt_probe {
            MinRttProbe::At(_) => self.size,
            MinRttProbe::Draining | MinRttProbe::Measuring(_) => half,
            MinRttProbe::Refilling(bytes) => half.saturating_add(bytes).min(self.size),
        }
    }

    /// The size of messages with which a key waits for a small part of the window only.
    pub(crate) fn message_size(&self) -> usize {
        (self.size as f64 * self.message_share) as usize
    }

    /// A message goes out, for the first time or again; its number is the largest so far.
    pub(crate) fn on_sent(&mut self, packet_number: u64) {
        self.next_packet_number = packet_number + 1;
    }

    /// The sender has something to send that the window holds back.
    pub(crate) fn on_window_limited(&mut self) {
        self.app_limited = false;
    }

    /// A message is acknowledged; `rtt` has taken in its round trip.
    pub(crate) fn on_acknowledged(&mut self, acknowledged: &Acknowledged, rtt: &RttEstimator) {
        if self.probes_min_rtt(acknowledged) {
            return;
        }
        let is_over = self.round.is_over(acknowledged, self.next_packet_number);
        let (least, app_limited) = (self.round.least, self.app_limited);
        if is_over {
            self.start_round();
            self.app_limited_before = std::mem::replace(&mut self.app_limited, true);
        }
        let Some(min_rtt) = rtt.min_rtt() else { return };
        let queueing = (min_rtt / 4).clamp(MIN_QUEUEING, MAX_QUEUEING);
        let accepted = min_rtt + queueing;
        let share = MIN_QUEUEING.as_secs_f64() / accepted.as_secs_f64();
        self.message_share = share.clamp(MESSAGE_SHARE, MOST_MESSAGE_SHARE);
        if self.slow_start {
            // Acknowledgements often come in a burst, as the messages went, and the first of them ends the round.
            if !(app_limited && self.app_limited_before) {
                self.set(self.size + acknowledged.bytes);
            }
            let sample = acknowledged.rtt;
            self.slow = if sample.is_some_and(|sample| sample > accepted) { self.slow + 1 } else { 0 };
            // At the end of the round the queue would be several windows long.
            let queued = sample.filter(|_| self.slow >= SLOW);
            if let Some(seen) = queued.or(least.filter(|least| is_over && *least > accepted)) {
                self.slow_start = false;
                self.close(accepted, seen);
                self.start_round();
            }
        } else if let Some(least) = least.filter(|_| is_over) {
            if least > accepted {
                self.close(accepted, least);
            } else if !app_limited {
                // The less of a queue there is, the faster.
                let headroom = accepted.saturating_sub(least).as_secs_f64() / queueing.as_secs_f64();
                self.set(self.size + (self.size as f64 / 4.0 * headroom.clamp(0.0, 1.0)) as usize);
            }
        }
    }

    /// Nothing came back for a whole retransmission timeout.
    pub(crate) fn on_retransmission_timeout(&mut self) {
        self.slow_start = false;
        self.set(self.size / 2);
    }

    fn start_round(&mut self) {
        self.round = Round::starting(self.next_packet_number);
    }

    /// Closes the window so far that round trips of `seen` become those that are accepted.
    fn close(&mut self, accepted: Duration, seen: Duration) {
        let kept = accepted.as_secs_f64() / seen.as_secs_f64();
        self.set((self.size as f64 * kept.max(0.5)) as usize);
    }

    /// Lets the queue drain when it is time. While this is true, nothing else is decided.
    fn probes_min_rtt(&mut self, &Acknowledged { now, bytes, packet_number, in_flight, .. }: &Acknowledged) -> bool {
        let app_limited = self.app_limited && self.app_limited_before;
        self.min_rtt_probe = match self.min_rtt_probe {
            MinRttProbe::At(at) if at.is_some_and(|at| now < at) => return false,
            // A sender that does not fill the window leaves no queue.
            MinRttProbe::At(Some(_)) if !app_limited && !self.slow_start => MinRttProbe::Draining,
            MinRttProbe::At(_) => MinRttProbe::At(Some(now + MIN_RTT_PROBE_INTERVAL)),
            MinRttProbe::Draining if in_flight <= self.window() => MinRttProbe::Measuring(self.next_packet_number),
            MinRttProbe::Measuring(from) if packet_number >= from => MinRttProbe::Refilling(bytes),
            MinRttProbe::Refilling(_) if self.window() >= self.size => {
                self.start_round();
                MinRttProbe::At(Some(now + MIN_RTT_PROBE_INTERVAL))
            }
            MinRttProbe::Refilling(before) => MinRttProbe::Refilling(before + bytes),
            same => same,
        };
        !matches!(self.min_rtt_probe, MinRttProbe::At(_))
    }

    fn set(&mut self, size: usize) {
        self.size = size.clamp(MINIMUM, self.limit);
    }
}

#[cfg(test)]
mod tests;
