//! Tunnels over agents in memory.

mod ending;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::observer::Opener;
use super::tally::Tally;
use super::testing::{Agents, Heard, echo, server};
use super::{Bind, Limits, Listen, Listener, LocalPort, Probe, Route, Stop, begin, connect, copy, serve};
use crate::channel::{Channel, Command, End, Event};
use crate::protocol::Flag;

const NEW: &str = "3.3.2299.0";
const OLD: &str = "2.3.1550.0";
const DEADLINE: Duration = Duration::from_secs(30);

struct Open {
    address: SocketAddr,
    agents: Agents,
    heard: Arc<Heard>,
    stop: watch::Sender<Stop>,
    task: JoinHandle<bool>,
}

impl Open {
    async fn to(destination: SocketAddr, version: &'static str) -> Self {
        let agents = Agents::new(destination, version);
        let listen = Listen::Tcp { bind: Bind::Loopback, port: LocalPort::Any };
        let listener = Listener::open(&listen).unwrap();
        let address = listener.addresses()[0];
        let heard = Arc::new(Heard::default());
        let (stop, stopped) = watch::channel(Stop::Not);
        let mut route = Route::new(agents.clone(), Arc::clone(&heard), stopped.clone());
        assert!(route.open().await.unwrap());
        let task = tokio::spawn(serve(vec![listener], route, stopped));
        Self { address, agents, heard, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn close(self) {
        self.stop.send_replace(Stop::Now);
        timeout(DEADLINE, self.task).await.unwrap().unwrap();
        assert!(TcpStream::connect(self.address).await.is_err(), "the listener is closed");
        assert_eq!(self.agents.terminated.load(Ordering::SeqCst), 1);
    }
}

async fn exchange(stream: &mut TcpStream, data: &[u8]) {
    let (mut reader, mut writer) = stream.split();
    let mut back = vec![0; data.len()];
    let (written, read) = tokio::join!(writer.write_all(data), reader.read_exact(&mut back));
    written.unwrap();
    read.unwrap();
    assert!(back == data, "{} bytes came back otherwise", data.len());
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn many_connections_at_a_time_do_not_mix() {
    let tunnel = Open::to(server(echo).await, NEW).await;
    let mut all = JoinSet::new();
    for number in 0..50 {
        let mut stream = tunnel.connect().await;
        all.spawn(async move {
            for round in 0..4 {
                exchange(&mut stream, &noise(number * 7 + round, 1 + 5_000 * round as usize)).await;
            }
        });
    }
    timeout(DEADLINE, all.join_all()).await.unwrap();
    tunnel.close().await;
}

#[tokio::test]
async fn the_answer_to_a_half_closed_request_arrives_whole() {
    let destination = server(|mut stream: TcpStream| async move {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await?;
            request.push(byte);
        }
        for part in 0..100 {
            stream.write_all(&noise(part, 1_000)).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    })
    .await;
    let tunnel = Open::to(destination, NEW).await;
    let mut stream = tunnel.connect().await;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer == (0..100).flat_map(|part| noise(part, 1_000)).collect::<Vec<_>>());
    tunnel.close().await;
}

#[tokio::test]
async fn a_held_back_end_is_sent_after_a_time_of_silence() {
    let (channel, mut commands, events) = Channel::multiplexed_for_tests("session", 1024);
    let streams = channel.streams().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut program = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let incoming = listener.accept().await.unwrap().0.into();
    let half_close = Duration::from_millis(300);
    let (_hurry, hurried) = watch::channel(false);
    tokio::spawn(copy::serve(
        incoming,
        streams.open(String::new()).unwrap(),
        half_close,
        hurried,
        Tally::new().enter(),
    ));
    program.write_all(b"all of it").await.unwrap();
    program.shutdown().await.unwrap();
    let began = std::time::Instant::now();
    let mut sent = Vec::new();
    // SYN, the data, FIN.
    while !sent.ends_with(&[1, 1, 0, 0, 3, 0, 0, 0]) {
        match commands.recv().await.unwrap() {
            Command::Write(bytes) => sent.extend_from_slice(&bytes),
            Command::Deliver(done) => {
                assert!(sent.ends_with(b"all of it"), "asked too early");
                done.send(()).unwrap();
            }
            other @ (Command::Flag(_) | Command::Flush(_)) => panic!("{other:?}"),
        }
    }
    assert!(began.elapsed() >= half_close, "{:?}", began.elapsed());
    assert_eq!(sent, b"\x01\0\0\0\x03\0\0\0\x01\x02\x09\0\x03\0\0\0all of it\x01\x01\0\0\x03\0\0\0");
    events.send(Event::Output(Bytes::from_static(b"\x01\x01\0\0\x03\0\0\0"))).await.unwrap();
    assert_eq!(timeout(DEADLINE, program.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_refused_destination_ends_that_connection_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let destination = listener.local_addr().unwrap();
    drop(listener);
    let tunnel = Open::to(destination, NEW).await;
    for _ in 0..2 {
        let mut stream = tunnel.connect().await;
        assert_eq!(timeout(DEADLINE, stream.read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
    }
    assert_eq!(tunnel.heard.all(), ["Refused", "Refused"]);
    let listener = TcpListener::bind(destination).await.unwrap();
    let mut stream = tunnel.connect().await;
    let mut accepted = listener.accept().await.unwrap().0;
    stream.write_all(b"x").await.unwrap();
    assert_eq!(accepted.read_u8().await.unwrap(), b'x');
    tunnel.close().await;
}

#[tokio::test]
async fn a_reader_that_stalls_does_not_stop_the_others() {
    let destination = server(|mut stream: TcpStream| async move {
        // A client that sends this gets more than it reads.
        if stream.read_u8().await? == b'!' {
            return stream.write_all(&vec![7; 2 << 20]).await;
        }
        stream.write_all(b"fine").await
    })
    .await;
    let tunnel = Open::to(destination, NEW).await;
    let mut stalled = tunnel.connect().await;
    stalled.write_all(b"!").await.unwrap();
    for _ in 0..20 {
        let mut other = tunnel.connect().await;
        other.write_all(b"?").await.unwrap();
        let mut answer = Vec::new();
        timeout(DEADLINE, other.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, b"fine");
    }
    let mut rest = Vec::new();
    timeout(DEADLINE, stalled.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest.len(), 2 << 20);
    tunnel.close().await;
}

#[tokio::test]
async fn an_expired_session_is_replaced_at_the_next_connection() {
    let tunnel = Open::to(server(echo).await, NEW).await;
    let mut first = tunnel.connect().await;
    exchange(&mut first, b"before").await;
    tunnel.agents.expire.notify_one();
    let ended = timeout(DEADLINE, first.read(&mut [0; 1])).await.unwrap();
    assert!(ended.is_err(), "a cut is not an orderly end: {ended:?}");
    assert_eq!(tunnel.agents.started.load(Ordering::SeqCst), 1, "no connection has come yet");
    let mut second = tunnel.connect().await;
    timeout(DEADLINE, exchange(&mut second, b"after")).await.unwrap();
    assert_eq!(tunnel.heard.all(), ["Ended(Expired)", "Replaced(\"session-2\")"]);
    tunnel.close().await;
}

#[tokio::test]
async fn connections_opened_and_closed_at_random_leak_nothing() {
    const SEED: u64 = 20_261_121;
    let tunnel = Open::to(server(echo).await, NEW).await;
    let mut all = JoinSet::new();
    for number in 0..500_u64 {
        let fate = noise(SEED + number, 3);
        let mut stream = tunnel.connect().await;
        all.spawn(async move {
            if fate[0] > 40 {
                exchange(&mut stream, &noise(number, usize::from(fate[1]) * 40 + 1)).await;
            }
            match fate[2] % 3 {
                0 => stream.set_zero_linger().unwrap(),
                1 => stream.shutdown().await.unwrap(),
                _ => {}
            }
        });
        if all.len() >= 60 {
            all.join_next().await.unwrap().unwrap_or_else(|error| panic!("seed {SEED}: {error}"));
        }
    }
    timeout(DEADLINE, all.join_all()).await.unwrap();
    let mut last = tunnel.connect().await;
    exchange(&mut last, b"still here").await;
    tunnel.close().await;
}

#[tokio::test]
async fn whether_the_destination_accepts_can_be_asked() {
    let heard = Arc::new(Heard::default());
    let agents = Agents::new(server(echo).await, NEW);
    let session = connect(agents.open().await.unwrap(), &heard, Limits::default()).await.unwrap();
    assert_eq!(timeout(DEADLINE, session.probe()).await.unwrap(), Probe::Accepts);
    session.terminate().await;

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let agents = Agents::new(closed, NEW);
    let mut session = connect(agents.open().await.unwrap(), &heard, Limits::default()).await.unwrap();
    assert_eq!(timeout(DEADLINE, session.probe()).await.unwrap(), Probe::Refuses);
    agents.expire.notify_one();
    timeout(DEADLINE, session.split().0).await.unwrap();
    assert_eq!(timeout(DEADLINE, session.probe()).await.unwrap(), Probe::Over);
}

#[tokio::test]
async fn the_end_of_a_session_is_heard_also_where_there_was_more_to_send() {
    // Which of several things that are ready comes first is a matter of chance.
    for _ in 0..50 {
        let (channel, commands, events) = Channel::multiplexed_for_tests("session", 1024);
        let streams = channel.streams().unwrap();
        let session = begin(channel, &Arc::new(Heard::default()));
        let stream = streams.open(String::new()).unwrap();
        stream.write(Bytes::from_static(b"too late")).await.unwrap();
        events.try_send(Event::Ended(End::Closed("Forwarding is forbidden.".to_owned()))).unwrap();
        drop(commands);
        let end = session.end().await;
        assert!(matches!(&end, End::Closed(reason) if reason == "Forwarding is forbidden."), "{end:?}");
        assert!(streams.has_lost());
    }
}

#[tokio::test]
async fn without_multiplexing_connections_take_turns_and_each_has_a_session() {
    let tunnel = Open::to(server(echo).await, OLD).await;
    let mut first = tunnel.connect().await;
    let mut second = tunnel.connect().await;
    second.write_all(b"second").await.unwrap();
    exchange(&mut first, &noise(1, 100_000)).await;
    drop(first);
    let mut answer = [0; 6];
    timeout(DEADLINE, second.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"second");
    assert_eq!(tunnel.agents.started.load(Ordering::SeqCst), 2);
    assert_eq!(tunnel.heard.all(), [""; 0], "that is how it goes");
    let agents = tunnel.agents.clone();
    tunnel.stop.send_replace(Stop::Now);
    timeout(DEADLINE, tunnel.task).await.unwrap().unwrap();
    assert_eq!(agents.terminated.load(Ordering::SeqCst), 2);
    assert_eq!(agents.flags.lock().unwrap()[0], Flag::DisconnectToPort);
}

#[tokio::test]
async fn without_multiplexing_the_destination_ends_the_session_and_another_follows() {
    let destination = server(|mut stream: TcpStream| async move {
        stream.write_all(b"hello ").await?;
        let byte = stream.read_u8().await?;
        stream.write_all(&[byte]).await
    })
    .await;
    let tunnel = Open::to(destination, OLD).await;
    for byte in [b'1', b'2'] {
        let mut stream = tunnel.connect().await;
        stream.write_all(&[byte]).await.unwrap();
        let mut answer = Vec::new();
        timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, [b"hello ", &[byte][..]].concat());
    }
    assert_eq!(tunnel.agents.started.load(Ordering::SeqCst), 2);
}
