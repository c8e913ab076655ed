//! The connection to the service is cut, and those of the tunnel go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use ssmx::sandbox::ApiFault;

use super::tunnel::{Aws, echo, exchange, noise};

/// Bytes that are made and compared at a time.
const PIECE: usize = 1 << 20;

/// Sends so many pieces while reading them back, and compares.
fn exchange_pieces(stream: &TcpStream, seed: u64, pieces: u64) {
    let piece = |number| noise(seed * 1_000 + number, PIECE);
    thread::scope(|scope| {
        scope.spawn(|| (0..pieces).for_each(|number| (&*stream).write_all(&piece(number)).unwrap()));
        let mut back = vec![0; PIECE];
        for number in 0..pieces {
            (&*stream).read_exact(&mut back).unwrap();
            assert!(back == piece(number), "piece {number} of {pieces}, seed {seed}");
        }
    });
}

#[test]
fn a_cut_every_two_seconds_during_256_mib_each_way() {
    let aws = Aws::new(|options| {
        options.cut_client_every = Some(Duration::from_secs(2));
        options.api_faults.push(ApiFault::slow("ssm:ResumeSession", Duration::from_millis(400)));
    });
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    // One that has nothing to say while the others are cut lives on as well.
    let quiet = tunnel.connect();
    exchange(&quiet, b"before", 6);
    let streams = [tunnel.connect(), tunnel.connect()];
    thread::scope(|scope| {
        for (seed, stream) in streams.iter().enumerate() {
            scope.spawn(move || exchange_pieces(stream, seed as u64, 128));
        }
    });
    exchange(&quiet, b"after", 5);
    let restored = tunnel.errors().matches("connection restored").count();
    assert!(restored > 0, "{}", tunnel.errors());
    assert!(!tunnel.errors().contains("session has ended"), "{}", tunnel.errors());
}

#[test]
fn a_cut_of_the_agent_loses_nothing() {
    const SEED: u64 = 11;
    let aws = Aws::new(|options| {
        options.cut_client_every = Some(Duration::from_millis(700));
        options.cut_agent_every = Some(Duration::from_millis(500));
    });
    let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    exchange_pieces(&tunnel.connect(), SEED, 16);
}
