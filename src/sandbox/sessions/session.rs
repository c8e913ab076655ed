//! One session, as the service knows it: its token, its state, the two lanes between its client and its agent.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::sandbox::agent::contract::Outcome;
use crate::sandbox::fleet::Instance;
use crate::sandbox::link::Lane;
use crate::sandbox::random;

/// Most of an agent's output that is kept and shown to the client, in bytes.
const MOST_OUTPUT: usize = 8 * 1024;

/// A session of the account, while it runs and in its history.
pub(crate) struct Session {
    pub(crate) id: String,
    /// Its place among all sessions, counted from 1.
    pub(crate) number: u64,
    pub(crate) region: String,
    pub(crate) instance: Arc<Instance>,
    pub(crate) document: String,
    pub(crate) reason: Option<String>,
    pub(crate) owner: String,
    pub(crate) started: SystemTime,
    pub(crate) to_agent: Arc<Lane>,
    pub(crate) to_client: Arc<Lane>,
    state: Mutex<State>,
    phase: watch::Sender<Phase>,
    /// The connection that is the client's now; older ones leave.
    connection: watch::Sender<u64>,
    cuts: AtomicU64,
}

struct State {
    token: Zeroizing<String>,
    client: Client,
    output: String,
    success: bool,
    /// A client that is away does not come back for what is waiting for it.
    given_up: bool,
    ended: Option<SystemTime>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Awaited,
    Present,
    Away,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    /// The client has asked for its end.
    Terminating,
    /// The agent is done; the client may still fetch what is waiting for it.
    Closing,
    Over,
}

/// What a new session is made of.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) region: String,
    pub(crate) instance: Arc<Instance>,
    pub(crate) document: String,
    pub(crate) reason: Option<String>,
    pub(crate) owner: String,
    pub(crate) to_agent: Arc<Lane>,
    pub(crate) to_client: Arc<Lane>,
}

impl Session {
    pub(crate) fn new(id: String, number: u64, new: NewSession) -> Self {
        let NewSession { region, instance, document, reason, owner, to_agent, to_client } = new;
        let state = State {
            token: new_token(),
            client: Client::Awaited,
            output: String::new(),
            success: true,
            given_up: false,
            ended: None,
        };
        Self {
            id,
            number,
            region,
            instance,
            document,
            reason,
            owner,
            started: SystemTime::now(),
            to_agent,
            to_client,
            state: Mutex::new(state),
            phase: watch::Sender::new(Phase::Running),
            connection: watch::Sender::new(0),
            cuts: AtomicU64::new(0),
        }
    }

    /// The token that opens the session.
    pub(crate) fn token(&self) -> Zeroizing<String> {
        self.lock().token.clone()
    }

    /// A new token, which replaces the older one; `None` when the session is over.
    pub(crate) fn renew_token(&self) -> Option<Zeroizing<String>> {
        if self.phase() == Phase::Over {
            return None;
        }
        let token = new_token();
        self.lock().token.clone_from(&token);
        Some(token)
    }

    /// Whether a token is the newest one, in constant time.
    pub(crate) fn opens_with(&self, token: &str) -> bool {
        verify_slices_are_equal(self.lock().token.as_bytes(), token.as_bytes()).is_ok()
    }

    /// Makes a connection the client's; an older one has to leave.
    pub(crate) fn attach(self: &Arc<Self>) -> Attachment {
        let mut number = 0;
        self.connection.send_modify(|connection| {
            *connection += 1;
            number = *connection;
        });
        self.lock().client = Client::Present;
        Attachment { session: Arc::clone(self), number }
    }

    /// Changes whenever a client comes or goes, or is given up.
    pub(crate) fn connection(&self) -> watch::Receiver<u64> {
        self.connection.subscribe()
    }

    /// Whether a client has ever come.
    pub(crate) fn was_attached(&self) -> bool {
        self.lock().client != Client::Awaited
    }

    /// Whether a client is there.
    pub(crate) fn is_attached(&self) -> bool {
        self.lock().client == Client::Present
    }

    /// From now on a client that is away is not waited for.
    pub(crate) fn give_up(&self) {
        self.lock().given_up = true;
        self.connection.send_modify(|_| {});
    }

    /// Whether a client that is away is not waited for.
    pub(crate) fn is_given_up(&self) -> bool {
        self.lock().given_up
    }

    /// Asks for the session's end. False if it was ending already.
    pub(crate) fn terminate(&self) -> bool {
        self.give_up();
        self.phase.send_if_modified(|phase| {
            let running = *phase == Phase::Running;
            if running {
                *phase = Phase::Terminating;
            }
            running
        })
    }

    /// The agent is done, or is not waited for: nothing more is taken in, and what is waiting goes out to the client.
    pub(crate) fn close(&self, outcome: Outcome) {
        {
            let mut state = self.lock();
            state.output = outcome.output;
            let cut = (0..=MOST_OUTPUT).rev().find(|&at| state.output.is_char_boundary(at)).unwrap_or(0);
            state.output.truncate(cut);
            state.success = outcome.success;
        }
        self.to_agent.abort();
        self.to_client.close();
        self.phase.send_modify(|phase| *phase = (*phase).max(Phase::Closing));
    }

    /// The client has received the end, or does not come for it.
    pub(crate) fn over(&self) {
        self.lock().ended.get_or_insert_with(SystemTime::now);
        self.to_client.abort();
        self.phase.send_modify(|phase| *phase = Phase::Over);
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until the session has come so far.
    pub(crate) async fn reaches(&self, phase: Phase) {
        // The sender is a field of self: it cannot be gone.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// The agent's output at the end, which the client shows: empty for a normal one.
    pub(crate) fn output(&self) -> String {
        self.lock().output.clone()
    }

    /// When the session was over.
    pub(crate) fn ended(&self) -> Option<SystemTime> {
        self.lock().ended
    }

    /// The status' name in the API.
    pub(crate) fn status(&self) -> &'static str {
        let state = self.lock();
        match (self.phase(), state.client) {
            (Phase::Over, _) if state.success => "Terminated",
            (Phase::Over, _) => "Failed",
            (Phase::Terminating | Phase::Closing, _) => "Terminating",
            (Phase::Running, Client::Awaited) => "Connecting",
            (Phase::Running, Client::Present) => "Connected",
            (Phase::Running, Client::Away) => "Disconnected",
        }
    }

    /// Counts a cut of the client's connection; the number of cuts before it.
    pub(crate) fn count_cut(&self) -> u64 {
        self.cuts.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("status", &self.status()).finish_non_exhaustive()
    }
}

/// A connection's claim to be the client's.
#[derive(Debug)]
pub(crate) struct Attachment {
    session: Arc<Session>,
    number: u64,
}

impl Attachment {
    /// Waits until a newer connection has taken the session over.
    pub(crate) async fn replaced(&self) {
        // The sender is a field of the session: it cannot be gone.
        let _ = self.session.connection.subscribe().wait_for(|now| *now != self.number).await;
    }

    /// Whether no newer connection has taken the session over.
    pub(crate) fn is_current(&self) -> bool {
        *self.session.connection.borrow() == self.number
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let mut state = self.session.lock();
        if self.is_current() {
            state.client = Client::Away;
            drop(state);
            self.session.connection.send_modify(|_| {});
        }
    }
}

fn new_token() -> Zeroizing<String> {
    Zeroizing::new(BASE64_STANDARD.encode(Zeroizing::new(random::secret::<48>()).as_slice()))
}

#[cfg(test)]
mod tests;
