//! Uploads over a simulated path in virtual time: a bottleneck with a queue, a round trip with jitter, an agent that
//! takes one message after another, and whoever else is on the path. `benches/window` prints a grid of it, and
//! `tests/protocol/window.rs` holds some of that grid to bounds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use ssmx::protocol::smux::{self, Mux, StreamId};
use ssmx::protocol::{AgentConfig, AgentHandshakeConfig, ClientConfig, Config, DataChannel, Event, Role, SessionType};

/// What is written at once; also the most that is sent in one turn of the multiplexer.
pub(crate) const BULK: usize = 32 * 1024;

/// What the bare writer keeps in flight.
const BARE_WINDOW: usize = 16 << 20;

/// Header of a message, and what a multiplexer adds to it.
const OVERHEAD: usize = 128;

/// Between two keys.
const EVERY: Duration = Duration::from_millis(230);

/// Between two stalls of a machine, on average.
const STALLS: Duration = Duration::from_millis(50);

/// How long nothing but keys is sent at first.
const IDLE: Duration = Duration::from_secs(2);

/// Between the starts of several sessions.
const STAGGER: Duration = Duration::from_secs(1);

/// How long an agent is busy with one message: 28 MB/s in messages of 1 KiB and 100 MB/s in those of 32 KiB, as
/// measured of the real one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentSpeed {
    pub(crate) message: Duration,
    pub(crate) bytes_per_second: f64,
}

impl AgentSpeed {
    pub(crate) const REAL: Self = Self { message: Duration::from_micros(27), bytes_per_second: 109e6 };
    pub(crate) const SLOW: Self = Self { message: Duration::from_micros(200), bytes_per_second: 12e6 };

    fn time(self, bytes: usize) -> Duration {
        self.message + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second)
    }
}

/// A path, and what is done on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Bytes a second that the bottleneck takes.
    pub(crate) rate: f64,
    /// Without jitter.
    pub(crate) round_trip: Duration,
    /// The part of the latency by which it changes from message to message, up and down. The order stays.
    pub(crate) jitter: f64,
    pub(crate) agent: AgentSpeed,
    /// On busy machines everything stands still now and then, every [`STALLS`] or so, for as long as this at most.
    pub(crate) stall: Duration,
    /// The part of the bottleneck that others take, two seconds of four.
    pub(crate) cross: f64,
    /// Sessions that share the bottleneck, started one after another.
    pub(crate) sessions: usize,
    /// How fine the client's timers are.
    pub(crate) timers: Duration,
    /// How long the last session uploads.
    pub(crate) time: Duration,
}

impl Case {
    /// One session alone on a path without jitter.
    pub(crate) fn new(megabytes: f64, round_trip_ms: f64) -> Self {
        let round_trip = Duration::from_secs_f64(round_trip_ms / 1000.0);
        Self {
            rate: megabytes * 1e6,
            round_trip,
            jitter: 0.0,
            agent: AgentSpeed::REAL,
            stall: Duration::ZERO,
            cross: 0.0,
            sessions: 1,
            timers: Duration::from_millis(1),
            time: (round_trip * 40).clamp(Duration::from_secs(3), Duration::from_secs(10)),
        }
    }

    /// From when on, after the start of an upload, its speed counts.
    fn settled(&self) -> Duration {
        (self.round_trip * 10).max(Duration::from_millis(500))
    }
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Bytes a second of each upload, from ten round trips after the start of the last one on.
    pub(crate) uploads: Vec<f64>,
    /// The same of a bare writer on the same path, alone.
    pub(crate) bare: f64,
    /// Times of one-byte exchanges, idle and beside the uploads.
    pub(crate) idle: Vec<Duration>,
    pub(crate) loaded: Vec<Duration>,
    /// From the start of the first upload until four fifths of the bare writer's speed were reached for a round trip.
    pub(crate) to_speed: Option<Duration>,
    /// Messages that were repeated.
    pub(crate) repeated: u64,
}

impl Measured {
    /// What all uploads reach together, as a part of what the bare writer does.
    pub(crate) fn part(&self) -> f64 {
        self.uploads.iter().sum::<f64>() / self.bare
    }

