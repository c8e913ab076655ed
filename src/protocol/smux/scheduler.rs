//! Whose turn it is to send.
//!
//! Deficit round robin with the list for new flows of RFC 8290: a stream that begins to send goes ahead of those
//! that have been sending, until it has sent one quantum or all it has; then it takes its turn among the others. So
//! a keystroke passes bulk data, and a stream cannot keep ahead by sending little and often. Nor can ever more new
//! streams silence the others: after [`AHEAD`] quanta one of those has its turn.

use std::collections::{BTreeMap, VecDeque};

use super::{HEADER_LEN, StreamId};

/// What new streams may send together, in quanta, while an old one waits.
const AHEAD: usize = 16;

#[derive(Debug)]
pub(super) struct Scheduler {
    quantum: usize,
    new: VecDeque<StreamId>,
    old: VecDeque<StreamId>,
    /// What each listed stream may still send in its turn.
    credit: BTreeMap<StreamId, usize>,
    /// Bytes that new streams sent since the last turn of an old one.
    ahead: usize,
}

impl Scheduler {
    /// `quantum` is what a stream may send in one turn, at least one byte.
    pub(super) fn new(quantum: usize) -> Self {
        Self { quantum, new: VecDeque::new(), old: VecDeque::new(), credit: BTreeMap::new(), ahead: 0 }
    }

    /// The stream has data to send.
    pub(super) fn wake(&mut self, id: StreamId) {
        self.credit.entry(id).or_insert_with(|| {
            self.new.push_back(id);
            self.quantum
        });
    }

    /// The stream whose turn it is, and how many bytes it may send.
    pub(super) fn next(&mut self) -> Option<(StreamId, usize)> {
        loop {
            let new = self.new_goes();
            let list = if new { &mut self.new } else { &mut self.old };
            let id = *list.front()?;
            let credit = self.credit.entry(id).or_default();
            if *credit > 0 {
                return Some((id, *credit));
            }
            *credit = self.quantum;
            list.pop_front();
            self.old.push_back(id);
            if !new {
                self.ahead = 0;
            }
        }
    }

    /// The stream of the last [`Scheduler::next`] sent so many bytes, no more than it may.
    pub(super) fn sent(&mut self, id: StreamId, bytes: usize) {
        if self.new_goes() {
            self.ahead += HEADER_LEN + bytes;
        }
        if let Some(credit) = self.credit.get_mut(&id) {
            *credit = credit.saturating_sub(bytes);
        }
    }

    /// The stream of the last [`Scheduler::next`] has nothing to send. A new one goes through the list of the old
    /// ones once before it can be new again.
    pub(super) fn idle(&mut self) {
        if self.new_goes() {
            self.old.extend(self.new.pop_front());
        } else if let Some(id) = self.old.pop_front() {
            self.credit.remove(&id);
            if self.old.is_empty() {
                self.ahead = 0;
            }
        }
    }

    /// The stream is over.
    pub(super) fn forget(&mut self, id: StreamId) {
        if self.credit.remove(&id).is_some() {
            self.new.retain(|&other| other != id);
            self.old.retain(|&other| other != id);
        }
    }

    /// Streams that have data or had some in this round.
    pub(super) fn len(&self) -> usize {
        self.credit.len()
    }

    fn new_goes(&self) -> bool {
        !self.new.is_empty() && (self.old.is_empty() || self.ahead < AHEAD * self.quantum)
    }
}

#[cfg(test)]
mod tests;
