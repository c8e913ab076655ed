//! Spreads messages over the round trip, so that a window that opens does not go out in one burst: the burst would wait
//! somewhere on the path, and look like a queue.

use std::time::{Duration, Instant};

/// What a sender that was woken late may make up for at once: a quarter of the round trip, within these bounds. Timers
/// are no finer than a millisecond, and on a busy machine some are later.
const MIN_CREDIT: Duration = Duration::from_millis(2);
const MAX_CREDIT: Duration = Duration::from_millis(25);

/// On shorter round trips the window alone holds back: a timer would be too coarse for them.
const MIN_PACED: Duration = Duration::from_millis(2);

/// Whether messages are spread at all.
pub(super) fn is_paced(min_rtt: Duration) -> bool {
    min_rtt >= MIN_PACED
}

/// The longest pause between two messages.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// When the next message may go out.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    next: Option<Instant>,
}

impl Pacer {
    /// When the next message may go out; `None`: at once.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        self.next.filter(|next| *next > now)
    }

    /// A message goes out.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: usize, bytes_per_second: f64, min_rtt: Option<Duration>) {
        let Some(min_rtt) = min_rtt.filter(|min_rtt| is_paced(*min_rtt) && bytes_per_second > 0.0) else {
            self.next = None;
            return;
        };
        let credit = (min_rtt / 4).clamp(MIN_CREDIT, MAX_CREDIT);
        let from = self.next.map_or(now, |next| next.max(now.checked_sub(credit).unwrap_or(now)));
        // However slow the path is, a pause is no longer than what a path may take to answer.
        let pause = Duration::from_secs_f64((bytes as f64 / bytes_per_second).min(MAX_PAUSE.as_secs_f64()));
        self.next = Some(from + pause);
    }
}
