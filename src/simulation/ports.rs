//! What agents of port sessions do: a destination that reads what a connection announces, checks it, and answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::time::Instant;

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

/// The destinations of all sessions.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) wrong: Mutex<Vec<String>>,
    /// Connections whose request arrived whole, and whose answer was handed to the agent.
    pub(super) answered: Mutex<Vec<u64>>,
    /// A session ends when the first of its connections is done.
    pub(super) ends_after_first: bool,
    random: Mutex<Random>,
}

impl Ports {
    pub(super) fn new(random: Random, ends_after_first: bool) -> Arc<Self> {
        let (wrong, answered) = (Mutex::default(), Mutex::default());
        Arc::new(Self { wrong, answered, ends_after_first, random: Mutex::new(random) })
    }
}

impl Work for Arc<Ports> {
    fn begin(&self) -> Box<dyn Part> {
        let config = smux::Config { send_per_stream: 1 << 20, send_per_session: 4 << 20, ..smux::Config::default() };
        let mux = Mux::new(Role::Agent, config, Instant::now().into_std());
        let random = self.random.lock().expect("no panic").fork();
        Box::new(Agent { ports: Arc::clone(self), mux, streams: BTreeMap::new(), random, over: false, ending: false })
    }
}

struct Agent {
    ports: Arc<Ports>,
    mux: Mux,
    streams: BTreeMap<StreamId, Stream>,
    random: Random,
    over: bool,
    ending: bool,
}

#[derive(Default)]
struct Stream {
    header: BytesMut,
    load: Option<Load>,
    received: usize,
    answer: Bytes,
    answered: bool,
}

impl Agent {
    fn read(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        while let Some(mut bytes) = self.mux.read(id) {
            if stream.load.is_none() {
                let missing = HEADER - stream.header.len();
                stream.header.extend_from_slice(&bytes.split_to(missing.min(bytes.len())));
                if stream.header.len() < HEADER {
                    continue;
                }
                stream.load = Load::parse(&stream.header);
                if stream.load.is_none() {
                    self.ports.wrong.lock().expect("no panic").push(format!("a header of {:?}", stream.header));
                    self.mux.close(id);
                    return;
                }
            }
            let Some(load) = stream.load else { continue };
            let end = stream.received + bytes.len();
            if load.request().get(stream.received..end) != Some(&*bytes) {
                let what = format!("connection {} at byte {} of {}", load.number, stream.received, load.up);
                self.ports.wrong.lock().expect("no panic").push(what);
            }
            stream.received = end;
        }
        if let Some(load) = stream.load
            && stream.received >= load.up
            && !stream.answered
        {
            stream.answered = true;
            stream.answer = load.answer();
            self.ports.answered.lock().expect("no panic").push(load.number);
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
            self.ports.wrong.lock().expect("no panic").push(format!("{error}"));
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
                smux::Event::Opened(id) => drop(self.streams.insert(id, Stream::default())),
                smux::Event::Readable(id) => self.read(id),
                // As real agents do: the end of one direction is the end of both.
                smux::Event::Finished(id) => {
                    self.streams.remove(&id);
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
                self.streams.remove(&id);
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
        self.over |= self.ending && self.mux.queued_total() == 0;
        again
    }

    fn is_done(&self) -> bool {
        self.over
    }
}
