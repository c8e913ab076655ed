//! Every byte arrives as it went, whatever happens on the way.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use ssmx::sandbox::Pace;

use super::tunnel::{Aws, echo, exchange, noise, server};

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
fn a_lone_line_feed_stays_one_wherever_it_stands() {
    let aws = Aws::new(|options| options.pace = Pace::Real);
    let tunnel = aws.open(&["db", &format!("0:{}", echo())]);
    let stream = tunnel.connect();
    // The agent cuts what comes back at 1,024 bytes of the session, heads of frames included: so each position around
    // a boundary, with the rest of the message before it and after it.
    for position in (1..48).chain(1_000..1_072).chain([2_039, 2_040, 2_041, 2_047, 2_048, 2_049]) {
        let mut data: Vec<u8> = (0..=255).cycle().take(2_100).collect();
        data[position] = b'\n';
        exchange(&stream, &data[..=position], usize::MAX);
        exchange(&stream, &data[position..], usize::MAX);
        exchange(&stream, b"\n", 1);
    }
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
