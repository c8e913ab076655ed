//! Multiplexed port sessions: a connection to the destination for each stream that the client opens.
//!
//! As with the real agent, destinations are dialled one after the other; one that refuses is told with a flag and ends
//! its stream only; and when either end of a connection is done, the connection is closed in both directions. A client
//! that is done sending therefore loses the rest of the answer.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::streams::Streams;
use crate::protocol::Flag;
use crate::protocol::smux::{KeepAlive, StreamId};
use crate::sandbox::agent::destination::Destination;
use crate::sandbox::agent::pacer::Pacer;
use crate::sandbox::agent::program::{Input, Io, Output, OutputSender, chunk_size};
use crate::sandbox::{Outcome, Pace};

/// Bytes read from a connection at once, as the real agent copies.
const READ: usize = 32 * 1024;

/// Serves a session to its end. Dropping the future closes all connections.
pub(crate) async fn run(destination: Destination, keep_alive: Option<KeepAlive>, pace: Pace, io: Io) -> Outcome {
    let Io { mut input, output } = io;
    let streams = Arc::new(Streams::new(keep_alive));
    output.send(Output::Accepting(true)).await;
    tokio::select! {
        outcome = receive(&streams, &mut input) => outcome,
        error = streams.keep_alive() => {
            tracing::debug!(%error, "the multiplexer has ended");
            Outcome::failed("")
        }
        () = send(&streams, pace, &output) => unreachable!("a session can always send"),
        () = accept(&streams, &destination, &output) => unreachable!("a session can always accept"),
    }
}

