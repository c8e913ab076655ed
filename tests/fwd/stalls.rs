//! One connection that does not move, and the others of its session.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use insta::assert_snapshot;

use super::tunnel::{Aws, exchange, server};
use crate::support::waiting::poll_until;

/// More than anybody keeps for a connection that does not move.
const MUCH: usize = 24 << 20;

/// A server that does three things: to `!` it sends without end, from `?` it reads nothing more, the rest it sends back.
fn moody() -> u16 {
    server(|mut stream| {
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            match byte[0] {
                b'!' => while stream.write_all(&[7; 64 << 10]).is_ok() {},
                // Its client has it in its hands how long that is.
                b'?' => loop {
                    thread::park();
                },
                _ if stream.write_all(&byte).is_err() => return,
                _ => {}
            }
        }
    })
}

/// Whether a byte comes back.
fn answers(mut stream: &TcpStream) -> bool {
    let mut back = [0];
    stream.write_all(b"x").is_ok() && stream.read_exact(&mut back).is_ok() && back == *b"x"
}

#[test]
fn a_program_that_does_not_read_is_cut_and_the_others_go_on() {
    let aws = Aws::new(|_| {});
    let mut tunnel = aws.open_with(("SSMX_FORWARD_STALL", "2s"), &["db", "--lanes=1", &format!("0:{}", moody())]);
    let other = tunnel.connect();
    exchange(&other, b"before", 6);
    let mut stalled = tunnel.connect();
    stalled.write_all(b"!").unwrap();
    assert_snapshot!(tunnel.line_with("holds up"), @"ssmx: db:PORT: the program at 127.0.0.1:PORT does not read and holds up the other connections");
    assert_snapshot!(tunnel.line_with("cut"), @"ssmx: db:PORT: the program at 127.0.0.1:PORT does not read and has held up the other connections for 2s; it is cut (setting `forward_stall`)");
    exchange(&other, b"after", 5);
    exchange(&tunnel.connect(), b"new", 3);
    // It has what had come for it before, and then no orderly end.
    assert!(stalled.read_to_end(&mut Vec::new()).is_err());
    assert!(!tunnel.errors().contains("session has ended"), "{}", tunnel.errors());
}

#[test]
fn a_program_that_holds_up_nobody_may_stop_for_as_long_as_it_likes() {
    let aws = Aws::new(|_| {});
    let mut tunnel = aws.open_with(("SSMX_FORWARD_STALL", "100ms"), &["db", "--lanes=1", &format!("0:{}", moody())]);
    let mut alone = tunnel.connect();
    alone.write_all(b"!").unwrap();
    let mut back = vec![0; 1 << 20];
    for _ in 0..MUCH >> 20 {
        alone.read_exact(&mut back).unwrap();
        assert!(back.iter().all(|byte| *byte == 7));
    }
    assert_eq!(tunnel.errors(), "");
}

#[test]
fn a_destination_that_does_not_read_costs_its_session_and_new_connections_go_on() {
    let mut aws = Aws::new(|_| {});
    let mut tunnel = aws.open_with(("SSMX_FORWARD_STALL", "2s"), &["db", "--lanes=1", &format!("0:{}", moody())]);
    let other = tunnel.connect();
    exchange(&other, b"before", 6);
    let stalled = tunnel.connect();
    thread::scope(|scope| {
        let writing = scope.spawn(|| (&stalled).write_all(b"?").and_then(|()| (&stalled).write_all(&vec![7; MUCH])));
        // It waits behind what is not read.
        poll_until("the other is told", || !answers(&other));
        poll_until("a new connection goes on", || answers(&tunnel.connect()));
        assert!(writing.join().unwrap().is_err(), "who sent it is told");
    });
    assert_snapshot!(tunnel.line_with("holds up the other connections"), @"ssmx: db:PORT: the destination does not read what 127.0.0.1:PORT sends and holds up the other connections");
    assert_snapshot!(tunnel.line_with("is ended"), @"ssmx: db:PORT: the destination does not read what 127.0.0.1:PORT sends and has held up the other connections for 2s; their session is ended (setting `forward_stall`)");
    poll_until("the session that did not move is ended", || aws.service().active_sessions().len() == 1);
}
