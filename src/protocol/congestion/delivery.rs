//! How fast bytes are delivered: what acknowledgements say about the rate that the path takes.
//!
//! Each message remembers how much was acknowledged when it went out. When it is acknowledged itself, what was
//! acknowledged in between, over the time that this took, is the rate of about one round trip. The time is the longer one
//! of those between the departures and between the acknowledgements: acknowledgements that come in a clump would otherwise
//! promise more than was ever sent (draft-ietf-ccwg-bbr, "Delivery Rate Samples").

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a message remembers of the moment at which it went out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure {
    at: Instant,
    /// Bytes acknowledged by then, when the last of them were, and when the message with them had gone out.
    delivered: u64,
    delivered_at: Instant,
    previous_at: Instant,
    /// The sender had too little to fill the path.
    app_limited: bool,
}

/// A rate that was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateSample {
    pub(super) bytes_per_second: f64,
    /// The sender had too little to fill the path, which may well take more.
    pub(super) app_limited: bool,
}

/// Counts what is acknowledged.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    delivered: u64,
    /// When that was last counted, and when the message with it had gone out; `None` before there was any.
    last: Option<(Instant, Instant)>,
    /// Until so many bytes are acknowledged, what is seen is the rate of a sender with too little to send.
    app_limited_until: u64,
}

impl Delivery {
    /// Bytes acknowledged so far.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Whether what is seen now is the rate of a sender with too little to send.
    pub(super) fn is_app_limited(&self) -> bool {
        self.delivered < self.app_limited_until
    }

    /// A message goes out, with so many bytes in flight before it.
    pub(super) fn depart(&mut self, now: Instant, in_flight: usize) -> Departure {
        if in_flight == 0 {
            self.last = None;
        }
        let (delivered_at, previous_at) = *self.last.get_or_insert((now, now));
        Departure { at: now, delivered: self.delivered, delivered_at, previous_at, app_limited: self.is_app_limited() }
    }

    /// The sender let a moment pass in which it could have sent.
    pub(super) fn on_app_limited(&mut self, in_flight: usize) {
        self.app_limited_until = self.delivered + (in_flight as u64).max(1);
    }

    /// A message is acknowledged. Returns the rate that this shows; none over less time than `min_rtt`, in which nothing
    /// can have been there and back.
    pub(super) fn arrive(
        &mut self,
        now: Instant,
        bytes: usize,
        departure: &Departure,
        min_rtt: Option<Duration>,
    ) -> Option<RateSample> {
        self.delivered += bytes as u64;
        self.last = Some((now, departure.at));
        let sending = departure.at.saturating_duration_since(departure.previous_at);
        let answering = now.saturating_duration_since(departure.delivered_at);
        let time = sending.max(answering);
        if time.is_zero() || min_rtt.is_none_or(|min_rtt| time < min_rtt) {
            return None;
        }
        let bytes_per_second = self.delivered.saturating_sub(departure.delivered) as f64 / time.as_secs_f64();
        Some(RateSample { bytes_per_second, app_limited: departure.app_limited })
    }
}

impl Departure {
    /// Bytes acknowledged when it went out.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }
}

/// The largest rate of the rounds of late: those that may yet be it, each younger and smaller than the one before, and
/// no more than one a round.
#[derive(Debug, Default)]
pub(super) struct MaxFilter(VecDeque<(u64, f64)>);

impl MaxFilter {
    /// The largest rate, in bytes a second; 0 before there is any.
    pub(super) fn get(&self) -> f64 {
        self.0.front().map_or(0.0, |(_, rate)| *rate)
    }

    /// Takes in a rate of a round; those of more than `window` rounds before are forgotten.
    pub(super) fn take(&mut self, round: u64, rate: f64, window: u64) {
        while self.0.pop_back_if(|(_, last)| *last <= rate).is_some() {}
        if self.0.back().is_none_or(|(last, _)| *last != round) {
            self.0.push_back((round, rate));
        }
        while self.0.pop_front_if(|(first, _)| round - *first > window).is_some() {}
    }

    /// Forgets all, and begins anew with a rate.
    pub(super) fn reset(&mut self, round: u64, rate: f64) {
        self.0.clear();
        self.0.push_back((round, rate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn acknowledgements_that_come_in_a_clump_promise_no_more_than_was_sent() {
        let start = Instant::now();
        let mut delivery = Delivery::default();
        // One message of 1,000 bytes a millisecond, all acknowledged at once after 20 ms.
        let departures: Vec<_> =
            (0..20).map(|number| delivery.depart(start + MS * number, 1000 * number as usize)).collect();
        let mut largest = 0.0_f64;
        for departure in &departures {
            let sample = delivery.arrive(start + MS * 20, 1000, departure, Some(10 * MS)).expect("it took 20 ms");
            largest = largest.max(sample.bytes_per_second);
        }
        assert!((900_000.0..=1_000_000.0).contains(&largest), "{largest}");
    }

    #[test]
    fn less_than_a_round_trip_says_nothing_and_a_pause_is_not_the_paths() {
        let start = Instant::now();
        let mut delivery = Delivery::default();
        let departure = delivery.depart(start, 0);
        assert!(delivery.arrive(start + 5 * MS, 1000, &departure, Some(10 * MS)).is_none());
        assert!(delivery.arrive(start + 5 * MS, 1000, &departure, None).is_none());
        delivery.on_app_limited(0);
        let departure = delivery.depart(start + 50 * MS, 0);
        let sample = delivery.arrive(start + 60 * MS, 1000, &departure, Some(10 * MS)).unwrap();
        assert!(sample.app_limited && sample.bytes_per_second <= 100_000.0, "{sample:?}");
        let departure = delivery.depart(start + 61 * MS, 0);
        assert!(!delivery.arrive(start + 71 * MS, 1000, &departure, Some(10 * MS)).unwrap().app_limited);
    }

    #[test]
    fn the_largest_rate_of_late_counts() {
        let mut filter = MaxFilter::default();
        let rates = [5.0, 9.0, 7.0, 6.0, 6.0, 3.0, 3.0, 3.0, 3.0, 3.0];
        let seen = rates.iter().zip(0..).map(|(rate, round)| {
            filter.take(round, *rate, 4);
            filter.get()
        });
        assert_eq!(seen.collect::<Vec<_>>(), [5.0, 9.0, 9.0, 9.0, 9.0, 9.0, 7.0, 6.0, 6.0, 3.0]);
        filter.reset(10, 1.0);
        assert!((filter.get() - 1.0).abs() < 1e-9);
    }
}
