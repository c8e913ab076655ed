//! Agents without multiplexing, far away: whose bytes are whose.

use std::io::{Read, Write};
use std::time::Duration;

use ssmx::sandbox::Options;

use super::tunnel::{Aws, server};

const ANSWER: usize = 50_000;

/// A server that answers a byte with many like it, as fast as it can.
fn parrot() -> u16 {
    server(|mut stream| {
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            if stream.write_all(&[byte[0]; ANSWER]).is_err() {
                return;
            }
        }
    })
}

/// Connections that leave before their answers have come, each with a question of its own, and one that stays.
fn nobody_gets_what_is_not_his(change: impl FnOnce(&mut Options)) {
    let aws = Aws::new(|options| {
        options.agent_version = Some("2.3.1550.0".to_owned());
        options.faults_to_agent.delay = Duration::from_millis(170);
        options.faults_to_client.delay = Duration::from_millis(170);
        change(options);
    });
    let tunnel = aws.open(&["db", &format!("0:{}", parrot())]);
    for question in b"abc" {
        tunnel.connect().write_all(&[*question]).unwrap();
    }
    let mut stays = tunnel.connect();
    stays.write_all(b"x").unwrap();
    let mut answer = vec![0; ANSWER];
    stays.read_exact(&mut answer).unwrap();
    let foreign = answer.iter().position(|byte| *byte != b'x');
    assert_eq!(foreign.map(|at| (at, char::from(answer[at]))), None);
}

#[test]
fn an_answer_that_comes_late_is_nobody_elses() {
    nobody_gets_what_is_not_his(|_| {});
}

#[test]
fn an_answer_that_an_outage_has_delayed_is_nobody_elses() {
    nobody_gets_what_is_not_his(|options| {
        options.cut_client_every = Some(Duration::from_millis(900));
        options.cut_agent_every = Some(Duration::from_millis(700));
    });
}

#[test]
fn each_connection_to_a_server_that_speaks_first_hears_it() {
    let aws = Aws::new(|options| options.agent_version = Some("2.3.1550.0".to_owned()));
    let port = server(|mut stream| {
        let _ = stream.write_all(b"220 ready").and_then(|()| stream.read(&mut [0]));
    });
    let mut tunnel = aws.open(&["db", &format!("0:{port}")]);
    for _ in 0..3 {
        let mut greeting = [0; 9];
        tunnel.connect().read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"220 ready");
    }
    assert_eq!(tunnel.errors(), "", "that is how it goes");
}
