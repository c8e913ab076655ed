//! How fast bytes are delivered: what acknowledgements say about the rate that the path takes.
//!
//! Each message remembers how much was acknowledged when it went out. When it is acknowledged itself, what was
//! acknowledged in between, over the time that this took, is the rate of about one round trip. The time is the longer one
//! of those between the departures and between the acknowledgements: acknowledgements that come in a clump would otherwise
//! promise more than was ever sent (draft-ietf-ccwg-bbr, "Delivery Rate Samples").

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
        let bytes_per_second = (self.delivered - departure.delivered) as f64 / time.as_secs_f64();
        Some(RateSample { bytes_per_second, app_limited: departure.app_limited })
    }
}

impl Departure {
    /// Bytes acknowledged when it went out.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }
}

/// The largest rate of the rounds of late. It keeps three candidates, each younger and smaller than the one before, as
/// Kathleen Nichols' filter does.
#[derive(Debug, Default)]
pub(super) struct MaxFilter([(u64, f64); 3]);

impl MaxFilter {
    /// The largest rate, in bytes a second; 0 before there is any.
    pub(super) fn get(&self) -> f64 {
        self.0[0].1
    }

    /// Takes in a rate of a round; those of more than `window` rounds before are forgotten.
    pub(super) fn take(&mut self, round: u64, rate: f64, window: u64) {
        let [first, second, third] = &mut self.0;
        let new = (round, rate);
        if rate >= first.1 || round - third.0 > window {
            self.0 = [new; 3];
            return;
        }
        if rate >= second.1 {
            (*second, *third) = (new, new);
        } else if rate >= third.1 {
            *third = new;
        }
        let age = round - first.0;
        if age > window {
            self.0 = [self.0[1], self.0[2], new];
            if round - self.0[0].0 > window {
                self.0 = [self.0[1], self.0[2], new];
            }
        } else if self.0[1].0 == self.0[0].0 && age > window / 4 {
            (self.0[1], self.0[2]) = (new, new);
        } else if self.0[2].0 == self.0[1].0 && age > window / 2 {
            self.0[2] = new;
        }
    }

    /// Forgets all, and begins anew with a rate.
    pub(super) fn reset(&mut self, round: u64, rate: f64) {
        self.0 = [(round, rate); 3];
    }
}
