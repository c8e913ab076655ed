//! What agents of port sessions do: a destination that reads what a connection announces, checks it, and answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::time::Instant;

use super::basic::Basic;
use super::random::Random;
use super::work::{Part, Work};
use crate::protocol::smux::{self, Mux, StreamId};
use crate::protocol::{DataChannel, Flag, Role, SessionType};

/// What a connection sends first: its number, and how much it sends and wants.
pub(super) const HEADER: usize = 32;

/// What one connection carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) number: u64,
    pub(super) up: usize,
    pub(super) down: usize,
}

impl Load {
    pub(super) fn header(self) -> Bytes {
        format!("{:08x}{:012x}{:012x}", self.number, self.up, self.down).into()
    }

    fn parse(header: &[u8]) -> Option<Self> {
        let field = |range| usize::from_str_radix(std::str::from_utf8(header.get(range)?).ok()?, 16).ok();
        Some(Self { number: field(0..8)? as u64, up: field(8..20)?, down: field(20..32)? })
    }

    pub(super) fn request(self) -> Bytes {
        super::text(self.up, self.number * 2)
    }

    pub(super) fn answer(self) -> Bytes {
        super::text(self.down, self.number * 2 + 1)
    }
}

/// What the destinations know of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Its request has arrived whole, and its answer is on its way.
    pub(super) answered: bool,
    /// Something of it arrived last.
    pub(super) heard_at: Option<Instant>,
    /// The end of what it sends has arrived.
    pub(super) ended_at: Option<Instant>,
    /// Its whole answer was sent, and the end behind it.
    pub(super) finished: bool,
}

/// The destinations of all sessions.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) wrong: Mutex<Vec<String>>,
    /// By the number of the connection.
    seen: Mutex<BTreeMap<u64, Seen>>,
    /// A session ends when the first of its connections is done.
    pub(super) ends_after_first: bool,
    /// The agents do not multiplex.
    pub(super) is_basic: bool,
    random: Mutex<Random>,
}

impl Ports {
    pub(super) fn new(random: Random, ends_after_first: bool, is_basic: bool) -> Arc<Self> {
        let (wrong, seen) = (Mutex::default(), Mutex::default());
        Arc::new(Self { wrong, seen, ends_after_first, is_basic, random: Mutex::new(random) })
    }

    /// What is known of a connection.
    pub(super) fn seen(&self, number: u64) -> Seen {
        self.seen.lock().expect("no panic").get(&number).copied().unwrap_or_default()
    }

    pub(super) fn saw(&self, load: Option<Load>, what: impl FnOnce(&mut Seen)) {
        if let Some(load) = load {
            what(self.seen.lock().expect("no panic").entry(load.number).or_default());
        }
    }

    pub(super) fn is_wrong(&self, what: String) {
        self.wrong.lock().expect("no panic").push(what);
    }
}

impl Work for Arc<Ports> {
    fn begin(&self) -> Box<dyn Part> {
        let random = self.random.lock().expect("no panic").fork();
        let ports = Arc::clone(self);
        if self.is_basic {
            return Box::new(Basic::new(ports, random));
        }
        let config = smux::Config { send_per_stream: 1 << 20, send_per_session: 4 << 20, ..smux::Config::default() };
        let mux = Mux::new(Role::Agent, config, Instant::now().into_std());
        Box::new(Agent { ports, mux, streams: BTreeMap::new(), random, over: false, ending: false })
    }
}

/// What one connection has brought to its destination, and the answer.
#[derive(Default)]
pub(super) struct Connection {
    header: BytesMut,
    pub(super) load: Option<Load>,
    received: usize,
    pub(super) answer: Bytes,
    pub(super) answered: bool,
}

impl Connection {
    /// Takes what has arrived. False when it makes no sense.
    pub(super) fn take(&mut self, ports: &Ports, mut bytes: Bytes) -> bool {
        if self.load.is_none() {
            let missing = HEADER - self.header.len();
            self.header.extend_from_slice(&bytes.split_to(missing.min(bytes.len())));
            if self.header.len() < HEADER {
                return true;
            }
            self.load = Load::parse(&self.header);
        }
        let Some(load) = self.load else {
            ports.is_wrong(format!("a header of {:?}", self.header));
            return false;
        };
        let end = self.received + bytes.len();
        if load.request().get(self.received..end) != Some(&*bytes) {
            ports.is_wrong(format!("connection {} at byte {} of {}", load.number, self.received, load.up));
        }
        self.received = end;
        if self.received >= load.up && !self.answered {
            self.answered = true;
            self.answer = load.answer();
        }
        let answered = self.answered;
        ports.saw(self.load, |seen| {
            seen.heard_at = Some(Instant::now());
            seen.answered |= answered;
        });
        true
    }
}

struct Agent {
    ports: Arc<Ports>,
    mux: Mux,
    streams: BTreeMap<StreamId, Connection>,
    random: Random,
    over: bool,
    ending: bool,
}

impl Agent {
    fn read(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        while let Some(bytes) = self.mux.read(id) {
            if !stream.take(&self.ports, bytes) {
                self.mux.close(id);
                return;
            }
        }
    }
}

impl Part for Agent {
    fn handshake(&self) -> (SessionType, serde_json::Value) {
        (SessionType::Port, json!({ "portNumber": "1", "type": "LocalPortForwarding" }))
    }

    fn ready(&mut self) {}

    fn data(&mut self, bytes: Bytes) {
        if let Err(error) = self.mux.handle_data(Instant::now().into_std(), bytes) {
            self.ports.is_wrong(format!("{error}"));
            self.over = true;
        }
    }

    fn flag(&mut self, flag: Flag) {
        self.over |= flag == Flag::TerminateSession;
    }

    fn step(&mut self, channel: &mut DataChannel) -> Option<Duration> {
        if self.over {
            return None;
        }
        self.mux.handle_timeout(Instant::now().into_std());
        while let Some(event) = self.mux.poll_event() {
            match event {
                smux::Event::Opened(id) => drop(self.streams.insert(id, Connection::default())),
                smux::Event::Readable(id) => self.read(id),
                // As real agents do: the end of one direction is the end of both.
                smux::Event::Finished(id) => {
                    let load = self.streams.remove(&id).and_then(|stream| stream.load);
                    self.ports.saw(load, |seen| seen.ended_at = Some(Instant::now()));
                    self.mux.close(id);
                }
                smux::Event::Writable(_) | smux::Event::Closed(_) => {}
            }
        }
        let ids: Vec<_> = self.streams.keys().copied().collect();
        let mut again = None;
        for id in ids {
            let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.answered) else { continue };
            let piece = stream.answer.len().min(1 + self.random.below(100_000) as usize);
            let accepted = self.mux.write(id, stream.answer.slice(..piece)).unwrap_or(0);
            let _ = stream.answer.split_to(accepted);
            if stream.answer.is_empty() {
                let load = self.streams.remove(&id).and_then(|stream| stream.load);
                self.ports.saw(load, |seen| seen.finished = true);
                self.mux.close(id);
                self.ending |= self.ports.ends_after_first;
            } else if accepted > 0 {
                again = Some(self.random.span(Duration::from_millis(100)) + Duration::from_millis(1));
            }
        }
        while channel.writable() > 0
            && let Some(bytes) = self.mux.poll_transmit(channel.writable().min(16 * 1024))
        {
            let accepted = channel.write(&bytes);
            assert_eq!(accepted, bytes.len(), "there was room");
        }
        self.over |= self.ending && !self.mux.has_unsent();
        again
    }

    fn is_done(&self) -> bool {
        self.over
    }
}
