//! Sessions that this process has to end, and the one place that sees them ended before the process goes.
//!
//! A session is this process's from the moment in which it is asked for until the service has ended it. Whoever uses it
//! may be gone long before: an error, a signal, a reader that had enough. What ends it is a task that nobody waits for,
//! and the runtime does not either; so whoever leaves the process waits here ([`end_all`]).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};

use tokio::sync::{Notify, watch};

use crate::records::Kept;

/// Sessions whose end was not confirmed that are remembered at most.
const MOST_LEFT: usize = 32;

/// The sessions of this process by a number of their own.
static OPEN: LazyLock<watch::Sender<Open>> = LazyLock::new(watch::Sender::default);

#[derive(Default)]
struct Open {
    last: u64,
    sessions: BTreeMap<u64, Entry>,
    /// Sessions whose end the service has not confirmed, and that nobody ends any more; the last [`MOST_LEFT`].
    left: VecDeque<String>,
}

struct Entry {
    /// What was asked for a session, and the id of that once it is known.
    target: String,
    session_id: Option<String>,
    stop: Arc<Notify>,
}

/// The duty to end a session, or what was asked for. Dropping it says that it is fulfilled, or cannot be.
#[derive(Debug)]
pub(super) struct Duty {
    number: u64,
    stop: Arc<Notify>,
    record: Option<Kept>,
    fulfilled: bool,
}

impl Duty {
    /// A session on this target is about to be asked for.
    pub(super) fn new(target: &str) -> Self {
        let stop = Arc::<Notify>::default();
        let mut number = 0;
        OPEN.send_modify(|open| {
            open.last += 1;
            number = open.last;
            let entry = Entry { target: target.to_owned(), session_id: None, stop: Arc::clone(&stop) };
            open.sessions.insert(number, entry);
        });
        Self { number, stop, record: None, fulfilled: false }
    }

    /// It is there, under this id, and in the records of this machine if they could be written.
    pub(super) fn started(&mut self, session_id: &str, record: Option<Kept>) {
        self.record = record;
        OPEN.send_modify(|open| {
            if let Some(entry) = open.sessions.get_mut(&self.number) {
                entry.session_id = Some(session_id.to_owned());
            }
        });
    }

    /// Rung when the session is to end.
    pub(super) fn stop(&self) -> Arc<Notify> {
        Arc::clone(&self.stop)
    }

    /// Nothing is left on the service. Where that is not certain, the record stays, so that the session can be found.
    pub(super) fn fulfilled(mut self) {
        self.fulfilled = true;
        if let Some(record) = self.record.take() {
            record.remove();
        }
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        OPEN.send_modify(|open| {
            let session_id = open.sessions.remove(&self.number).and_then(|entry| entry.session_id);
            if let Some(session_id) = session_id.filter(|_| !self.fulfilled) {
                open.left.truncate(MOST_LEFT - 1);
                open.left.push_front(session_id);
            }
        });
    }
}

/// A session that has not ended, as far as is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unended {
    /// The session of this id.
    Session(String),
    /// One that was asked for on this target, without an answer so far.
    Asked(String),
}

/// What has not ended.
pub(crate) fn unended() -> Vec<Unended> {
    let open = OPEN.borrow();
    let all = open.sessions.values().map(|entry| match &entry.session_id {
        Some(id) => Unended::Session(id.clone()),
        None => Unended::Asked(entry.target.clone()),
    });
    open.left.iter().cloned().map(Unended::Session).chain(all).collect()
}

/// Has all sessions of this process end, and waits until they have. It takes as long as the service takes: put a limit
/// on it.
pub(crate) async fn end_all() {
    end_where(|_| true).await;
}

/// The same for the sessions on one target: other tests of this process have sessions too.
#[cfg(test)]
pub(crate) async fn end_all_on(target: &str) {
    end_where(|entry| entry.target == target).await;
}

async fn end_where(ours: impl Fn(&Entry) -> bool) {
    let mut changes = OPEN.subscribe();
    loop {
        {
            let open = changes.borrow_and_update();
            let mut sessions = open.sessions.values().filter(|entry| ours(entry)).peekable();
            if sessions.peek().is_none() {
                return;
            }
            // Also those that were asked for meanwhile.
            sessions.for_each(|entry| entry.stop.notify_one());
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn is_unended(which: &Unended) -> bool {
        unended().contains(which)
    }

    // Other tests of this process have sessions too: only ours are looked at.
    #[tokio::test]
    async fn a_session_is_ours_until_its_end() {
        let mut duty = Duty::new("i-endings");
        let (asked, session) = (Unended::Asked("i-endings".to_owned()), Unended::Session("me-endings".to_owned()));
        assert!(is_unended(&asked));
        duty.started("me-endings", None);
        assert!(is_unended(&session) && !is_unended(&asked));
        assert!(end_all().now_or_never().is_none());
        duty.stop().notified().await;
        duty.fulfilled();
        assert!(!is_unended(&session));
        // One that could not be ended is remembered.
        for number in 0..=MOST_LEFT {
            Duty::new("i-endings").started(&format!("me-left-{number}"), None);
        }
        let left = |number: usize| Unended::Session(format!("me-left-{number}"));
        assert!(is_unended(&left(MOST_LEFT)) && is_unended(&left(1)) && !is_unended(&left(0)));
    }
}
