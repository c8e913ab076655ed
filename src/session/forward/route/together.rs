//! The sessions of a route as one: what happens to several of them at once is told once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::channel::ConnectionEvent;
use crate::session::forward::observer::{TunnelEvent, TunnelObserver};
use crate::session::observer::Observer;

/// A lost connection counts as one for so long: a session that cannot be resumed is not to keep connections waiting for
/// ever.
const CUT_LASTS: Duration = Duration::from_mins(1);

/// What is lost with several sessions within this time is told once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Hears all sessions of a route, and passes on what a person should know.
pub(super) struct Together<V> {
    pub(super) observer: Arc<V>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    numbers: u64,
    sessions: BTreeMap<u64, Health>,
    /// The longest outage of those that are back, while others are not.
    restored: Option<Duration>,
    /// The same for agents that are heard again.
    heard: Option<Duration>,
    /// What was last told about waiting for a connection.
    waiting: Option<String>,
    lost_at: Option<Instant>,
    /// Connections that were reset at the end, and whether something was lost with them.
    unfinished: Option<(usize, bool)>,
}

#[derive(Default)]
struct Health {
    /// New connections go over it.
    in_use: bool,
    cut_at: Option<Instant>,
    silent: bool,
}

impl State {
    fn is_cut(&self) -> bool {
        self.sessions.values().any(|health| health.cut_at.is_some())
    }

    fn is_silent(&self) -> bool {
        self.sessions.values().any(|health| health.silent)
    }

    /// One is back, or gone: what is to be told when it was the last one.
    fn settled(&mut self) -> [Option<ConnectionEvent>; 2] {
        let restored = if self.is_cut() { None } else { self.restored.take() };
        let heard = if self.is_silent() { None } else { self.heard.take() };
        [restored.map(ConnectionEvent::Restored), heard.map(ConnectionEvent::AgentHeard)]
    }
}

impl<V: TunnelObserver> Together<V> {
    pub(super) fn new(observer: Arc<V>) -> Arc<Self> {
        Arc::new(Self { observer, state: Mutex::default() })
    }

    /// An ear for one more session.
    pub(super) fn ear(self: &Arc<Self>) -> Arc<Ear<V>> {
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        state.sessions.insert(number, Health::default());
        drop(state);
        Arc::new(Ear { together: Arc::clone(self), number })
    }

    /// Whether all sessions in use have lost the connection to the service.
    pub(super) fn is_cut(&self) -> bool {
        let state = self.state();
        let mut used = state.sessions.values().filter(|health| health.in_use).peekable();
        used.peek().is_some() && used.all(Health::is_cut)
    }

    /// What open connections were reset at the end, if any were, and whether something was lost.
    pub(super) fn unfinished(&self) -> Option<(usize, bool)> {
        self.state().unfinished.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock was reported; what the state says is still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be passed on of an event of one session.
    fn heard(&self, number: u64, event: &ConnectionEvent) -> [Option<ConnectionEvent>; 2] {
        let mut state = self.state();
        let state = &mut *state;
        let (was_cut, was_silent) = (state.is_cut(), state.is_silent());
        let Some(health) = state.sessions.get_mut(&number) else { return [None, None] };
        match event {
            ConnectionEvent::Lost(_) => {
                health.cut_at = Some(Instant::now());
                state.waiting = None;
                [Some(event.clone()).filter(|_| !was_cut), None]
            }
            ConnectionEvent::Waiting(reason) => {
                health.cut_at.get_or_insert_with(Instant::now);
                let is_new = state.waiting.as_ref() != Some(reason);
                state.waiting = Some(reason.clone());
                [Some(event.clone()).filter(|_| is_new), None]
            }
            ConnectionEvent::Restored(after) => {
                health.cut_at = None;
                state.restored = state.restored.max(Some(*after));
                state.settled()
            }
            ConnectionEvent::AgentSilent(_) => {
                health.silent = true;
                [Some(event.clone()).filter(|_| !was_silent), None]
            }
            ConnectionEvent::AgentHeard(after) => {
                health.silent = false;
                state.heard = state.heard.max(Some(*after));
                state.settled()
            }
        }
    }
}

impl Health {
    fn is_cut(&self) -> bool {
        self.cut_at.is_some_and(|at| at.elapsed() < CUT_LASTS)
    }
}

/// Hears one session.
pub(super) struct Ear<V: TunnelObserver> {
    together: Arc<Together<V>>,
    number: u64,
}

impl<V: TunnelObserver> Ear<V> {
    /// Says whether new connections go over the session.
    pub(super) fn in_use(&self, in_use: bool) {
        if let Some(health) = self.together.state().sessions.get_mut(&self.number) {
            health.in_use = in_use;
        }
    }

