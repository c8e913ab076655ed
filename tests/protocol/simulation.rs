//! A client and an agent joined by a network in virtual time that drops, duplicates, reorders, delays and cuts by
//! seed: both byte streams arrive whole and in order, within the bounds of memory.
//!
//! `SSMX_SEEDS=N` runs seeds 0 to N-1 (2,000 without it), `SSMX_SEED=N` runs that seed alone, as a failure says.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use ssmx::protocol::{
    AgentConfig, AgentHandshakeConfig, ClientConfig, Config, DataChannel, DataKey, Event, Failure, KmsRequest,
    SealedKey, SessionType, Size,
};

use crate::network::{Faults, Line, Random};

/// Nothing a seed does takes longer than this, in virtual time.
const TIME_LIMIT: Duration = Duration::from_mins(10);

/// Memory that a channel may hold beyond its stated buffers: a few messages that were in flight to it.
const SLACK: usize = 64 * 1024;

/// Payload bytes that every service takes.
const USUAL: usize = 1024;

const KEY: [u8; 64] = [42; 64];

/// One end: a channel, what it writes, what it has read, how fast it reads.
struct End {
    name: &'static str,
    channel: DataChannel,
    to_write: VecDeque<u8>,
    expected: Vec<u8>,
    read: Vec<u8>,
    sizes: Vec<Size>,
    /// A reader that stops now and then: events wait in the channel until this instant.
    reads_again: Instant,
    bound: usize,
    most_buffered: usize,
    /// Large messages are tried, not known to get through.
    discovers_mtu: bool,
    ready: bool,
    /// The network was so bad that the first large message seemed to be swallowed.
    gave_up: bool,
}

impl End {
    fn new(name: &'static str, channel: DataChannel, bound: usize, start: Instant) -> Self {
        Self {
            name,
            channel,
            to_write: VecDeque::new(),
            expected: Vec::new(),
            read: Vec::new(),
            sizes: Vec::new(),
            reads_again: start,
            bound,
            most_buffered: 0,
            discovers_mtu: false,
            ready: false,
            gave_up: false,
        }
    }

    fn state(&self) -> String {
        let (read, expected, unwritten) = (self.read.len(), self.expected.len(), self.to_write.len());
        format!("{}: read {read} of {expected}, {unwritten} unwritten\n{:#?}\n", self.name, self.channel)
    }

    fn done(&self) -> bool {
        self.to_write.is_empty() && self.channel.is_flushed() && self.read.len() == self.expected.len()
    }

    fn step(&mut self, now: Instant, line: &mut Line, random: &mut Random) {
        if self.channel.poll_timeout().is_some_and(|at| at <= now) {
            self.channel.handle_timeout(now);
        }
        while !self.to_write.is_empty() && self.channel.writable() > 0 {
            let most = 1 + random.below(5000) as usize;
            let chunk: Vec<u8> = self.to_write.iter().take(most).copied().collect();
            let accepted = self.channel.write(&chunk);
            self.to_write.drain(..accepted);
            if accepted < chunk.len() {
                break;
            }
        }
        if now >= self.reads_again {
            self.read_events(now, random);
        }
        while let Some(frame) = self.channel.poll_transmit(now) {
            line.send(now, frame, random);
        }
        self.most_buffered = self.most_buffered.max(self.channel.buffered());
    }

    fn read_events(&mut self, now: Instant, random: &mut Random) {
        while let Some(event) = self.channel.poll_event() {
            match event {
                Event::Output(bytes) => self.read.extend_from_slice(&bytes),
                Event::Ready(_) => {
                    self.ready = true;
                    if self.discovers_mtu {
                        self.channel.discover_mtu(usize::MAX);
                    }
                }
                Event::Size(size) => self.sizes.push(size),
                Event::KeyNeeded(_) => self.channel.provide_sealed_key(Ok(SealedKey {
                    plaintext: DataKey::new(&KEY).expect("64 bytes"),
                    ciphertext: b"sealed".to_vec(),
                })),
                Event::KeyToDecrypt { ciphertext, .. } => {
                    assert_eq!(ciphertext, b"sealed");
                    self.channel.provide_data_key(now, Ok(DataKey::new(&KEY).expect("64 bytes")));
                }
                Event::LateHandshake(_) => {}
                Event::Failed(Failure::LargeMessageUnanswered) => self.gave_up = true,
                // A request for encryption that was lost for so long that there seemed to be none.
                Event::Failed(Failure::Unencrypted(_)) => self.gave_up = true,
                other => panic!("{other:?} {}", self.state()),
            }
            if random.chance(1) {
                self.reads_again = now + Duration::from_millis(1 + random.below(300));
                break;
            }
        }
    }
}

