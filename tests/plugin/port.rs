//! Ports, and the stream that ssh runs over.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use rustix::process::Signal;

use super::play::{Play, Running};
use crate::support::snapshot::settled;

/// A server on a port of the "instance", which is this machine: sends back what it gets, in capitals.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    buffer[..read].make_ascii_uppercase();
                    if stream.write_all(&buffer[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

fn ask(mut stream: impl Read + Write) -> String {
    stream.write_all(b"ping\n").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}

#[test]
fn a_port_is_opened_and_said_as_scripts_expect() {
    let play = Play::new();
    let port = server().to_string();
    let session = play.start(Some("AWS-StartPortForwardingSession"), &[("portNumber", &port)]);
    let id = &session.id;
    let mut plugin = Running::spawn(play.take_over_ignoring_keys(&session));
    let said = plugin.wait_for("Waiting for connections...");
    assert!(said.starts_with(&format!("\nStarting session with SessionId: {id}\nPort ")), "{said}");
    let (local, _) = said.split_once("Port ").unwrap().1.split_once(' ').unwrap();
    assert!(said.contains(&format!("Port {local} opened for sessionId {id}.\n")), "{said}");
    let local: u16 = local.parse().unwrap();

    let mut streams = Vec::new();
    for _ in 0..3 {
        let stream = TcpStream::connect(("127.0.0.1", local)).unwrap();
        assert_eq!(ask(&stream), "PING\n");
        streams.push(stream);
    }
    let said = plugin.wait_for("Connection accepted for session");
    assert_eq!(said.matches(&format!("Connection accepted for session [{id}]\n")).count(), 1, "{said}");
    streams[0].shutdown(Shutdown::Both).unwrap();
    assert_eq!(ask(&streams[1]), "PING\n");

    plugin.kill(Signal::INT);
    let (status, said) = plugin.wait();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.ends_with(&format!("Exiting session with sessionId: {id}.\n\n")), "{said}");
    play.wait_until_over(id);
}

#[test]
fn every_key_that_could_end_it_ends_it() {
    let play = Play::new();
    for signal in [Signal::INT, Signal::QUIT, Signal::TSTP] {
        let session = play.start(Some("AWS-StartPortForwardingSession"), &[("portNumber", "80")]);
        let mut plugin = Running::spawn(play.take_over_ignoring_keys(&session));
        plugin.wait_for("Waiting for connections...");
        plugin.kill(signal);
        let (status, said) = plugin.wait_without_end_of_input();
        assert_eq!(status.code(), Some(0), "{signal:?}: {said}");
        let said = settled(&said);
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @"

            Starting session with SessionId: SESSION-ID
            Port PORT opened for sessionId SESSION-ID.
            Waiting for connections...
            Terminate signal received, exiting.


            Exiting session with sessionId: SESSION-ID.
            ");
        }
        play.wait_until_over(&session.id);
    }
}

#[test]
fn a_local_port_can_be_named_and_one_that_is_taken_ends_the_session() {
    let play = Play::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let parameters = [("portNumber", "80"), ("localPortNumber", port.as_str())];
    let session = play.start(Some("AWS-StartPortForwardingSession"), &parameters);
    let refused = crate::support::command::run(&mut play.take_over(&session));
    assert_eq!(refused.code(), 1, "{refused:?}");
    // Only Linux tells who has a port.
    if cfg!(target_os = "linux") {
        insta::assert_snapshot!(refused.shown(), @"
        exit code: 1
        --- stdout

        Starting session with SessionId: SESSION-ID
        --- stderr
        error: port PORT is taken by e2e (pid PID)
        ");
    }
    play.wait_until_over(&session.id);
}

#[test]
fn a_session_that_is_ended_elsewhere_closes_the_port() {
    let play = Play::new();
    let session = play.start(Some("AWS-StartPortForwardingSession"), &[("portNumber", "80")]);
    let mut plugin = Running::spawn(play.take_over(&session));
    plugin.wait_for("Waiting for connections...");
    play.terminate(&session.id);
    let (status, said) = plugin.wait();
    assert_eq!(status.code(), Some(0), "{said}");
    insta::assert_snapshot!(settled(&said), @"

    Starting session with SessionId: SESSION-ID
    Port PORT opened for sessionId SESSION-ID.
    Waiting for connections...


    Exiting session with sessionId: SESSION-ID.
    ");
}

#[test]
fn a_local_socket_serves_too() {
    let play = Play::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plugin.sock");
    let port = server().to_string();
    let parameters = [("portNumber", port.as_str()), ("localUnixSocket", path.to_str().unwrap())];
    let session = play.start(Some("AWS-StartPortForwardingSessionToSocket"), &parameters);
    let mut plugin = Running::spawn(play.take_over(&session));
    let said = plugin.wait_for("Waiting for connections...");
    insta::assert_snapshot!(settled(&said), @"

    Starting session with SessionId: SESSION-ID
    Unix socket /tmp/TEMPORARY/plugin.sock opened for sessionId SESSION-ID.
    Waiting for connections...
    ");
    assert_eq!(ask(UnixStream::connect(&path).unwrap()), "PING\n");
    plugin.kill(Signal::TERM);
    let (status, _) = plugin.wait();
    assert_eq!(status.code(), Some(143));
    assert!(!path.exists());
}

#[test]
fn ssh_gets_its_bytes_and_nothing_else() {
    let play = Play::new();
    let port = server().to_string();
    let session = play.start(Some("AWS-StartSSHSession"), &[("portNumber", &port)]);
    let mut plugin = Running::spawn(play.take_over(&session));
    let lines = "ssh-2.0\n\r\n\n~.\n";
    plugin.send(lines);
    let said = plugin.wait_for("~.\n");
    assert_eq!(said, lines.to_uppercase());
    let (status, said) = plugin.wait();
    assert_eq!((status.code(), said), (Some(0), lines.to_uppercase()));
    play.wait_until_over(&session.id);
}