    /// Whether the session has lost the connection to the service.
    pub(super) fn is_cut(&self) -> bool {
        self.together.state().sessions.get(&self.number).is_some_and(Health::is_cut)
    }
}

impl<V: TunnelObserver> Observer for Ear<V> {
    fn connection(&self, event: &ConnectionEvent) {
        for event in self.together.heard(self.number, event).into_iter().flatten() {
            self.together.observer.connection(&event);
        }
    }

    fn agent_message(&self, text: &str) {
        self.together.observer.agent_message(text);
    }
}

impl<V: TunnelObserver> TunnelObserver for Ear<V> {
    fn tunnel(&self, event: &TunnelEvent) {
        let mut state = self.together.state();
        match event {
            // The route tells it for all of them.
            TunnelEvent::Finishing(_) => return,
            TunnelEvent::Unfinished { open, lost } => {
                let (all, any) = state.unfinished.unwrap_or_default();
                state.unfinished = Some((all + open, any || *lost));
                return;
            }
            TunnelEvent::Lost(_) => {
                if state.lost_at.is_some_and(|at| at.elapsed() < AT_ONCE) {
                    return;
                }
                state.lost_at = Some(Instant::now());
            }
            _ => {}
        }
        drop(state);
        self.together.observer.tunnel(event);
    }
}

impl<V: TunnelObserver> Drop for Ear<V> {
    fn drop(&mut self) {
        let events = {
            let mut state = self.together.state();
            state.sessions.remove(&self.number);
            state.settled()
        };
        for event in events.into_iter().flatten() {
            self.together.observer.connection(&event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::forward::testing::Heard;

    #[tokio::test]
    async fn several_that_are_cut_at_once_are_told_once() {
        let heard = Arc::new(Heard::default());
        let together = Together::new(Arc::clone(&heard));
        let ears = [together.ear(), together.ear(), together.ear()];
        let lost = ConnectionEvent::Lost("cut".to_owned());
        let restored = |seconds| ConnectionEvent::Restored(Duration::from_secs(seconds));
        ears.iter().for_each(|ear| ear.in_use(true));
        ears[0].connection(&lost);
        ears[1].connection(&lost);
        assert!(ears[0].is_cut() && !ears[2].is_cut() && !together.is_cut());
        ears[2].connection(&lost);
        assert!(together.is_cut());
        ears[0].connection(&ConnectionEvent::Waiting("no network".to_owned()));
        ears[1].connection(&ConnectionEvent::Waiting("no network".to_owned()));
        ears[0].connection(&restored(7));
        ears[1].connection(&restored(5));
        assert!(!together.is_cut());
        let [_, _, last] = ears;
        // It is given up.
        drop(last);
        assert_eq!(heard.all(), ["Lost(\"cut\")", "Waiting(\"no network\")", "Restored(7s)"]);
    }

    #[tokio::test]
    async fn an_agent_that_is_silent_or_heard_is_no_cut() {
        let together = Together::new(Arc::new(Heard::default()));
        let ear = together.ear();
        ear.in_use(true);
        let cut = |event: ConnectionEvent| {
            ear.connection(&event);
            together.is_cut()
        };
        assert!(cut(ConnectionEvent::Lost("cut".to_owned())));
        assert!(cut(ConnectionEvent::AgentSilent(Duration::from_secs(5))));
        assert!(!cut(ConnectionEvent::Restored(Duration::from_secs(1))));
        assert!(!cut(ConnectionEvent::AgentSilent(Duration::from_secs(5))));
        assert!(!cut(ConnectionEvent::AgentHeard(Duration::from_secs(9))));
    }
}
