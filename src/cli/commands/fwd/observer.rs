//! What a tunnel has to say while it is open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::channel::Notice;
use crate::cli::advice;
use crate::cli::target::lookup::Says;
use crate::cli::ui::Ui;
use crate::session::Observer;
use crate::session::forward::{TunnelEvent, TunnelObserver};

/// Refused connections are told one by one as long as they are so far apart; those between are counted.
const REFUSALS_EVERY: Duration = Duration::from_secs(5);

/// Tells the person about one tunnel.
pub(crate) struct Tells {
    says: Says,
    destination: String,
    hushed: AtomicBool,
    refusals: Mutex<Refusals>,
    rejections: Mutex<Refusals>,
}

#[derive(Default)]
struct Refusals {
    told_at: Option<Instant>,
    untold: u64,
}

impl Tells {
    pub(crate) fn new(ui: Ui, destination: String) -> Self {
        let says = Says { ui, name: Some(destination.clone()) };
        Self {
            says,
            destination,
            hushed: AtomicBool::new(false),
            refusals: Mutex::default(),
            rejections: Mutex::default(),
        }
    }

    /// What the tunnel leads to.
    pub(crate) fn destination(&self) -> &str {
        &self.destination
    }

    /// Refused connections are no news while it is tried whether there are others.
    pub(crate) fn hush(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::Relaxed);
    }

    fn refused(&self) {
        if self.hushed.load(Ordering::Relaxed) {
            return;
        }
        if let Some(more) = more(&self.refusals) {
            self.say(format!("the connection to the destination failed{more}; the agent's log says why"));
        }
    }

    fn rejected(&self, reason: &str) {
        if let Some(more) = more(&self.rejections) {
            self.say(format!("refused: {reason}{more}"));
        }
    }

    fn say(&self, text: String) {
        self.says.ui.notice(format!("{}: {text}", self.destination));
    }
}

/// How many were left untold, in words; `None` when this one is left untold too.
fn more(refusals: &Mutex<Refusals>) -> Option<String> {
    let untold = refusals.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now())?;
    Some(if untold > 0 { format!(" (and {untold} times since it was last told)") } else { String::new() })
}

impl Refusals {
    /// How many were left untold, if this one is to be told.
    fn add(&mut self, now: Instant) -> Option<u64> {
        if self.told_at.is_some_and(|at| now.saturating_duration_since(at) < REFUSALS_EVERY) {
            self.untold += 1;
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Observer for Tells {
    fn notice(&self, notice: &Notice) {
        self.says.notice(notice);
    }

    fn message(&self, text: &str) {
        self.says.message(text);
    }
}

impl TunnelObserver for Tells {
    fn tunnel(&self, event: &TunnelEvent) {
        match event {
            TunnelEvent::Refused => self.refused(),
            TunnelEvent::Ended(end) => {
                let why = advice::reason(end).map(|why| format!(" ({why})")).unwrap_or_default();
                self.say(format!("the session has ended{why}; the next connection starts another one"));
            }
            TunnelEvent::Waiting(reason) => self.say(format!("no other session yet: {reason}")),
            TunnelEvent::Replaced(id) => self.say(format!("another session carries on ({id})")),
            TunnelEvent::GaveUp(reason) => self.say(format!("gave up waiting for another session: {reason}")),
            TunnelEvent::NoSession(reason) => self.say(format!("no session: {reason}")),
            TunnelEvent::NoRoom => {
                self.say("refused, as all sessions are in use; `--socks-sessions` allows more".to_owned())
            }
            TunnelEvent::Rejected(reason) => self.rejected(reason),
            TunnelEvent::Accept(error) => self.say(format!("cannot accept connections: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_come_thick_are_counted() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let told: Vec<_> = [0, 1, 4, 5, 6, 20].map(|second| refusals.add(start + Duration::from_secs(second))).into();
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