    /// The part of the fastest session that the slowest one gets.
    pub(crate) fn fairness(&self) -> f64 {
        let most = self.uploads.iter().copied().fold(0.0, f64::max);
        self.uploads.iter().copied().fold(most, f64::min) / most
    }

    pub(crate) fn worst(times: &[Duration]) -> Duration {
        times.iter().max().copied().unwrap_or_default()
    }

    pub(crate) fn median(times: &[Duration]) -> Duration {
        let mut times = times.to_vec();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// Randomness that is the same each time (xorshift64*).
struct Random(u64);

impl Random {
    /// A number from 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What takes one frame after the other and queues the rest.
struct Bottleneck {
    start: Instant,
    rate: f64,
    cross: f64,
    busy_until: Instant,
}

impl Bottleneck {
    fn new(start: Instant, rate: f64, cross: f64) -> Self {
        Self { start, rate, cross, busy_until: start }
    }

    /// When a frame that comes now has passed.
    fn pass(&mut self, now: Instant, bytes: usize) -> Instant {
        let from = self.busy_until.max(now);
        let shared = (from - self.start).as_secs() % 4 >= 2;
        let rate = if shared { self.rate * (1.0 - self.cross) } else { self.rate };
        self.busy_until = from + Duration::from_secs_f64(bytes as f64 / rate);
        self.busy_until
    }
}

/// One direction behind the bottleneck: it keeps the order, however the latency changes.
struct Wire {
    latency: Duration,
    jitter: f64,
    stall: Duration,
    random: Random,
    last: Instant,
    next_stall: Instant,
}

impl Wire {
    fn new(start: Instant, case: &Case, seed: u64) -> Self {
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let Case { round_trip, jitter, stall, .. } = *case;
        Self { latency: round_trip / 2, jitter, stall, random, last: start, next_stall: start }
    }

    fn arrival(&mut self, sent: Instant) -> Instant {
        let factor = 1.0 + self.jitter * (self.random.next() * 2.0 - 1.0);
        self.last = self.last.max(sent + self.latency.mul_f64(factor));
        if !self.stall.is_zero() && self.last >= self.next_stall {
            self.last += self.stall.mul_f64(self.random.next());
            self.next_stall = self.last + STALLS.mul_f64(self.random.next() * 2.0);
        }
        self.last
    }
}

/// The agent's inbox: it is busy with one message after another.
struct Service {
    speed: AgentSpeed,
    busy_until: Instant,
}

impl Service {
    fn done(&mut self, arrived: Instant, bytes: usize) -> Instant {
        self.busy_until = self.busy_until.max(arrived) + self.speed.time(bytes);
        self.busy_until
    }
}

/// A channel and the multiplexer that it carries.
struct End {
    channel: DataChannel,
    mux: Mux,
    ready: bool,
    inbox: VecDeque<(Instant, Bytes)>,
    /// When its timer goes off, with the coarseness of real ones.
    wake: Option<Instant>,
}

impl End {
    fn new(channel: DataChannel, role: Role, start: Instant) -> Self {
        let mux = Mux::new(role, smux::Config::default(), start);
        Self { channel, mux, ready: false, inbox: VecDeque::new(), wake: None }
    }

    /// Takes in what has arrived, and hands it to the multiplexer.
    fn receive(&mut self, now: Instant) {
        while let Some((at, _)) = self.inbox.front()
            && *at <= now
        {
            let (_, frame) = self.inbox.pop_front().expect("it was there");
            self.channel.handle_frame(now, frame);
        }
        if self.wake.is_some_and(|at| at <= now) {
            self.channel.handle_timeout(now);
        }
        while let Some(event) = self.channel.poll_event() {
            match event {
                Event::Ready(_) => {
                    self.ready = true;
                    self.channel.discover_mtu(usize::MAX);
                }
                Event::Output(bytes) => self.mux.handle_data(now, bytes).expect("it is smux"),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sends what the multiplexer has, in turns as a tunnel takes them: each when it would go out at once.
    fn send(&mut self, now: Instant, mut pass: impl FnMut(Bytes)) {
        loop {
            while let Some(frame) = self.channel.poll_transmit(now) {
                pass(frame);
            }
            if !self.ready || !self.mux.has_unsent() {
                return;
            }
            let room = self.channel.poll_sendable().min(BULK);
            let Some(bytes) = (room > 0).then(|| self.mux.poll_transmit(room)).flatten() else { return };
            assert_eq!(self.channel.write(&bytes), bytes.len(), "what is granted is taken");
        }
    }
}

/// One session: both ends, the wires between them, and what is exchanged.
struct Session {
    client: End,
    agent: End,
    up: Wire,
    service: Service,
    down: Wire,
    keys: StreamId,
    bulk: StreamId,
    uploads_from: Instant,
    next_key: Instant,
    typed_at: Option<Instant>,
    /// When something of the upload has arrived, and how many bytes had by then.
    arrived: Vec<(Instant, usize)>,
}

impl Session {
    fn new(start: Instant, case: &Case, number: u32) -> Self {
        let config = Config::new(start, 1_700_000_000_000, u64::from(number));
        let handshake = AgentHandshakeConfig {
            agent_version: "3.3.2299.0".to_owned(),
            session_type: SessionType::Port,
            properties: json!({ "type": "LocalPortForwarding" }),
            kms: None,
            customer_message: String::new(),
        };
        let agent = AgentConfig { session_id: "session".to_owned(), handshake: Some(handshake) };
        let client = ClientConfig::new(Some(Duration::from_secs(9)), 1);
        let mut client = End::new(DataChannel::client(config.clone(), client), Role::Client, start);
        let mut agent = End::new(DataChannel::agent(config, agent), Role::Agent, start);
        client.channel.handle_connected(start);
        agent.channel.handle_connected(start);
        let (keys, bulk) = (client.mux.open().expect("the first"), client.mux.open().expect("the second"));
        Self {
            client,
            agent,
            up: Wire::new(start, case, 2 * u64::from(number) + 1),
            service: Service { speed: case.agent, busy_until: start },
            down: Wire::new(start, case, 2 * u64::from(number) + 2),
            keys,
            bulk,
            uploads_from: start + IDLE + STAGGER * number,
            next_key: start + Duration::from_millis(700),
            typed_at: None,
            arrived: Vec::new(),
        }
    }

    /// What happens by `now`.
    fn step(&mut self, now: Instant, line: &mut Bottleneck, measured: &mut Measured, loaded_from: (Instant, Instant)) {
        self.client.receive(now);
        self.agent.receive(now);
        self.answer(now);
        if let Some(byte) = self.client.mux.read(self.keys) {
            assert_eq!(&byte[..], b"@");
            let typed_at = self.typed_at.take().expect("it was typed");
            if now < loaded_from.0 {
                measured.idle.push(now - typed_at);
            } else if typed_at >= loaded_from.1 {
                measured.loaded.push(now - typed_at);
            }
        }
        if now >= self.next_key && self.typed_at.is_none() {
            assert_eq!(self.client.mux.write(self.keys, Bytes::from_static(b"@")), Ok(1));
            self.typed_at = Some(now);
            self.next_key = now + EVERY;
        }
        if now >= self.uploads_from {
            let block = Bytes::from_static(&[0; BULK]);
            while self.client.mux.write(self.bulk, block.clone()).expect("the session lives") == block.len() {}
        }
        let Self { client, agent, up, service, down, .. } = self;
        client.send(now, |frame| {
            let arrived = up.arrival(line.pass(now, frame.len()));
            agent.inbox.push_back((service.done(arrived, frame.len()), frame));
        });
        agent.send(now, |frame| client.inbox.push_back((down.arrival(now), frame)));
    }

    /// The agent's side: what comes on one stream is sent back, what comes on others is counted.
    fn answer(&mut self, now: Instant) {
        let streams: Vec<_> = self.agent.mux.streams().collect();
        for id in streams {
            while let Some(bytes) = self.agent.mux.read(id) {
                if id == self.keys {
                    assert_eq!(self.agent.mux.write(id, bytes.clone()), Ok(bytes.len()));
                } else {
                    let before = self.arrived.last().map_or(0, |(_, total)| *total);
                    self.arrived.push((now, before + bytes.len()));
                }
            }
        }
    }

    /// When something is to be done next.
    fn next(&mut self, now: Instant, start: Instant, timers: Duration) -> Option<Instant> {
        self.client.wake = self.client.channel.poll_timeout().map(|at| coarse(at.max(now), start, timers));
        self.agent.wake = self.agent.channel.poll_timeout();
        let next = [
            self.client.wake,
            self.agent.wake,
            self.client.inbox.front().map(|(at, _)| *at),
            self.agent.inbox.front().map(|(at, _)| *at),
            self.typed_at.is_none().then_some(self.next_key),
            Some(self.uploads_from).filter(|at| *at > now),
        ];
        next.into_iter().flatten().min()
    }

    /// Bytes that arrived from one instant to another.
    fn between(&self, from: Instant, to: Instant) -> usize {
        let before = |instant| match self.arrived.partition_point(|(at, _)| *at < instant) {
            0 => 0,
            count => self.arrived[count - 1].1,
        };
        before(to) - before(from)
    }
}

/// The next tick of a timer.
fn coarse(at: Instant, start: Instant, timers: Duration) -> Instant {
    let ticks = (at - start).as_nanos().div_ceil(timers.as_nanos().max(1));
    start + Duration::from_nanos((ticks * timers.as_nanos().max(1)) as u64)
}

/// Simulates a case.
pub(crate) fn measure(case: &Case) -> Measured {
    let start = Instant::now();
    let mut line = Bottleneck::new(start, case.rate, case.cross);
    let mut sessions: Vec<_> = (0..case.sessions as u32).map(|number| Session::new(start, case, number)).collect();
    let last = sessions.last().expect("there is one").uploads_from;
    let (measured_from, end) = (last + case.settled(), last + case.settled() + case.time);
    let mut measured = Measured::default();
    let mut now = start;
    while now < end {
        let mut next = None;
        for session in &mut sessions {
            session.step(now, &mut line, &mut measured, (start + IDLE, measured_from));
            let at = session.next(now, start, case.timers);
            next = [next, at].into_iter().flatten().min();
        }
        now = next.expect("a key is next").max(now + Duration::from_micros(1));
    }
    let seconds = (end - measured_from).as_secs_f64();
    measured.bare = bare(case, measured_from - start, end - start);
    measured.uploads = sessions.iter().map(|session| session.between(measured_from, end) as f64 / seconds).collect();
    let step = case.round_trip.max(Duration::from_millis(20));
    let first = &sessions[0];
    let enough = 0.8 * measured.bare * step.as_secs_f64();
    let steps = (case.time + case.settled() + STAGGER * case.sessions as u32).as_secs_f64() / step.as_secs_f64() * 4.0;
    measured.to_speed = (0..steps as u32)
        .map(|number| first.uploads_from + step / 4 * number)
        .take_while(|from| *from + step < end)
        .find(|from| first.between(*from, *from + step) as f64 >= enough)
        .map(|from| from + step - first.uploads_from);
    measured.repeated = sessions.iter().map(|session| session.client.channel.send_statistics().retransmitted).sum();
    measured
}

/// Bytes a second of a writer that sends messages of 32 KiB and keeps 16 MiB in flight, from one time to another.
fn bare(case: &Case, from: Duration, to: Duration) -> f64 {
    let start = Instant::now();
    let (mut line, mut up, mut down) =
        (Bottleneck::new(start, case.rate, case.cross), Wire::new(start, case, 1), Wire::new(start, case, 2));
    let mut service = Service { speed: case.agent, busy_until: start };
    let mut in_flight: VecDeque<Instant> = VecDeque::new();
    let (mut now, mut bytes) = (start + IDLE, 0);
    while now < start + to {
        if in_flight.len() * (BULK + OVERHEAD) >= BARE_WINDOW {
            now = now.max(in_flight.pop_front().expect("it is not empty"));
        }
        let done = service.done(up.arrival(line.pass(now, BULK + OVERHEAD)), BULK + OVERHEAD);
        if done >= start + from && done < start + to {
            bytes += BULK;
        }
        in_flight.push_back(down.arrival(done));
    }
    bytes as f64 / (to - from).as_secs_f64()
}
