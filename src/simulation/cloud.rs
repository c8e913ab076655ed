//! The service: starts sessions and their agents, hands out tokens, resumes, ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use std::{fmt, io};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::agent;
use super::gateway;
use super::plan::{Lie, Plan};
use super::random::Random;
use super::work::Work;
use crate::aws::BoxedStream;
use crate::aws::simulated::{Answer, World};
use crate::protocol::DATA_KEY_LENGTH;

/// The data key of every encrypted session; sealed it is one byte more.
pub(super) const KEY: [u8; DATA_KEY_LENGTH] = [42; DATA_KEY_LENGTH];

/// Bytes on their way through one connection, in each direction.
const PIPE: usize = 64 * 1024;

/// Frames that wait at an agent; real gateways keep about as many.
const INBOX: usize = 10_000;

/// The account of one seed.
pub(super) struct Cloud {
    pub(super) plan: Plan,
    pub(super) began: Instant,
    work: Arc<dyn Work>,
    state: Mutex<State>,
    me: Weak<Self>,
}

struct State {
    random: Random,
    sessions: BTreeMap<String, Session>,
    calls: BTreeMap<String, u32>,
    /// Connections cut so far.
    cuts: usize,
    seen_plain: Option<String>,
}

/// A session, as the service keeps it.
struct Session {
    tokens: BTreeSet<String>,
    to_agent: mpsc::Sender<Bytes>,
    /// Of the connection that has the session at the moment.
    to_client: Option<mpsc::Sender<Bytes>>,
    ended: bool,
    terminated: bool,
}

