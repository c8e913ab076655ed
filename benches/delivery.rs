//! Both roles back to back in memory: what reliable delivery costs, beside copying and digesting the same bytes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use ssmx::protocol::{
    AgentConfig, AgentHandshakeConfig, ClientConfig, Config, DataChannel, DataKey, Event, KmsRequest, SealedKey,
    SessionType,
};

/// Bytes that go one way in one measurement.
const TRANSFER: usize = 4 << 20;

/// Frames that an end handles before the other has its turn, as with a socket read in batches.
const BATCH: usize = 64;

/// A client and an agent that are ready for data.
struct Pair {
    client: DataChannel,
    agent: DataChannel,
    now: Instant,
}

impl Pair {
    fn new(message_size: usize, encrypted: bool) -> Self {
        let now = Instant::now();
        let mut config = Config::new(now, 1_700_000_000_000, 1);
        config.message_size = message_size;
        let kms = KmsRequest { key_id: "key".to_owned(), challenge: None, proof: [9; 64], nonce: 1 };
        let handshake = AgentHandshakeConfig {
            agent_version: "3.3.0.0".to_owned(),
            session_type: SessionType::StandardStream,
            properties: Value::Null,
            kms: encrypted.then_some(kms),
            customer_message: String::new(),
        };
        let agent = AgentConfig { session_id: "session".to_owned(), handshake: Some(handshake) };
        let mut pair = Self {
            client: DataChannel::client(config.clone(), ClientConfig::new(None, 1)),
            agent: DataChannel::agent(config, agent),
            now,
        };
        pair.client.handle_connected(now);
        pair.agent.handle_connected(now);
        while pair.turn(true) | pair.turn(false) {
            pair.read();
        }
        pair
    }

    /// Moves frames from one end to the other; false when there were none.
    fn turn(&mut self, up: bool) -> bool {
        let now = self.now;
        let (from, to) = if up { (&mut self.client, &mut self.agent) } else { (&mut self.agent, &mut self.client) };
        let mut moved = false;
        for _ in 0..BATCH {
            let Some(frame) = from.poll_transmit(now) else { break };
            to.handle_frame(now, frame);
            moved = true;
        }
        moved
    }

    /// Reads what has come, and plays KMS; says how many bytes it was.
    fn read(&mut self) -> usize {
        let key = || DataKey::new(&[42; 64]).expect("64 bytes");
        let mut read = 0;
        for end in [&mut self.client, &mut self.agent] {
            while let Some(event) = end.poll_event() {
                match event {
                    Event::Output(bytes) => read += black_box(bytes).len(),
                    Event::KeyNeeded(_) => {
                        end.provide_sealed_key(Ok(SealedKey { plaintext: key(), ciphertext: vec![1] }));
                    }
                    Event::KeyToDecrypt { .. } => end.provide_data_key(self.now, Ok(key())),
                    _ => {}
                }
            }
        }
        read
    }

    /// Moves `data` from one end to the other, and waits until it is acknowledged.
    fn transfer(&mut self, up: bool, data: &[u8]) {
        let (mut written, mut read) = (0, 0);
        loop {
            let from = if up { &mut self.client } else { &mut self.agent };
            written += from.write(&data[written..]);
            if read == data.len() && from.is_flushed() {
                return;
            }
            self.turn(true);
            self.turn(false);
            read += self.read();
            self.now += Duration::from_micros(50);
        }
    }
}

fn delivery(criterion: &mut Criterion) {
    let data: Vec<u8> = (0..TRANSFER).map(|index| index as u8).collect();
    for (size_name, message_size) in [("1 KiB", 1024), ("32 KiB", 32 * 1024)] {
        let mut group = criterion.benchmark_group(format!("delivery/{size_name}"));
        group.throughput(Throughput::Bytes(TRANSFER as u64)).sample_size(20);
        group.bench_function("copy and digest alone", |bencher| {
            let mut copy = vec![0; message_size];
            bencher.iter(|| {
                for chunk in data.chunks_exact(message_size) {
                    copy.copy_from_slice(chunk);
                    black_box(digest(&SHA256, &copy));
                }
            });
        });
        for (name, up, encrypted) in [
            ("client to agent", true, false),
            ("agent to client", false, false),
            ("client to agent, encrypted", true, true),
            ("agent to client, encrypted", false, true),
        ] {
            let mut pair = Pair::new(message_size, encrypted);
            group.bench_function(name, |bencher| bencher.iter(|| pair.transfer(up, &data)));
        }
        group.finish();
    }
}

criterion_group!(benches, delivery);
criterion_main!(benches);
