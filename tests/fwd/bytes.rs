//! Every byte arrives as it went, whatever happens on the way.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use super::tunnel::{Aws, connect, echo, exchange, noise, server};

/// All byte values, and line feeds alone at the ends of pieces of the sizes that are used on the way.
fn awkward() -> Vec<u8> {
    let mut data: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for size in [1024, 4096, 8192, 16_384, 32_768] {
        for at in (size..data.len()).step_by(size) {
            data[at - 1] = b'\n';
            data[at] = b'\n';
        }
    }
    data
}

#[test]
fn all_bytes_come_back_as_they_went() {
    let aws = Aws::new(|_| {});
    let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let stream = tunnel.connect();
    for piece in [1, 1023, 1024, 1025, 70_000] {
        let length = if piece == 1 { 2_000 } else { usize::MAX };
        let data = awkward();
        exchange(&stream, &data[..data.len().min(length)], piece);
    }
    exchange(&stream, b"\n", 1);
}

#[test]
fn all_bytes_come_back_from_an_agent_without_multiplexing() {
    for version in ["2.3.1550.0", "3.0.196.0"] {
        let aws = Aws::new(|options| options.agent_version = Some(version.to_owned()));
        let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
        for _ in 0..2 {
            exchange(&tunnel.connect(), &awkward(), 10_000);
        }
    }
}

#[test]
fn fifty_connections_at_once_do_not_mix() {
    let aws = Aws::new(|_| {});
    let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let streams: Vec<_> = (0..50).map(|_| tunnel.connect()).collect();
    thread::scope(|scope| {
        for (number, stream) in streams.iter().enumerate() {
            scope.spawn(move || exchange(stream, &noise(number as u64, 20_000), 3_000));
        }
    });
}

#[test]
fn a_half_closed_request_gets_its_whole_answer() {
    let aws = Aws::new(|_| {});
    let answer = noise(7, 300_000);
    let for_server = answer.clone();
    let port = server(move |mut stream| {
        let mut request = [0; 18];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&for_server).unwrap();
    });
    let tunnel = aws.open(&["db", &format!("0:{port}")]);
    let mut stream = tunnel.connect();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert!(got == answer, "{} of {} bytes", got.len(), answer.len());
}

#[test]
fn cuts_lose_nothing() {
    const SEED: u64 = 11;
    let aws = Aws::new(|options| options.cut_client_every = Some(Duration::from_millis(500)));
    let mut tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    exchange(&tunnel.connect(), &noise(SEED, 32 << 20), 1 << 20);
    assert!(tunnel.errors().contains("connection restored"), "{}", tunnel.errors());
}

#[test]
fn connections_opened_and_closed_at_random_do_not_cross() {
    const SEED: u64 = 20_261_121;
    let aws = Aws::new(|_| {});
    let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let address = tunnel.addresses(0)[0];
    thread::scope(|scope| {
        for worker in 0..10_u64 {
            scope.spawn(move || {
                for number in 0..50 {
                    let fate = noise(SEED + worker * 1_000 + number, 4);
                    let stream = connect(address);
                    match fate[0] % 4 {
                        0 => {}
                        1 => drop((&stream).write_all(&fate)),
                        _ => exchange(&stream, &noise(number, usize::from(fate[1]) * 64 + 1), 2_000),
                    }
                }
            });
        }
    });
    exchange(&tunnel.connect(), b"still here", 10);
}
