//! The frames of one direction of a session: a bounded queue that both ends may leave and come back to.
//!
//! A full lane makes its sender wait, so that backpressure reaches the socket; nothing that was taken in is
//! dropped, other than by a fault that was asked for.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::event::{LinkClosed, LinkEvent};
use super::queue::{Entry, Queue};
use crate::sandbox::faults::Faults;

/// The frames of one direction.
#[derive(Debug)]
pub(crate) struct Lane {
    state: Mutex<State>,
    items: Notify,
    space: Notify,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    reconnected: bool,
    closed: bool,
    last_push: Instant,
}

impl Lane {
    pub(crate) fn new(faults: Faults, seed: u64) -> Arc<Self> {
        let queue = Queue::new(faults, seed);
        let state = State { queue, reconnected: false, closed: false, last_push: Instant::now() };
        Arc::new(Self { state: Mutex::new(state), items: Notify::new(), space: Notify::new() })
    }

    /// Takes a frame in, after waiting for room.
    pub(crate) async fn push(&self, frame: Bytes) -> Result<(), LinkClosed> {
        let mut frame = frame;
        while let Some(back) = self.try_push(frame)? {
            frame = back;
            self.writable().await;
        }
        Ok(())
    }

    /// Takes a frame in, or gives it back when there is no room.
    pub(crate) fn try_push(&self, frame: Bytes) -> Result<Option<Bytes>, LinkClosed> {
        let mut state = self.lock();
        if state.closed {
            return Err(LinkClosed);
        }
        if state.queue.is_full() {
            return Ok(Some(frame));
        }
        let now = Instant::now();
        state.last_push = now;
        state.queue.push(now, frame);
        self.items.notify_one();
        Ok(None)
    }

    /// Puts a frame of the service's own in: never lost, never late, and there is always room for it.
    pub(crate) fn push_own(&self, frame: Bytes) {
        let mut state = self.lock();
        if !state.closed {
            state.queue.push_at(Instant::now(), frame);
            self.items.notify_one();
        }
    }

    /// Waits until there is room, or the lane is closed.
    pub(crate) async fn writable(&self) {
        loop {
            // Made before the look, so that room that comes right after it is not missed.
            let space = self.space.notified();
            if let state = self.lock()
                && (state.closed || !state.queue.is_full())
            {
                return;
            }
            space.await;
        }
    }

    /// The next event; `None` when the lane is closed and empty.
    pub(crate) async fn next(&self) -> Option<LinkEvent> {
        loop {
            let due = {
                let mut state = self.lock();
                if std::mem::take(&mut state.reconnected) {
                    return Some(LinkEvent::Reconnected);
                }
                match state.queue.take(Instant::now()) {
                    Ok(entry) => {
                        state.queue.release(&entry);
                        self.space.notify_waiters();
                        return Some(LinkEvent::Frame(entry.frame));
                    }
                    Err(None) if state.closed => return None,
                    Err(due) => due,
                }
            };
            self.wait(due).await;
        }
    }

    /// As many frames as are due now, at least one and at most `most`; `None` when the lane is closed and empty.
    pub(crate) async fn batch(&self, most: usize) -> Option<Batch<'_>> {
        loop {
            let due = {
                let mut state = self.lock();
                let now = Instant::now();
                let mut entries = Vec::new();
                let due = loop {
                    match state.queue.take(now) {
                        Ok(entry) => entries.push(entry),
                        Err(due) => break due,
                    }
                    if entries.len() == most {
                        break None;
                    }
                };
                if !entries.is_empty() {
                    return Some(Batch { lane: self, entries });
                }
                if state.closed && due.is_none() {
                    return None;
                }
                due
            };
            self.wait(due).await;
        }
    }

    /// Takes nothing more in; what is in it can still be taken out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.items.notify_one();
        self.space.notify_waiters();
    }

    /// Closes, and throws away what is in it.
    pub(crate) fn abort(&self) {
        self.lock().queue.clear();
        self.close();
    }

    /// Loses what is in it, and lets the reader know that its connection was cut.
    pub(crate) fn cut(&self) {
        let mut state = self.lock();
        state.queue.clear();
        state.reconnected = true;
        self.items.notify_one();
        self.space.notify_waiters();
    }

    /// When a frame was last taken in; the lane's own beginning before that.
    pub(crate) fn last_push(&self) -> Instant {
        self.lock().last_push
    }

    /// How many frames have left. Grows as long as the reader makes progress.
    pub(crate) fn taken(&self) -> u64 {
        self.lock().queue.released()
    }

    /// Whether writers have to wait.
    #[cfg(test)]
    pub(crate) fn is_full(&self) -> bool {
        self.lock().queue.is_full()
    }

    async fn wait(&self, due: Option<Instant>) {
        match due {
            Some(due) => tokio::select! {
                () = self.items.notified() => {}
                () = sleep_until(due) => {}
            },
            None => self.items.notified().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Frames on their way into a socket. They return to the lane, at their old places, unless they were [sent](Self::sent).
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    lane: &'a Lane,
    entries: Vec<Entry>,
}

impl Batch<'_> {
    pub(crate) fn frames(&self) -> impl Iterator<Item = Bytes> {
        self.entries.iter().map(|entry| entry.frame.clone())
    }

    pub(crate) fn sent(mut self) {
        let mut state = self.lane.lock();
        for entry in self.entries.drain(..) {
            state.queue.release(&entry);
        }
        self.lane.space.notify_waiters();
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let mut state = self.lane.lock();
        for entry in self.entries.drain(..) {
            state.queue.put_back(entry);
        }
        self.lane.items.notify_one();
    }
}

#[cfg(test)]
mod tests;