/// Hands what the client sends to the streams. While they cannot take it, flags wait as well.
async fn receive(streams: &Streams, input: &mut mpsc::Receiver<Input>) -> Outcome {
    loop {
        streams.receivable().await;
        match input.recv().await {
            Some(Input::Bytes(bytes)) => {
                if let Err(error) = streams.receive(bytes) {
                    tracing::debug!(%error, "the client does not speak the multiplexer's protocol");
                    return Outcome::failed("");
                }
            }
            Some(Input::Flag(Flag::TerminateSession)) => return Outcome::success(),
            Some(Input::Flag(_) | Input::Size(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Sends what the streams have, in messages that begin and end anywhere in a frame.
async fn send(streams: &Streams, pace: Pace, output: &OutputSender) {
    let mut pacer = Pacer::new(pace);
    loop {
        let mut bytes = streams.output().await;
        while !bytes.is_empty() {
            let chunk = bytes.split_to(chunk_size(pace).min(bytes.len()));
            output.send(Output::Bytes(chunk)).await;
            pacer.wait().await;
        }
    }
}

async fn accept(streams: &Arc<Streams>, destination: &Destination, output: &OutputSender) {
    let mut connections = JoinSet::new();
    loop {
        let id = streams.accept().await;
        while connections.try_join_next().is_some() {}
        match destination.dial().await {
            Ok(socket) => {
                connections.spawn(carry(Arc::clone(streams), id, socket));
            }
            Err(error) => {
                tracing::debug!(error, "no connection");
                output.send(Output::Flag(Flag::ConnectToPortError)).await;
                streams.close(id);
            }
        }
    }
}

/// Carries one connection until either of its directions ends.
async fn carry(streams: Arc<Streams>, id: StreamId, mut socket: TcpStream) {
    let (mut reader, mut writer) = socket.split();
    let to_client = async {
        let mut buffer = BytesMut::with_capacity(READ);
        while let Ok(1..) = reader.read_buf(&mut buffer).await {
            if streams.write(id, buffer.split().freeze()).await.is_err() {
                return;
            }
            buffer.reserve(READ);
        }
    };
    let to_destination = async {
        while let Some(bytes) = streams.read(id).await {
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = to_client => {}
        () = to_destination => {}
    }
    streams.close(id);
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sandbox::agent::tests::mux::*;
    use crate::sandbox::agent::tests::{forward, session, session_of};

    fn client(port: u16) -> MuxClient {
        MuxClient::new(session(forward(port, None), |_| {}))
    }

    #[tokio::test]
    async fn twenty_streams_go_at_once() {
        let mut client = client(echo().await);
        let streams: Vec<_> = (0..20_u8).map(|n| (client.open(vec![n; 2_048]), n)).collect();
        client.until(|client| streams.iter().all(|(id, _)| client.received[id].len() == 2_048)).await;
        for (id, n) in streams {
            assert!(client.received[&id].iter().all(|byte| *byte == n), "stream {n}");
        }
        assert!(client.finished.is_empty());
        client.end().await;
    }

    #[tokio::test]
    async fn a_refused_connection_is_told_and_the_session_goes_on() {
        let (listener, port) = listen().await;
        drop(listener);
        let mut client = client(port);
        let id = client.open("nobody hears");
        client.until(|client| client.finished.contains(&id)).await;
        assert_eq!(client.client.flags, [Flag::ConnectToPortError]);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        client.open("hello");
        let mut socket = client.during(accepted(&listener)).await;
        assert_eq!(client.during(heard(&mut socket, 5)).await, b"hello");
        client.end().await;
    }

    #[tokio::test]
    async fn a_client_that_is_done_closes_the_whole_connection() {
        let (listener, port) = listen().await;
        let mut client = client(port);
        let id = client.open("question");
        let mut socket = client.during(accepted(&listener)).await;
        assert_eq!(client.during(heard(&mut socket, 8)).await, b"question");
        client.mux.finish(id);
        client.until(|client| client.finished.contains(&id)).await;
        assert!(is_closed(&mut socket).await);
        assert_eq!(client.received[&id], b"", "no answer gets through");
        client.end().await;
    }

    #[tokio::test]
    async fn a_server_that_is_done_closes_the_whole_connection() {
        let (listener, port) = listen().await;
        let mut client = client(port);
        let id = client.open("");
        let server = async {
            let mut socket = accepted(&listener).await;
            say(&mut socket, b"answer").await;
            tokio::io::AsyncWriteExt::shutdown(&mut socket).await.unwrap();
            socket
        };
        let (_, mut socket) = tokio::join!(client.until(|client| client.finished.contains(&id)), server);
        assert_eq!(client.received[&id], b"answer");
        assert!(is_closed(&mut socket).await);
        client.end().await;
    }

    #[tokio::test]
    async fn eight_mebibytes_come_back_as_they_went() {
        let mut client = client(echo().await);
        let mut state = 1_u32;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(8 << 20)
        .collect();
        let id = client.open(bytes.clone());
        client.until(|client| client.received[&id].len() >= bytes.len()).await;
        assert!(client.received[&id] == bytes, "something was changed on the way");
        client.end().await;
    }

    #[tokio::test]
    async fn one_that_does_not_read_stops_nobody_at_first_and_loses_nothing() {
        let (listener, port) = listen().await;
        let mut client = client(port);
        let stalled = client.open(vec![0; 3 << 20]);
        let mut slow = client.during(accepted(&listener)).await;
        client.flush().await;
        let other = client.open("");
        let server = async {
            let mut socket = accepted(&listener).await;
            say(&mut socket, b"alive").await;
            socket
        };
        let (_, _kept) = tokio::join!(client.says(other, "alive"), server);
        client.write(stalled, vec![1; 9 << 20]);
        let bytes = client.during(heard(&mut slow, 12 << 20)).await;
        assert!(bytes.iter().enumerate().all(|(at, byte)| (at >= 3 << 20) == (*byte == 1)));
        client.end().await;
    }

    #[tokio::test]
    async fn termination_leaves_no_connection() {
        let (listener, port) = listen().await;
        let mut client = client(port);
        let ids = [client.open("a"), client.open("b")];
        let mut sockets = client.during(async { [accepted(&listener).await, accepted(&listener).await] }).await;
        for socket in &mut sockets {
            client.during(heard(socket, 1)).await;
        }
        assert_eq!(ids.len(), client.mux.streams().len());
        client.client.terminate();
        assert_eq!(client.outcome().await, Outcome::success());
        for socket in &mut sockets {
            assert!(is_closed(socket).await);
        }
    }

    #[tokio::test]
    async fn what_is_no_multiplexer_ends_the_session() {
        let mut client = session(forward(echo().await, None), |_| {});
        client.send("GET / HTTP/1.0\r\n\r\n");
        assert_eq!(client.outcome().await, Outcome::failed(""));
    }

    #[tokio::test]
    async fn a_forbidden_host_fails_the_session() {
        for host in ["169.254.169.254", "fd00:ec2::254"] {
            let outcome = session(forward(80, Some(host)), |_| {}).outcome().await;
            assert_eq!(outcome, Outcome::failed(format!("Forwarding to IP address {host} is forbidden.")));
        }
    }

    #[tokio::test]
    async fn a_host_of_the_network_is_this_machine_and_others_refuse() {
        let port = echo().await;
        for (host, version) in [("orders.rds.amazonaws.com", "3.3.3050.0"), ("192.0.2.1", "3.1.1000.0")] {
            let session = session(forward(port, Some(host)), |session| session.agent_version = version.to_owned());
            let mut client = MuxClient::new(session);
            let id = client.open("select 1");
            client.says(id, "select 1").await;
            client.end().await;
        }
        let mut client = MuxClient::new(session(forward(port, Some("192.0.2.1")), |_| {}));
        let id = client.open("select 1");
        client.until(|client| client.finished.contains(&id)).await;
        assert_eq!(client.client.flags, [Flag::ConnectToPortError]);
        client.end().await;
    }

    #[tokio::test]
    async fn old_clients_are_kept_alive_and_new_ones_are_not() {
        const NOP: &[u8] = &[1, 3, 0, 0, 0, 0, 0, 0];
        let started = Instant::now();
        let mut old = session_of("1.2.331.0", forward(echo().await, None), |_| {});
        let mut new = session(forward(echo().await, None), |_| {});
        tokio::select! {
            () = old.until(|client| client.stdout == NOP) => {}
            () = new.until(|client| !client.stdout.is_empty()) => panic!("{:?}", new.stdout),
        }
        assert!(started.elapsed() >= KeepAlive::default().interval);
    }

    #[tokio::test]
    async fn the_real_pace_is_a_mebibyte_a_second() {
        let session = session(forward(echo().await, None), |session| session.pace = Pace::Real);
        let mut client = MuxClient::new(session);
        let started = Instant::now();
        let id = client.open(vec![7; 300_000]);
        client.until(|client| client.received[&id].len() == 300_000).await;
        assert!(started.elapsed().as_secs_f64() > 0.29, "{:?}", started.elapsed());
        assert!(client.client.messages.iter().all(|message| message.len() <= 1024));
        client.end().await;
    }
}