/// Runs one seed to its end. True when both streams arrived whole; false when the client gave the session up, because
/// its network swallowed a large message for so long that a gateway seemed to.
fn run(seed: u64) -> bool {
    let mut random = Random::new(seed);
    let start = Instant::now();
    let faults = |random: &mut Random| {
        let calm = random.chance(20);
        let percent = |random: &mut Random, most| if calm { 0 } else { random.below(most) };
        Faults {
            drop: percent(random, 15),
            duplicate: percent(random, 15),
            reorder: percent(random, 25),
            latency: Duration::from_micros(random.below(80_000)),
            jitter: Duration::from_micros(random.below(10_000)),
        }
    };
    let (mut up, mut down) = (Line::new(faults(&mut random)), Line::new(faults(&mut random)));

    let mut config = Config::new(start, 1_700_000_000_000, seed);
    config.message_size = [1, 100, 1024, 32 * 1024][random.below(4) as usize];
    config.send_buffer = 1 + random.below(64 * 1024) as usize;
    config.receive_buffer = 1 + random.below(64 * 1024) as usize;
    config.reorder_buffer = 16 * 1024 + random.below(256 * 1024) as usize;
    let bound = config.send_buffer + config.receive_buffer + config.reorder_buffer + SLACK;

    let encrypted = random.chance(30);
    let handshake = (encrypted || random.chance(50)).then(|| AgentHandshakeConfig {
        agent_version: "3.3.0.0".to_owned(),
        session_type: SessionType::StandardStream,
        properties: Value::Null,
        kms: encrypted.then(|| KmsRequest {
            key_id: "key".to_owned(),
            challenge: None,
            proof: [9; 64],
            nonce: u128::from(seed),
        }),
        customer_message: String::new(),
    });
    // A client whose patience may well end before the handshake begins, as with an agent that is slow to start.
    let grace = Duration::from_millis(random.below(300));
    let has_handshake = handshake.is_some();
    let discovers_mtu = config.message_size > USUAL;
    let client_config = Config { message_size: config.message_size.min(USUAL), ..config.clone() };
    let client = DataChannel::client(client_config, ClientConfig::new(Some(grace), u128::from(seed)));
    let agent = DataChannel::agent(config.clone(), AgentConfig { session_id: "session".to_owned(), handshake });
    let (mut client, mut agent) = (End::new("client", client, bound, start), End::new("agent", agent, bound, start));

    let length = |random: &mut Random| match config.message_size {
        1 => random.below(300),
        100 => random.below(10_000),
        _ => random.below(150_000),
    };
    for end in [&mut client, &mut agent] {
        end.to_write = (0..length(&mut random)).map(|_| random.next() as u8).collect();
    }
    client.expected = agent.to_write.iter().copied().collect();
    agent.expected = client.to_write.iter().copied().collect();
    client.channel.resize(Size { cols: 132, rows: 43 });
    client.discovers_mtu = discovers_mtu;

    let mut now = start;
    let agent_starts = start + Duration::from_millis(random.below(400));
    let accepts_from = agent_starts + Duration::from_millis(random.below(1200));
    agent.channel.set_accepting(now, false);
    client.channel.handle_connected(now);
    let mut agent_connected = false;
    let mut cuts = random.below(4);
    let mut next_cut = now + Duration::from_millis(random.below(3000));
    let mut back_at = None;

    while !(client.done() && agent.done() && agent_connected) {
        if !agent_connected && now >= agent_starts {
            agent.channel.handle_connected(now);
            agent_connected = true;
        }
        if now >= accepts_from {
            agent.channel.set_accepting(now, true);
        }
        if cuts > 0 && now >= next_cut && agent_connected && back_at.is_none() {
            cuts -= 1;
            up.cut();
            down.cut();
            client.channel.handle_disconnected();
            agent.channel.handle_disconnected();
            back_at = Some(now + Duration::from_millis(random.below(2000)));
            next_cut = now + Duration::from_millis(random.below(3000));
        }
        if back_at.is_some_and(|at| now >= at) {
            back_at = None;
            client.channel.handle_connected(now);
            agent.channel.handle_connected(now);
        }
        // The service keeps what it has for an agent that is not there yet.
        while agent_connected
            && agent.channel.can_receive()
            && let Some(frame) = up.receive(now)
        {
            agent.channel.handle_frame(now, frame);
        }
        while client.channel.can_receive()
            && let Some(frame) = down.receive(now)
        {
            client.channel.handle_frame(now, frame);
        }
        client.step(now, &mut up, &mut random);
        agent.step(now, &mut down, &mut random);
        if client.gave_up {
            for end in [&client, &agent] {
                assert!(end.expected.starts_with(&end.read), "{}", end.state());
                assert!(end.most_buffered <= end.bound, "{} held {} of {}", end.name, end.most_buffered, end.bound);
            }
            return false;
        }

        let next = [
            client.channel.poll_timeout(),
            agent.channel.poll_timeout(),
            up.next_arrival().filter(|_| agent_connected && agent.channel.can_receive()),
            down.next_arrival().filter(|_| client.channel.can_receive()),
            Some(client.reads_again).filter(|at| *at > now),
            Some(agent.reads_again).filter(|at| *at > now),
            Some(agent_starts).filter(|at| *at > now),
            Some(accepts_from).filter(|at| *at > now),
            Some(next_cut).filter(|at| cuts > 0 && *at > now),
            back_at,
        ];
        let Some(next) = next.into_iter().flatten().min() else {
            if client.done() && agent.done() {
                break;
            }
            panic!("nothing will ever happen again: {} {}", client.state(), agent.state())
        };
        now = next.max(now + Duration::from_micros(1));
        assert!(now < start + TIME_LIMIT, "not done in time: {} {}", client.state(), agent.state());
    }

    for end in [&client, &agent] {
        assert_eq!(end.read, end.expected, "{}: the stream differs", end.name);
        assert!(end.ready, "{} never became ready", end.name);
        assert!(end.most_buffered <= end.bound, "{} held {} of {}", end.name, end.most_buffered, end.bound);
    }
    assert_eq!(agent.sizes.last(), Some(&Size { cols: 132, rows: 43 }), "handshake: {has_handshake}");
    true
}

