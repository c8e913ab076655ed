//! A client and a server joined by two pipes in memory.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::protocol::Role;
use crate::protocol::smux::{Config, Event, Mux, StreamId};

/// A multiplexer and what it has sent that did not arrive yet.
pub(super) struct End {
    pub(super) mux: Mux,
    pub(super) wire: BytesMut,
}

pub(super) struct Pair {
    pub(super) ends: [End; 2],
    pub(super) now: Instant,
}

pub(super) const CLIENT: usize = 0;
pub(super) const SERVER: usize = 1;

impl Pair {
    pub(super) fn new(config: Config) -> Self {
        let now = Instant::now();
        let end = |role| End { mux: Mux::new(role, config, now), wire: BytesMut::new() };
        Self { ends: [end(Role::Client), end(Role::Agent)], now }
    }

    /// Lets one end send at most `max` bytes to the pipe. False when it had nothing.
    pub(super) fn transmit(&mut self, from: usize, max: usize) -> bool {
        let Some(out) = self.ends[from].mux.poll_transmit(max) else { return false };
        assert!(out.len() <= max, "{} bytes where {max} were allowed", out.len());
        self.ends[from].wire.extend_from_slice(&out);
        true
    }

    /// Hands at most `max` bytes from the pipe to the end that they are for. False when there are none, or it does
    /// not read now.
    pub(super) fn deliver(&mut self, from: usize, max: usize) -> bool {
        let [client, server] = &mut self.ends;
        let (sender, receiver) = if from == CLIENT { (client, server) } else { (server, client) };
        if sender.wire.is_empty() || !receiver.mux.can_receive() {
            return false;
        }
        let data = sender.wire.split_to(max.min(sender.wire.len())).freeze();
        receiver.mux.handle_data(self.now, data).unwrap();
        true
    }

    /// Sends and delivers until nothing moves.
    pub(super) fn settle(&mut self) {
        loop {
            let mut moved = false;
            for end in [CLIENT, SERVER] {
                moved |= self.transmit(end, 4_096);
                moved |= self.deliver(end, 1_024);
            }
            if !moved {
                return;
            }
        }
    }

    pub(super) fn client(&mut self) -> &mut Mux {
        &mut self.ends[CLIENT].mux
    }

    pub(super) fn server(&mut self) -> &mut Mux {
        &mut self.ends[SERVER].mux
    }
}

pub(super) fn events(mux: &mut Mux) -> Vec<Event> {
    std::iter::from_fn(|| mux.poll_event()).collect()
}

pub(super) fn read_all(mux: &mut Mux, id: StreamId) -> Vec<u8> {
    std::iter::from_fn(|| mux.read(id)).flatten().collect()
}

/// `len` bytes that differ from those of other seeds and from place to place.
pub(super) fn noise(seed: u64, len: usize) -> Bytes {
    let mut random = Random(seed ^ 0x5eed);
    (0..len).map(|_| random.below(256) as u8).collect()
}

/// SplitMix64: small, and the same on every platform and in every version.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}
