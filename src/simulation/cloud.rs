//! The service: starts sessions and their agents, hands out tokens, resumes, ends.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
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
use crate::session::forward::{File, Files};

/// The data key of every encrypted session; sealed it is one byte more.
pub(super) const KEY: [u8; DATA_KEY_LENGTH] = [42; DATA_KEY_LENGTH];

/// Bytes on their way through one connection, in each direction.
const PIPE: usize = 64 * 1024;

/// Frames that wait at an agent; real gateways keep about as many.
const INBOX: usize = 10_000;

/// A world makes the process grow by less than this: up to 34 MiB for each of its four sessions and of those of another
/// seed at the same time, and what the largest frames take for a moment. Other tests of the process grow as well.
const MOST_MEMORY: usize = 300 << 20;

/// Bytes of a page, in which the system counts.
const PAGE: usize = 4096;

/// The account of one seed.
pub(super) struct Cloud {
    pub(super) plan: Plan,
    pub(super) began: Instant,
    /// The gateway's own: what a client remembers of it is of no use to other seeds.
    host: String,
    /// Those of the program.
    pub(super) files: Files,
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
    /// Bytes that the process held at most, and in the beginning.
    memory: usize,
    memory_before: usize,
}

/// A session, as the service keeps it.
struct Session {
    tokens: BTreeSet<String>,
    to_agent: mpsc::Sender<Bytes>,
    /// Of the connection that has the session at the moment.
    to_client: Option<mpsc::Sender<Bytes>>,
    ended: bool,
    terminated: bool,
    /// Frames that the client has sent.
    frames: u32,
}

impl Cloud {
    pub(super) fn new(plan: Plan, mut random: Random, work: Arc<dyn Work>) -> Arc<Self> {
        let mut part = || random.below(255);
        let host = format!("127.{}.{}.{}", part(), part(), 1 + part());
        let (sessions, calls) = (BTreeMap::new(), BTreeMap::new());
        let state = Mutex::new(State {
            random,
            sessions,
            calls,
            cuts: 0,
            seen_plain: None,
            memory: 0,
            memory_before: resident(),
        });
        let files = Files::new(plan.files);
        Arc::new_cyclic(|me| Self { plan, began: Instant::now(), host, files, work, state, me: me.clone() })
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

    /// Requests keep their distance: a few at once, then pauses that grow, for each of so many sessions at a time. Memory
    /// is bounded.
    pub(super) fn check_bounds(&self, sessions: u32) {
        let memory = {
            let state = self.state();
            state.memory.saturating_sub(state.memory_before)
        };
        assert!(memory < MOST_MEMORY, "{} MiB more are held", memory >> 20);
        let (elapsed, resumed) = (self.began.elapsed(), self.calls("ResumeSession"));
        let limit = sessions * (30 + elapsed.as_secs() as u32 / 2) + 10 * self.plan.network.cuts.len() as u32;
        assert!(resumed <= limit, "{resumed} resumptions in {elapsed:?}");
        if self.plan.lie == Some(Lie::NeverSpeaks) {
            let frames = self.state().sessions.values().map(|session| session.frames).max().unwrap_or(0);
            let limit = 40 + elapsed.as_secs() as u32 / 10 + 20 * self.plan.network.cuts.len() as u32;
            assert!(frames <= limit, "{frames} frames in {elapsed:?} to an agent that says nothing");
        }
    }

    /// Looks how much memory the process holds, where the system tells.
    pub(super) fn measure(&self) {
        let mut state = self.state();
        state.memory = state.memory.max(resident());
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

    /// A client has sent a frame.
    pub(super) fn sent(&self, id: &str) {
        if let Some(session) = self.state().sessions.get_mut(id) {
            session.frames += 1;
        }
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
        let session = Session { tokens, to_agent, to_client: None, ended: false, terminated: false, frames: 0 };
        state.sessions.insert(id.clone(), session);
        if let Some(cloud) = self.me.upgrade() {
            let part = self.work.begin();
            tokio::spawn(agent::run(cloud, id.clone(), inbox, part, random));
        }
        let url = format!("ws://{}:1/v1/data-channel/{id}?role=publish_subscribe", self.host);
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
        let file = match self.files.open() {
            Ok(file) => file,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
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
            return Box::pin(async move {
                let _file = file;
                std::future::pending().await
            });
        }
        if random.chance(service.failing) {
            let unreachable = random.chance(500);
            return Box::pin(async move {
                sleep(pause).await;
                drop(file);
                if unreachable {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                Ok((500, json!({ "__type": "InternalServerError", "message": "simulated" }).to_string()))
            });
        }
        let (status, answer) = self.answer(action, &body);
        Box::pin(async move {
            sleep(pause).await;
            drop(file);
            Ok((status, answer.to_string()))
        })
    }

    fn connect(&self) -> io::Result<BoxedStream> {
        let mut random = self.random();
        if random.chance(self.plan.service.failing) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let file = self.files.open()?;
        let (near, far) = tokio::io::duplex(PIPE);
        let cloud = self.me.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        tokio::spawn(gateway::serve(cloud, far, random));
        Ok(Box::new(Held { stream: near, _file: file }))
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// A connection of the program, which is one of its files.
struct Held {
    stream: DuplexStream,
    _file: File,
}

impl AsyncRead for Held {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Bytes that the process holds; 0 where the system does not tell.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}
