//! How many bytes may be under way unacknowledged.
//!
//! The window opens with what is acknowledged while the round trip stays near its recent minimum, and closes when the
//! round trip grows: then bytes wait in a queue somewhere on the way, and a key pressed now would wait behind them.
//! It is the idea of TCP Vegas, decided once a round trip on the least round trip seen in it, which jitter does not
//! disturb.

use std::time::Duration;

/// Where the window starts. The path's own TCP starts slowly by itself; this is what an agent takes in about 2 ms
/// (28 MB/s measured with payloads of 1 KiB).
const INITIAL: usize = 64 * 1024;

/// The window never closes below this, whatever happens.
const MINIMUM: usize = 8 * 1024;

/// Bounds of the queueing delay that is accepted; between them it is a quarter of the minimum round trip.
const MIN_QUEUEING: Duration = Duration::from_millis(2);
const MAX_QUEUEING: Duration = Duration::from_millis(25);

/// The window and what decides over it.
#[derive(Debug)]
pub(crate) struct Window {
    size: usize,
    limit: usize,
    slow_start: bool,
    /// The transmission whose acknowledgement ends the current round.
    round_end: u64,
    round_minimum: Option<Duration>,
    /// Whether the window held something back in this round and in the one before; only then may it open.
    was_limiting: bool,
    was_limiting_before: bool,
}

impl Window {
    /// A window that never opens beyond `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(MINIMUM);
        Self {
            size: INITIAL.min(limit),
            limit,
            slow_start: true,
            round_end: 0,
            round_minimum: None,
            was_limiting: false,
            was_limiting_before: false,
        }
    }

    /// Bytes that may be unacknowledged.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Notes that something had to wait for the window.
    pub(crate) fn limited(&mut self) {
        self.was_limiting = true;
    }

    /// Takes in an acknowledgement of `bytes`, sent as transmission number `order`, with its round trip when that is
    /// certain. `next_order` is the number of the next transmission, `minimum` the least round trip of late.
    pub(crate) fn acknowledged(
        &mut self,
        bytes: usize,
        order: u64,
        next_order: u64,
        rtt: Option<Duration>,
        minimum: Option<Duration>,
    ) {
        if let Some(rtt) = rtt {
            self.round_minimum = Some(self.round_minimum.map_or(rtt, |least| least.min(rtt)));
        }
        // Acknowledgements often come in a burst, as the messages went, and the first of them ends the round.
        if self.slow_start && (self.was_limiting || self.was_limiting_before) {
            self.set(self.size + bytes);
        }
        if order < self.round_end {
            return;
        }
        let round_minimum = self.round_minimum.take();
        let was_limiting = std::mem::take(&mut self.was_limiting);
        self.was_limiting_before = was_limiting;
        self.round_end = next_order;
        let (Some(round), Some(minimum)) = (round_minimum, minimum) else { return };
        let accepted = (minimum / 4).clamp(MIN_QUEUEING, MAX_QUEUEING);
        if round > minimum + accepted {
            self.slow_start = false;
            let kept = (minimum + accepted).as_secs_f64() / round.as_secs_f64();
            self.set((self.size as f64 * kept.max(0.5)) as usize);
        } else if was_limiting && !self.slow_start {
            self.set(self.size + self.size / 8);
        }
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
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn round(window: &mut Window, order: &mut u64, rtt: Duration, minimum: Duration) {
        window.limited();
        *order += 1;
        window.acknowledged(window.size(), *order, *order + 1, Some(rtt), Some(minimum));
    }

    #[test]
    fn opens_fast_then_closes_when_the_round_trip_grows() {
        let mut window = Window::new(4 << 20);
        let mut order = 0;
        for _ in 0..5 {
            round(&mut window, &mut order, 20 * MS, 20 * MS);
        }
        let open = window.size();
        assert_eq!(open, INITIAL << 5);
        round(&mut window, &mut order, 40 * MS, 20 * MS);
        assert!(window.size() < open * 2 && window.size() <= (open * 2) * 25 / 40 + 1);
        for _ in 0..50 {
            round(&mut window, &mut order, 400 * MS, 20 * MS);
        }
        assert_eq!(window.size(), MINIMUM);
    }

    #[test]
    fn opens_as_fast_when_acknowledgements_come_in_bursts() {
        let mut window = Window::new(4 << 20);
        let mut order = 0;
        for _ in 0..5 {
            window.limited();
            let messages = window.size() / 1024;
            let next_order = order + messages as u64 + 1;
            for _ in 0..messages {
                order += 1;
                window.acknowledged(1024, order, next_order, Some(20 * MS), Some(20 * MS));
            }
        }
        assert_eq!(window.size(), INITIAL << 5);
    }

    #[test]
    fn does_not_open_for_a_sender_that_does_not_fill_it() {
        let mut window = Window::new(4 << 20);
        for order in 1..1000 {
            window.acknowledged(1, order, order + 1, Some(20 * MS), Some(20 * MS));
        }
        assert_eq!(window.size(), INITIAL);
    }

    #[test]
    fn never_leaves_its_bounds() {
        let mut window = Window::new(100_000);
        let mut order = 0;
        for _ in 0..100 {
            round(&mut window, &mut order, MS, MS);
        }
        assert_eq!(window.size(), 100_000);
        for _ in 0..100 {
            window.timed_out();
        }
        assert_eq!(window.size(), MINIMUM);
    }
}