#[test]
fn both_streams_arrive_whole_whatever_the_network_does() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("SSMX_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SSMX_SEEDS").unwrap_or(2000),
    };
    let next = AtomicU64::new(seeds.start);
    let given_up = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let ran = std::panic::catch_unwind(|| run(seed));
                    let whole = ran.unwrap_or_else(|_| panic!("seed {seed} failed; SSMX_SEED={seed} replays it"));
                    given_up.fetch_add(u64::from(!whole), Ordering::Relaxed);
                }
            });
        }
    });
    let (given_up, ran) = (given_up.into_inner(), seeds.end - seeds.start);
    assert!(ran < 100 || given_up * 200 <= ran, "{given_up} of {ran} sessions were given up");
}

#[test]
fn the_client_gives_back_the_reads_of_a_slow_reader() {
    // A reader that does not read: the channel stops taking, acknowledges nothing more, and loses nothing.
    let now = Instant::now();
    let mut config = Config::new(now, 1, 1);
    config.receive_buffer = 10_000;
    let mut client = DataChannel::client(config.clone(), ClientConfig::new(None, 0));
    config.send_buffer = 1 << 20;
    let mut agent = DataChannel::agent(config, AgentConfig { session_id: String::new(), handshake: None });
    client.handle_connected(now);
    agent.handle_connected(now);
    let data: Vec<u8> = (0..40_000_u32).map(|number| number as u8).collect();
    assert_eq!(agent.write(&data), data.len());
    let frames: Vec<Bytes> = std::iter::from_fn(|| agent.poll_transmit(now)).collect();
    for frame in frames {
        client.handle_frame(now, frame);
    }
    assert!(!client.can_receive());
    assert!(client.buffered() <= 10_000 + 1024 + (16 << 20));
    let mut read = Vec::new();
    let mut at = now;
    for _ in 0..1000 {
        while let Some(event) = client.poll_event() {
            if let Event::Output(bytes) = event {
                read.extend_from_slice(&bytes);
            }
        }
        while let Some(frame) = client.poll_transmit(at) {
            agent.handle_frame(at, frame);
        }
        at += Duration::from_millis(100);
        agent.handle_timeout(at);
        while let Some(frame) = agent.poll_transmit(at) {
            client.handle_frame(at, frame);
        }
    }
    assert_eq!(read, data);
}
