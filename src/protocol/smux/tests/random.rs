//! Any order of writing, reading, ending, sending and delivering, with any cuts, brings every byte over in order.

use proptest::prelude::*;

use super::pair::{CLIENT, Pair, Random, SERVER, noise};
use crate::protocol::smux::{Config, Event, StreamId};

const CONFIG: Config = Config {
    max_frame_data: 300,
    receive_per_stream: 2_000,
    receive_per_session: 5_000,
    send_per_stream: 1_500,
    send_per_session: 4_000,
    max_streams: 20,
    keep_alive: None,
};

/// What one end has to send on a stream, and what it got.
struct Side {
    text: bytes::Bytes,
    sent: usize,
    got: Vec<u8>,
    finished: bool,
}

/// A step, made of any three numbers, so that chance and proptest can both choose it.
type Step = (u8, usize, usize);

struct World {
    pair: Pair,
    /// Of each stream, the client's side and the server's.
    streams: Vec<[Side; 2]>,
    ids: Vec<StreamId>,
    opened: [usize; 2],
    told: [Vec<StreamId>; 2],
}

impl World {
    fn new(streams: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut side = |index: usize| {
            let len = [0, 1, 100, 5_000, 20_000][random.below(5)];
            Side { text: noise(seed + index as u64, len), sent: 0, got: Vec::new(), finished: false }
        };
        Self {
            pair: Pair::new(CONFIG),
            streams: (0..streams).map(|index| [side(2 * index), side(2 * index + 1)]).collect(),
            ids: Vec::new(),
            opened: [0; 2],
            told: [Vec::new(), Vec::new()],
        }
    }

    fn step(&mut self, (kind, which, amount): Step) {
        let end = which % 2;
        match kind % 6 {
            0 if end == CLIENT && self.ids.len() < self.streams.len() => {
                self.ids.push(self.pair.client().open().unwrap());
                self.opened[CLIENT] += 1;
            }
            1 => self.write(end, which / 2, amount % 4_000 + 1),
            2 => self.read(end, which / 2),
            3 => {
                self.pair.transmit(end, amount % 1_500);
            }
            4 => {
                self.pair.deliver(end, amount % 1_500 + 1);
            }
            _ => self.listen(end),
        }
        for end in [CLIENT, SERVER] {
            let mux = &self.pair.ends[end].mux;
            assert!(mux.unread_total() < CONFIG.receive_per_session + 1_500, "received too much");
            assert!(mux.queued_total() <= CONFIG.send_per_session, "queued too much");
            for &id in &self.ids {
                assert!(mux.unread(id) < CONFIG.receive_per_stream + 1_500, "received too much for {id}");
                assert!(mux.queued(id) <= CONFIG.send_per_stream, "queued too much for {id}");
            }
        }
    }

    fn write(&mut self, end: usize, which: usize, amount: usize) {
        let Some(index) = which.checked_rem(self.opened[end]) else { return };
        let (id, side) = (self.ids[index], &mut self.streams[index][end]);
        let part = side.text.slice(side.sent..side.text.len().min(side.sent + amount));
        let mux = &mut self.pair.ends[end].mux;
        if side.sent < side.text.len() {
            side.sent += mux.write(id, part).unwrap();
        }
        if side.sent == side.text.len() {
            mux.finish(id);
        }
    }

    fn read(&mut self, end: usize, which: usize) {
        let Some(index) = which.checked_rem(self.opened[end]) else { return };
        if let Some(data) = self.pair.ends[end].mux.read(self.ids[index]) {
            self.streams[index][end].got.extend_from_slice(&data);
        }
    }

    fn listen(&mut self, end: usize) {
        while let Some(event) = self.pair.ends[end].mux.poll_event() {
            match event {
                Event::Opened(id) => {
                    assert_eq!((end, id), (SERVER, self.ids[self.opened[SERVER]]), "opened out of order");
                    self.opened[SERVER] += 1;
                }
                Event::Finished(id) => {
                    let index = self.ids.iter().position(|&other| other == id).unwrap();
                    assert_eq!(self.streams[index][end].got, self.streams[index][1 - end].text);
                    assert!(!std::mem::replace(&mut self.streams[index][end].finished, true), "finished twice");
                }
                Event::Readable(id) | Event::Writable(id) => self.told[end].push(id),
                Event::Closed(error) => panic!("{error}"),
            }
        }
    }

    /// From here on only events say what to do: a missing one would leave bytes behind.
    fn complete(&mut self) {
        while self.ids.len() < self.streams.len() {
            self.step((0, CLIENT, 0));
        }
        let mut idle = 0;
        for end in [CLIENT, SERVER] {
            self.listen(end);
            for index in 0..self.opened[end] {
                self.told[end].push(self.ids[index]);
            }
        }
        while idle < 3 {
            idle += 1;
            for end in [CLIENT, SERVER] {
                let known = self.opened[end];
                self.listen(end);
                let fresh: Vec<StreamId> = self.ids[known..self.opened[end]].to_vec();
                self.told[end].extend(fresh);
                for id in std::mem::take(&mut self.told[end]) {
                    let index = self.ids.iter().position(|&other| other == id).unwrap();
                    while self.pair.ends[end].mux.unread(id) > 0 {
                        self.read(end, index);
                    }
                    // Until it is refused, as Writable asks.
                    let mut before = usize::MAX;
                    while before != self.streams[index][end].sent {
                        before = self.streams[index][end].sent;
                        self.write(end, index, usize::MAX >> 1);
                    }
                    idle = 0;
                }
                if self.pair.transmit(end, 1_000) | self.pair.deliver(end, 1_000) {
                    idle = 0;
                }
            }
        }
        for [client, server] in &self.streams {
            assert!(client.finished && server.finished);
        }
        for end in &self.pair.ends {
            let mux = &end.mux;
            assert_eq!((mux.streams().len(), mux.unread_total(), mux.queued_total()), (0, 0, 0));
            assert_eq!(mux.ignored_frames(), 0);
        }
    }
}

#[test]
fn every_byte_arrives_whatever_the_order() {
    for seed in 0..300 {
        let run = std::panic::catch_unwind(|| {
            let mut random = Random(seed);
            let mut world = World::new(1 + random.below(20), seed);
            for _ in 0..random.below(3_000) {
                let (kind, which, amount) = (random.below(6) as u8, random.below(1_000), random.below(10_000));
                world.step((kind, which, amount));
            }
            world.complete();
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn every_byte_arrives_in_any_interleaving(
        streams in 1_usize..8,
        seed in any::<u64>().prop_map(|seed| seed >> 8),
        steps in prop::collection::vec((0_u8..6, 0_usize..100, 0_usize..10_000), 0..400),
    ) {
        let mut world = World::new(streams, seed);
        for step in steps {
            world.step(step);
        }
        world.complete();
    }
}
