//! A network in virtual time that does its worst, by seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Randomness that is the same for the same seed (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    /// True in `percent` of all cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What a line does to frames, in percent of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    pub(crate) drop: u64,
    pub(crate) duplicate: u64,
    pub(crate) reorder: u64,
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
}

/// One direction of a network.
#[derive(Debug)]
pub(crate) struct Line {
    faults: Faults,
    in_flight: BTreeMap<(Instant, u64), Bytes>,
    sent: u64,
    /// Without reordering a frame never overtakes the one before it.
    last: Option<Instant>,
}

impl Line {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, in_flight: BTreeMap::new(), sent: 0, last: None }
    }

    pub(crate) fn send(&mut self, now: Instant, frame: Bytes, random: &mut Random) {
        if random.chance(self.faults.drop) {
            return;
        }
        let copies = 1 + u64::from(random.chance(self.faults.duplicate));
        for _ in 0..copies {
            let jitter = self.faults.jitter.as_micros() as u64;
            let mut at = now + self.faults.latency + Duration::from_micros(random.below(jitter + 1));
            if random.chance(self.faults.reorder) {
                at += self.faults.latency * 2 + Duration::from_millis(1);
            } else {
                at = self.last.map_or(at, |last| at.max(last));
                self.last = Some(at);
            }
            self.sent += 1;
            self.in_flight.insert((at, self.sent), frame.clone());
        }
    }

    /// When the next frame arrives.
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn receive(&mut self, now: Instant) -> Option<Bytes> {
        let entry = self.in_flight.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// Everything in flight is lost.
    pub(crate) fn cut(&mut self) {
        self.in_flight.clear();
    }
}