impl Cloud {
    pub(super) fn new(plan: Plan, random: Random, work: Arc<dyn Work>) -> Arc<Self> {
        let (sessions, calls) = (BTreeMap::new(), BTreeMap::new());
        let state = Mutex::new(State { random, sessions, calls, cuts: 0, seen_plain: None });
        Arc::new_cyclic(|me| Self { plan, began: Instant::now(), work, state, me: me.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the service has let go of a session.
    pub(super) fn is_over(&self, id: &str) -> bool {
        self.state().sessions.get(id).is_none_or(|session| session.ended || session.terminated)
    }

    /// A generator for a part of the world.
    pub(super) fn random(&self) -> Random {
        self.state().random.fork()
    }

    /// How often an operation was called.
    pub(super) fn calls(&self, action: &str) -> u32 {
        self.state().calls.get(action).copied().unwrap_or(0)
    }

    /// Sessions that were started, and neither ended by themselves nor asked to be.
    pub(super) fn left_behind(&self) -> Vec<String> {
        let state = self.state();
        let left = state.sessions.iter().filter(|(_, session)| !session.ended && !session.terminated);
        left.map(|(id, _)| id.clone()).collect()
    }

    /// Requests keep their distance: a few at once, then pauses that grow, for each of so many sessions at a time.
    pub(super) fn check_pace(&self, sessions: u32) {
        let (elapsed, resumed) = (self.began.elapsed(), self.calls("ResumeSession"));
        let limit = sessions * (30 + elapsed.as_secs() as u32 / 2) + 10 * self.plan.network.cuts.len() as u32;
        assert!(resumed <= limit, "{resumed} resumptions in {elapsed:?}");
    }

    /// A message that was to be encrypted and was not.
    pub(super) fn seen_plain(&self) -> Option<String> {
        self.state().seen_plain.clone()
    }

    pub(super) fn saw_plain(&self, what: String) {
        self.state().seen_plain.get_or_insert(what);
    }

    /// Lets a client in that has the token.
    pub(super) fn attach(&self, token: &str, to_client: mpsc::Sender<Bytes>) -> Option<(String, mpsc::Sender<Bytes>)> {
        let mut state = self.state();
        let refuses = self.plan.lie == Some(Lie::RefusesTokens) && self.calls_of(&state, "ResumeSession") > 0;
        let (id, session) = state.sessions.iter_mut().find(|(_, session)| session.tokens.contains(token))?;
        if refuses || session.ended || session.terminated {
            return None;
        }
        if self.plan.service.single_use_tokens {
            session.tokens.remove(token);
        }
        // Whoever had it before is cut off.
        session.to_client = Some(to_client);
        Some((id.clone(), session.to_agent.clone()))
    }

    fn calls_of(&self, state: &State, action: &str) -> u32 {
        state.calls.get(action).copied().unwrap_or(0)
    }

    /// How long the next connection lasts.
    pub(super) fn next_cut(&self) -> Option<Duration> {
        let mut state = self.state();
        let cut = self.plan.network.cuts.get(state.cuts).copied();
        state.cuts += 1;
        cut
    }

    /// A frame for the client, lost where there is none.
    pub(super) fn to_client(&self, id: &str, frame: Bytes) {
        let state = self.state();
        if let Some(connection) = state.sessions.get(id).and_then(|session| session.to_client.as_ref()) {
            let _ = connection.try_send(frame);
        }
    }

    /// The session is over for the service.
    pub(super) fn end(&self, id: &str, reason: &str) {
        let mut state = self.state();
        let Some(session) = state.sessions.get_mut(id) else { return };
        session.ended = true;
        if let Some(connection) = session.to_client.take() {
            // Dropping the sender closes the connection behind this.
            let _ = connection.try_send(gateway::channel_closed(id, reason));
        }
    }

    fn start_session(&self) -> Value {
        let mut state = self.state();
        let id = format!("simulated-{}", state.sessions.len());
        let token = format!("token-{}", state.random.below(u64::MAX));
        let (to_agent, inbox) = mpsc::channel(INBOX);
        let random = state.random.fork();
        let tokens = [token.clone()].into();
        let session = Session { tokens, to_agent, to_client: None, ended: false, terminated: false };
        state.sessions.insert(id.clone(), session);
        if let Some(cloud) = self.me.upgrade() {
            let part = self.work.begin();
            tokio::spawn(agent::run(cloud, id.clone(), inbox, part, random));
        }
        let url = format!("ws://127.0.0.1:1/v1/data-channel/{id}?role=publish_subscribe");
        json!({ "SessionId": id, "TokenValue": token, "StreamUrl": url })
    }

    fn resume_session(&self, id: &str) -> (u16, Value) {
        let mut state = self.state();
        let token = format!("token-{}", state.random.below(u64::MAX));
        match self.plan.lie {
            Some(Lie::RefusesResume(false)) => return refusal("AccessDeniedException"),
            Some(Lie::RefusesResume(true)) => return refusal("DoesNotExistException"),
            _ => {}
        }
        match state.sessions.get_mut(id) {
            Some(session) if !session.ended && !session.terminated => {
                session.tokens.insert(token.clone());
                (200, json!({ "SessionId": id, "TokenValue": token }))
            }
            Some(_) => (200, json!({ "SessionId": id })),
            None => refusal("DoesNotExistException"),
        }
    }

    fn answer(&self, action: &str, body: &Value) -> (u16, Value) {
        let id = body["SessionId"].as_str().unwrap_or_default();
        match action {
            "StartSession" => (200, self.start_session()),
            "ResumeSession" => self.resume_session(id),
            "TerminateSession" => {
                if let Some(session) = self.state().sessions.get_mut(id) {
                    session.terminated = true;
                    session.to_client = None;
                }
                (200, json!({ "SessionId": id }))
            }
            "GenerateDataKey" => {
                let sealed = [KEY.as_slice(), &[1]].concat();
                let (plain, sealed) = (BASE64_STANDARD.encode(KEY), BASE64_STANDARD.encode(sealed));
                (200, json!({ "Plaintext": plain, "CiphertextBlob": sealed, "KeyId": "key" }))
            }
            other => panic!("unexpected call of {other}"),
        }
    }
}

fn refusal(kind: &str) -> (u16, Value) {
    (400, json!({ "__type": kind, "message": "simulated" }))
}

impl World for Cloud {
    fn call(&self, action: &str, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let mut random = self.random();
        *self.state().calls.entry(action.to_owned()).or_default() += 1;
        let service = &self.plan.service;
        let pause = random.span(Duration::from_millis(500)) + self.plan.network.latency;
        if random.chance(service.unanswered) {
            // It may have been heard all the same.
            if random.chance(500) && action != "StartSession" {
                self.answer(action, &body);
            }
            return Box::pin(std::future::pending());
        }
        if random.chance(service.failing) {
            let unreachable = random.chance(500);
            return Box::pin(async move {
                sleep(pause).await;
                if unreachable {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                Ok((500, json!({ "__type": "InternalServerError", "message": "simulated" }).to_string()))
            });
        }
        let (status, answer) = self.answer(action, &body);
        Box::pin(async move {
            sleep(pause).await;
            Ok((status, answer.to_string()))
        })
    }

    fn connect(&self) -> io::Result<BoxedStream> {
        let mut random = self.random();
        if random.chance(self.plan.service.failing) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = tokio::io::duplex(PIPE);
        let cloud = self.me.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        tokio::spawn(gateway::serve(cloud, far, random));
        Ok(Box::new(near))
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("plan", &self.plan).finish_non_exhaustive()
    }
}
