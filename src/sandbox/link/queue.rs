//! The frames that wait in a lane: bounded, in the order in which they leave, and the place where faults happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::sandbox::faults::Faults;
use crate::sandbox::random::Rng;

/// A queue takes frames in as long as it holds less than so many bytes …
pub(crate) const MOST_BYTES: usize = 16 * 1024 * 1024;

/// … and fewer than so many frames.
pub(crate) const MOST_FRAMES: usize = 20_000;

/// How long a reordered frame is held back: long beside a loopback round trip, short beside a person's patience.
const REORDER_HOLD: Duration = Duration::from_millis(30);

/// Frames, and what becomes of them.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: BinaryHeap<Reverse<Entry>>,
    /// Of the frames that wait, and of those that were taken and not yet released.
    bytes: usize,
    frames: usize,
    pushed: u64,
    released: u64,
    faults: Faults,
    rng: Rng,
    made: Instant,
}

/// A frame, in the order in which frames leave: by the instant they are due, then as they came.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    due: Instant,
    order: u64,
    pub(crate) frame: Bytes,
}

impl Queue {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        let rng = Rng::new(seed);
        let made = Instant::now();
        Self { waiting: BinaryHeap::new(), bytes: 0, frames: 0, pushed: 0, released: 0, faults, rng, made }
    }

    /// Takes a frame in, unless a fault loses it.
    pub(crate) fn push(&mut self, now: Instant, frame: Bytes) {
        let Faults { drop, duplicate, reorder, delay, silence } = self.faults;
        // All are drawn each time, so that one rate does not shift what another one hits.
        let (drop, duplicate) = (self.rng.chance(drop), self.rng.chance(duplicate));
        let hold = if self.rng.chance(reorder) { REORDER_HOLD } else { Duration::ZERO };
        if drop || silence.is_some_and(|silence| silence.covers(now.saturating_duration_since(self.made))) {
            return;
        }
        if duplicate {
            self.push_at(now + delay, frame.clone());
        }
        self.push_at(now + delay + hold, frame);
    }

    /// Takes a frame in that is due at an instant, whatever the faults and the bounds.
    pub(crate) fn push_at(&mut self, due: Instant, frame: Bytes) {
        self.pushed += 1;
        self.frames += 1;
        self.bytes += frame.len();
        self.waiting.push(Reverse(Entry { due, order: self.pushed, frame }));
    }

    /// Takes the first frame out if it is due; otherwise returns when it will be. It counts until it is released.
    pub(crate) fn take(&mut self, now: Instant) -> Result<Entry, Option<Instant>> {
        let Reverse(first) = self.waiting.peek().ok_or(None)?;
        if first.due > now {
            return Err(Some(first.due));
        }
        self.waiting.pop().map(|Reverse(entry)| entry).ok_or(None)
    }

    /// Puts a frame that was taken back to its place.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.waiting.push(Reverse(entry));
    }

    /// Forgets a frame that was taken.
    pub(crate) fn release(&mut self, entry: &Entry) {
        self.bytes -= entry.frame.len();
        self.frames -= 1;
        self.released += 1;
    }

    /// Throws away what is waiting.
    pub(crate) fn clear(&mut self) {
        for Reverse(entry) in std::mem::take(&mut self.waiting) {
            self.bytes -= entry.frame.len();
            self.frames -= 1;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES || self.frames >= MOST_FRAMES
    }

    /// How many frames have left.
    pub(crate) fn released(&self) -> u64 {
        self.released
    }
}

#[cfg(test)]
mod tests;
