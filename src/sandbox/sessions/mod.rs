//! All sessions of the account, those that run and those of its history.

pub(crate) mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::random;
use session::{NewSession, Phase, Session};

/// Sessions that may run at a time.
const MOST_RUNNING: usize = 1_000;

/// Sessions that are kept, running or not; the oldest that is over makes room.
const MOST_KEPT: usize = 10_000;

/// The sessions of the account.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    started: u64,
    by_number: BTreeMap<u64, Arc<Session>>,
}

impl Sessions {
    /// Adds a session with an id that begins with the user's name; `None` when too many are running.
    pub(crate) fn start(&self, user: &str, new: impl FnOnce(u64) -> NewSession) -> Option<Arc<Session>> {
        let mut inner = self.lock();
        if inner.by_number.values().filter(|session| session.phase() != Phase::Over).count() >= MOST_RUNNING {
            return None;
        }
        if inner.by_number.len() >= MOST_KEPT
            && let Some(oldest) = inner.by_number.values().find(|session| session.phase() == Phase::Over)
        {
            let oldest = oldest.number;
            inner.by_number.remove(&oldest);
        }
        inner.started += 1;
        let number = inner.started;
        let id = format!("{user}-{}", random::base32::<17>());
        let session = Arc::new(Session::new(id, number, new(number)));
        inner.by_number.insert(number, Arc::clone(&session));
        Some(session)
    }

    /// The session of a region with an id.
    pub(crate) fn find(&self, region: &str, id: &str) -> Option<Arc<Session>> {
        self.lock().by_number.values().find(|session| session.id == id && session.region == region).cloned()
    }

    /// The session with an id, wherever it is.
    pub(crate) fn find_anywhere(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().by_number.values().find(|session| session.id == id).cloned()
    }

    /// All sessions, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<Arc<Session>> {
        self.lock().by_number.values().rev().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::faults::Faults;
    use crate::sandbox::fleet::Fleet;
    use crate::sandbox::link::Lane;

    fn start(sessions: &Sessions) -> Option<Arc<Session>> {
        sessions.start("me", |_| NewSession {
            region: "us-east-1".to_owned(),
            instance: Arc::clone(Fleet::builtin("us-east-1").iter().next().unwrap()),
            document: String::new(),
            reason: None,
            owner: String::new(),
            to_agent: Lane::new(Faults::default(), 0),
            to_client: Lane::new(Faults::default(), 0),
        })
    }

    #[test]
    fn finds_by_id_and_region() {
        let sessions = Sessions::default();
        let (first, second) = (start(&sessions).unwrap(), start(&sessions).unwrap());
        assert!(first.id.starts_with("me-") && first.id.len() == 20);
        assert_eq!(sessions.find("us-east-1", &first.id).unwrap().number, 1);
        assert!(sessions.find("eu-west-1", &first.id).is_none());
        assert!(sessions.find_anywhere(&second.id).is_some());
        assert_eq!(sessions.newest_first()[0].id, second.id);
    }

    #[test]
    fn refuses_too_many_at_a_time() {
        let sessions = Sessions::default();
        let all: Vec<_> = (0..MOST_RUNNING).map(|_| start(&sessions).unwrap()).collect();
        assert!(start(&sessions).is_none());
        all[0].over();
        assert!(start(&sessions).is_some());
    }

    #[test]
    fn the_oldest_that_is_over_is_forgotten() {
        let sessions = Sessions::default();
        let running = start(&sessions).unwrap();
        for _ in 0..MOST_KEPT {
            start(&sessions).unwrap().over();
        }
        let kept = sessions.newest_first();
        assert_eq!(kept.len(), MOST_KEPT);
        assert_eq!(kept.last().unwrap().id, running.id);
        assert_eq!(kept[kept.len() - 2].number, 3);
    }
}
