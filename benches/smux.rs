//! Two multiplexers back to back in memory, with one stream and with eight, beside copying the same bytes.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ssmx::protocol::Role;
use ssmx::protocol::smux::{Config, Event, Mux, StreamId};

/// Bytes that go through all streams together in one measurement.
const TRANSFER: usize = 4 << 20;

/// Bytes that the channel takes at a time.
const CHUNK: usize = 64 * 1024;

/// What the owner of a stream writes at a time, as it would come from a socket.
const PIECE: usize = 16 * 1024;

struct Pair {
    client: Mux,
    server: Mux,
    streams: Vec<StreamId>,
}

impl Pair {
    fn new(streams: usize) -> Self {
        let now = Instant::now();
        let mut client = Mux::new(Role::Client, Config::default(), now);
        let server = Mux::new(Role::Agent, Config::default(), now);
        let streams = (0..streams).map(|_| client.open().expect("few streams")).collect();
        Self { client, server, streams }
    }

    /// Sends `piece` on every stream in turn until each has sent its part of [`TRANSFER`], and reads it all.
    fn transfer(&mut self, now: Instant, piece: &Bytes) {
        let mut left = vec![TRANSFER / self.streams.len(); self.streams.len()];
        let mut read = 0;
        while read < TRANSFER {
            for (id, left) in self.streams.iter().zip(&mut left) {
                let data = piece.slice(..piece.len().min(*left));
                *left -= self.client.write(*id, data).expect("an open stream");
            }
            while let Some(frames) = self.client.poll_transmit(CHUNK) {
                self.server.handle_data(now, frames).expect("our own frames");
            }
            while let Some(event) = self.server.poll_event() {
                let Event::Readable(id) = event else { continue };
                while let Some(data) = self.server.read(id) {
                    read += black_box(data).len();
                }
            }
            while self.client.poll_event().is_some() {}
        }
    }
}

fn smux(criterion: &mut Criterion) {
    let now = Instant::now();
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let mut group = criterion.benchmark_group("smux");
    group.throughput(Throughput::Bytes(TRANSFER as u64)).sample_size(20);
    group.bench_function("copy alone", |bencher| {
        let mut copy = vec![0; PIECE];
        bencher.iter(|| {
            for _ in 0..TRANSFER / PIECE {
                copy.copy_from_slice(black_box(&piece));
                black_box(&copy);
            }
        });
    });
    for (name, streams) in [("1 stream", 1), ("8 streams", 8)] {
        let mut pair = Pair::new(streams);
        group.bench_function(name, |bencher| bencher.iter(|| pair.transfer(now, &piece)));
    }
    group.finish();
}

criterion_group!(benches, smux);
criterion_main!(benches);
