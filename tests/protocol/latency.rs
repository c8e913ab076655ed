//! What bulk data on one connection of a tunnel costs another, in virtual time: the multiplexer over a channel over a
//! line that takes only so many bytes a second and queues the rest.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use ssmx::protocol::smux::{self, Mux, StreamId};
use ssmx::protocol::{AgentConfig, AgentHandshakeConfig, ClientConfig, Config, DataChannel, Event, Role, SessionType};

/// A bulk message, as tunnels send them; also the most that is sent in one turn.
const BULK: usize = 32 * 1024;

/// How often a byte is exchanged.
const EVERY: Duration = Duration::from_millis(250);

/// A line that takes one frame after the other.
struct Line {
    bytes_per_second: f64,
    latency: Duration,
    busy_until: Instant,
    under_way: VecDeque<(Instant, Bytes)>,
}

impl Line {
    fn new(now: Instant, bytes_per_second: f64, latency: Duration) -> Self {
        Self { bytes_per_second, latency, busy_until: now, under_way: VecDeque::new() }
    }

    /// How long so many bytes take to get on the line.
    fn time(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.bytes_per_second)
    }

    fn send(&mut self, now: Instant, frame: Bytes) {
        self.busy_until = self.busy_until.max(now) + self.time(frame.len());
        self.under_way.push_back((self.busy_until + self.latency, frame));
    }

    fn next_arrival(&self) -> Option<Instant> {
        self.under_way.front().map(|(at, _)| *at)
    }

    fn receive(&mut self, now: Instant) -> Option<Bytes> {
        self.next_arrival().filter(|at| *at <= now)?;
        self.under_way.pop_front().map(|(_, frame)| frame)
    }
}

/// A channel and the multiplexer that it carries.
struct End {
    channel: DataChannel,
    mux: Mux,
    ready: bool,
}

impl End {
    /// Takes in what has arrived, and hands it to the multiplexer.
    fn receive(&mut self, now: Instant, line: &mut Line) {
        while let Some(frame) = line.receive(now) {
            self.channel.handle_frame(now, frame);
        }
        if self.channel.poll_timeout().is_some_and(|at| at <= now) {
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
    fn send(&mut self, now: Instant, line: &mut Line) {
        loop {
            while let Some(frame) = self.channel.poll_transmit(now) {
                line.send(now, frame);
            }
            let room = if self.ready { self.channel.poll_sendable().min(BULK) } else { 0 };
            let Some(bytes) = (room > 0).then(|| self.mux.poll_transmit(room)).flatten() else { return };
            assert_eq!(self.channel.write(&bytes), bytes.len(), "what is granted is taken");
        }
    }
}

/// What was measured.
#[derive(Default)]
struct Measured {
    /// Times of one-byte exchanges in an idle tunnel.
    idle: Vec<Duration>,
    /// Times of one-byte exchanges while another connection uploads all it can.
    loaded: Vec<Duration>,
    /// Bytes of the upload that arrived in a second.
    upload: f64,
}

fn measure(bytes_per_second: f64, latency: Duration) -> Measured {
    let start = Instant::now();
    let mut now = start;
    let config = Config::new(start, 1_700_000_000_000, 1);
    let handshake = AgentHandshakeConfig {
        agent_version: "3.3.2299.0".to_owned(),
        session_type: SessionType::Port,
        properties: json!({ "type": "LocalPortForwarding" }),
        kms: None,
        customer_message: String::new(),
    };
    let agent = AgentConfig { session_id: "session".to_owned(), handshake: Some(handshake) };
    let mux = |role| Mux::new(role, smux::Config::default(), start);
    let mut client = End {
        channel: DataChannel::client(config.clone(), ClientConfig::new(Some(Duration::from_secs(9)), 1)),
        mux: mux(Role::Client),
        ready: false,
    };
    let mut agent = End { channel: DataChannel::agent(config, agent), mux: mux(Role::Agent), ready: false };
    let mut up = Line::new(start, bytes_per_second, latency);
    let mut down = Line::new(start, bytes_per_second, latency);
    client.channel.handle_connected(now);
    agent.channel.handle_connected(now);

    let (keys, bulk) = (client.mux.open().unwrap(), client.mux.open().unwrap());
    let block = Bytes::from(vec![0; BULK]);
    let (mut measured, mut uploaded) = (Measured::default(), 0);
    let mut typed_at: Option<Instant> = None;
    let mut next_key = start + Duration::from_secs(1);
    // The window finds its size before anything is measured.
    let (uploads_from, measured_from) = (start + Duration::from_secs(5), start + Duration::from_secs(7));
    let end = start + Duration::from_secs(40);
    while now < end {
        client.receive(now, &mut down);
        agent.receive(now, &mut up);
        let arrived = answer(&mut agent.mux, keys);
        if now >= measured_from {
            uploaded += arrived;
        }
        if let Some(byte) = client.mux.read(keys) {
            assert_eq!(&byte[..], b"@");
            let took = now - typed_at.take().expect("it was typed");
            if now < uploads_from {
                measured.idle.push(took);
            } else if now >= measured_from {
                measured.loaded.push(took);
            }
        }
        if now >= next_key && typed_at.is_none() {
            assert_eq!(client.mux.write(keys, Bytes::from_static(b"@")), Ok(1));
            typed_at = Some(now);
            next_key = now + EVERY;
        }
        if now >= uploads_from {
            while client.mux.write(bulk, block.clone()).expect("the session lives") == block.len() {}
        }
        client.send(now, &mut up);
        agent.send(now, &mut down);
        let next = [
            client.channel.poll_timeout(),
            agent.channel.poll_timeout(),
            up.next_arrival(),
            down.next_arrival(),
            typed_at.is_none().then_some(next_key),
            Some(uploads_from).filter(|at| *at > now),
        ];
        now = next.into_iter().flatten().min().expect("a key is next").max(now + Duration::from_micros(1));
    }
    measured.upload = uploaded as f64 / (end - measured_from).as_secs_f64();
    measured
}

/// The agent's side: what comes on one stream is sent back, what comes on others is counted.
fn answer(mux: &mut Mux, keys: StreamId) -> usize {
    let mut counted = 0;
    let streams: Vec<_> = mux.streams().collect();
    for id in streams {
        while let Some(bytes) = mux.read(id) {
            if id == keys {
                assert_eq!(mux.write(id, bytes.clone()), Ok(bytes.len()));
            } else {
                counted += bytes.len();
            }
        }
    }
    counted
}

/// On paths shorter than these the queue that is let stand, 2 ms, is longer than the round trip itself.
#[test]
fn an_upload_costs_a_keystroke_no_more_than_its_round_trip_and_one_message() {
    for (bytes_per_second, milliseconds) in [(1e6, 10), (4e6, 40), (12e6, 5), (12e6, 80), (50e6, 5), (100e6, 20)] {
        let Measured { idle, loaded, upload } = measure(bytes_per_second, Duration::from_millis(milliseconds));
        assert!(idle.len() > 10 && loaded.len() > 50, "{} and {}", idle.len(), loaded.len());
        let (round_trip, worst) = (idle.iter().max().copied().unwrap(), loaded.iter().max().copied().unwrap());
        let message = Duration::from_secs_f64(BULK as f64 / bytes_per_second);
        let line = format!(
            "{} MB/s, {milliseconds} ms each way: {round_trip:?} idle, {worst:?} under an upload of {:.2} MB/s",
            bytes_per_second / 1e6,
            upload / 1e6
        );
        assert!(worst <= 2 * round_trip + message, "{line}");
        assert!(upload >= bytes_per_second * 0.9, "{line}");
    }
}
