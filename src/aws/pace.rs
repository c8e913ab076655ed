//! [`Pace`]: how many requests for lists are under way at a time, which is as many as the services take.
//!
//! How many that is differs by account, region and what else asks there, and Systems Manager does not document it. So
//! the number grows while requests are answered, and is halved when the service says that there are too many. All lists
//! of a run share one pace.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use super::error::{Error, ErrorKind};
use crate::backoff::Backoff;

/// How many requests for lists are under way at a time. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    pub(super) ec2: Arc<Limit>,
    pub(super) ssm: Arc<Limit>,
}

/// That of one service.
#[derive(Debug)]
pub(super) struct Limit {
    /// The turns that nobody has.
    free: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How many requests may be under way, 1 to [`MOST`]; grows by parts.
    most: f64,
    /// How many turns there are, free or not. More than `most` only until those come back that were under way when it
    /// was halved.
    turns: usize,
    /// How many were too many when that was last so.
    too_many: f64,
    /// How often it was halved.
    halvings: u64,
}

/// Stands for one request that is under way.
struct Turn<'a> {
    limit: &'a Limit,
    permit: Option<SemaphorePermit<'a>>,
    /// How often the limit had been halved when this began.
    halvings: u64,
}

impl Default for Limit {
    fn default() -> Self {
        let state = State { most: FIRST as f64, turns: FIRST, too_many: MOST as f64, halvings: 0 };
        Self { free: Semaphore::new(FIRST), state: Mutex::new(state) }
    }
}

impl Limit {
    /// Makes a request when it has its turn, and makes it again while there are too many, after pauses that grow from a
    /// tenth of `backoff` to 50 times that, for about half a minute. Giving up earlier would lose what a list has already.
    /// A request that waits in a pause keeps its turn, which slows all of them down.
    ///
    /// # Errors
    ///
    /// Those of the request.
    pub(super) async fn patiently<T, F>(&self, backoff: Duration, ask: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pauses = Backoff::new(backoff / 10, backoff * 5);
        for _ in 0..ROUNDS {
            let turn = self.turn().await;
            match ask().await {
                Ok(answer) => {
                    turn.was_answered();
                    return Ok(answer);
                }
                Err(err) if err.kind() == ErrorKind::Throttled => {
                    turn.was_too_much();
                    let pause = pauses.next_jittered(random());
                    tracing::debug!(error = %err, ?pause, "too many requests");
                    sleep(pause).await;
                }
                Err(err) => return Err(err),
            }
        }
        let _turn = self.turn().await;
        ask().await
    }

    async fn turn(&self) -> Turn<'_> {
        // It is never closed.
        let permit = self.free.acquire().await.ok();
        Turn { limit: self, permit, halvings: self.state().halvings }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    fn was_answered(&self) {
        let mut state = self.limit.state();
        // Doubles from one round trip to the next up to what was too many the last time, which may have been for the
        // moment only; feels its way from there on.
        let step = if state.most < state.too_many { 1.0 } else { 0.125 };
        state.most = (state.most + step).min(MOST as f64);
        let more = state.allowed().saturating_sub(state.turns);
        state.turns += more;
        self.limit.free.add_permits(more);
    }

    /// Of the requests that were under way together, the first one that was too much halves their number; the others say
    /// the same of the same moment.
    fn was_too_much(&self) {
        let mut state = self.limit.state();
        if state.halvings != self.halvings {
            return;
        }
        state.halvings += 1;
        state.too_many = state.most;
        state.most = (state.most / 2.0).max(1.0);
        let surplus = state.turns.saturating_sub(state.allowed());
        state.turns -= self.limit.free.forget_permits(surplus);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.limit.state();
        if state.turns > state.allowed() {
            state.turns -= 1;
            self.permit.take().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

impl State {
    fn allowed(&self) -> usize {
        self.most as usize
    }
}

fn random() -> u16 {
    let mut bytes = [0; 2];
    // Without randomness the pauses are the shortest.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u16::from_ne_bytes(bytes)
}

/// Requests under way at first.
const FIRST: usize = 8;

/// Requests under way at most, each of which needs a connection. At a round trip of 100 ms, these are 320 requests a
/// second, for 16,000 instances.
pub(crate) const MOST: usize = 32;

/// How often a request is made again that was one too many. The pauses between are half a minute together.
const ROUNDS: u32 = 13;

#[cfg(test)]
mod tests;
