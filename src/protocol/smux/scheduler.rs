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
mod tests {
    use super::*;

    const BULK: [StreamId; 2] = [StreamId(3), StreamId(5)];
    const KEYS: StreamId = StreamId(7);

    /// Sends `count` frames of at most `frame` bytes, and says which streams they were of.
    fn send(scheduler: &mut Scheduler, count: usize, frame: usize) -> Vec<u32> {
        let mut order = Vec::new();
        for _ in 0..count {
            let (id, credit) = scheduler.next().unwrap();
            scheduler.sent(id, credit.min(frame));
            order.push(id.0);
        }
        order
    }

    #[test]
    fn turns_are_even_also_when_frames_are_cut() {
        let mut scheduler = Scheduler::new(100);
        BULK.iter().for_each(|&id| scheduler.wake(id));
        assert_eq!(send(&mut scheduler, 4, 100), [3, 5, 3, 5]);
        assert_eq!(send(&mut scheduler, 8, 60), [3, 3, 5, 5, 3, 3, 5, 5]);
    }

    #[test]
    fn what_begins_goes_first_but_once_a_round() {
        let mut scheduler = Scheduler::new(100);
        BULK.iter().for_each(|&id| scheduler.wake(id));
        assert_eq!(send(&mut scheduler, 3, 100), [3, 5, 3]);

        scheduler.wake(KEYS);
        assert_eq!(scheduler.next(), Some((KEYS, 100)));
        scheduler.sent(KEYS, 1);
        scheduler.idle();
        scheduler.wake(KEYS);
        assert_eq!(send(&mut scheduler, 1, 100), [5], "it may not pass twice in a round");
        assert_eq!(scheduler.next(), Some((KEYS, 99)));
    }

    #[test]
    fn new_streams_without_end_do_not_starve_the_others() {
        let mut scheduler = Scheduler::new(100);
        BULK.iter().for_each(|&id| scheduler.wake(id));
        send(&mut scheduler, 3, 100);
        let (mut new, mut old) = (0, 0);
        for id in (9..2_009).map(StreamId) {
            scheduler.wake(id);
            let mut waiting = true;
            while waiting {
                let (next, credit) = scheduler.next().unwrap();
                if BULK.contains(&next) {
                    scheduler.sent(next, credit);
                    old += credit;
                } else if next == id {
                    scheduler.sent(next, 60);
                    new += 60;
                    waiting = false;
                } else {
                    scheduler.idle();
                }
            }
            scheduler.forget(id);
        }
        assert_eq!(scheduler.len(), BULK.len());
        assert!(old * (AHEAD + 1) > new, "{old} against {new} bytes");
    }

    #[test]
    fn idle_streams_are_forgotten() {
        let mut scheduler = Scheduler::new(100);
        BULK.iter().for_each(|&id| scheduler.wake(id));
        while scheduler.next().is_some() {
            scheduler.idle();
        }
        assert_eq!(scheduler.len(), 0);
    }
}
