//! SOCKS5 over agents in memory.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fast_socks5::client::{Config, Socks5Stream};
use fast_socks5::{ReplyError, SocksError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::session::forward::testing::{Agents, Heard, echo, server};
use crate::session::forward::*;

const NEW: &str = "3.3.2299.0";
const OLD: &str = "2.3.1550.0";
const DEADLINE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_mins(10);
const EIGHT: SocksOptions = SocksOptions { sessions: 8, idle: LONG, slot_timeout: LONG };

/// Leads to the ports of this machine, whatever the host.
struct Routes {
    agents: Agents,
    heard: Arc<Heard>,
    asked: Arc<Mutex<Vec<Destination>>>,
}

impl SocksRoutes for Routes {
    type Opener = Agents;
    type Observer = Heard;

    fn to(&self, destination: &Destination) -> (Agents, Arc<Heard>) {
        self.asked.lock().unwrap().push(destination.clone());
        let mut agents = self.agents.clone();
        agents.destination.set_port(destination.port);
        (agents, Arc::clone(&self.heard))
    }

    fn refusal(_: &String) -> Refusal {
        Refusal::NotAllowed
    }
}

struct Open {
    address: SocketAddr,
    agents: Agents,
    heard: Arc<Heard>,
    asked: Arc<Mutex<Vec<Destination>>>,
    stop: watch::Sender<Stop>,
    task: JoinHandle<bool>,
}

impl Open {
    fn new(version: &'static str, options: SocksOptions) -> Self {
        let agents = Agents::new("127.0.0.1:0".parse().unwrap(), version);
        let listen = Listen::Tcp { bind: Bind::Loopback, port: LocalPort::Any };
        let listener = Listener::open(&listen).unwrap();
        let address = listener.addresses()[0];
        let (heard, asked) = (Arc::<Heard>::default(), Arc::<Mutex<Vec<_>>>::default());
        let (stop, stopped) = watch::channel(Stop::Not);
        let routes = Routes { agents: agents.clone(), heard: Arc::clone(&heard), asked: Arc::clone(&asked) };
        let task = tokio::spawn(serve_socks(listener, routes, Arc::clone(&heard), options, stopped));
        Self { address, agents, heard, asked, stop, task }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<Socks5Stream<TcpStream>, ReplyError> {
        let connecting = Socks5Stream::connect(self.address, host.to_owned(), port, Config::default());
        match timeout(DEADLINE, connecting).await.unwrap() {
            Ok(stream) => Ok(stream),
            Err(SocksError::ReplyError(reply)) => Err(reply),
            Err(other) => panic!("{other}"),
        }
    }

    fn started(&self) -> usize {
        self.agents.started.load(Ordering::SeqCst)
    }

    fn ended(&self) -> usize {
        self.agents.terminated.load(Ordering::SeqCst)
    }

    async fn close(self) {
        self.stop.send_replace(Stop::Now);
        timeout(DEADLINE, self.task).await.unwrap().unwrap();
        assert!(TcpStream::connect(self.address).await.is_err(), "the listener is closed");
        let started = self.agents.started.load(Ordering::SeqCst);
        assert_eq!(self.agents.terminated.load(Ordering::SeqCst), started, "no session is left");
    }
}

async fn echoes(stream: &mut Socks5Stream<TcpStream>, text: &[u8]) {
    stream.write_all(text).await.unwrap();
    let mut back = vec![0; text.len()];
    timeout(DEADLINE, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(back, text);
}

/// Closes a connection so that it does not look like one that still waits for an answer.
fn hang_up(stream: Socks5Stream<TcpStream>) {
    stream.get_socket_ref().set_zero_linger().unwrap();
}

/// A port that refuses connections.
async fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn until(mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(DEADLINE, wait).await.expect("it comes in time");
}

#[tokio::test]
async fn connections_to_one_destination_share_a_session_and_others_have_their_own() {
    let proxy = Open::new(NEW, EIGHT);
    let (one, two) = (server(echo).await.port(), server(echo).await.port());
    let mut first = proxy.connect("Db.Internal", one).await.unwrap();
    let mut second = proxy.connect("db.internal", one).await.unwrap();
    let mut third = proxy.connect("localhost", two).await.unwrap();
    for (stream, text) in [(&mut first, b"first"), (&mut second, b"other"), (&mut third, b"third")] {
        echoes(stream, text).await;
    }
    assert_eq!(proxy.started(), 2);
    let host = |host: Option<&str>, port| Destination { host: host.map(str::to_owned), port };
    assert_eq!(*proxy.asked.lock().unwrap(), [host(Some("db.internal"), one), host(None, two)]);
    assert_eq!(proxy.heard.all(), [""; 0]);
    proxy.close().await;
}

#[tokio::test]
async fn a_refused_destination_is_answered_so_until_it_accepts() {
    let proxy = Open::new(NEW, EIGHT);
    let address = refusing().await;
    for _ in 0..2 {
        let refused = proxy.connect("db", address.port()).await.err();
        assert!(matches!(refused, Some(ReplyError::ConnectionRefused)), "{refused:?}");
    }
    assert_eq!(proxy.heard.all(), ["Refused", "Refused"]);
    let listener = TcpListener::bind(address).await.unwrap();
    let accepting = tokio::spawn(async move {
        // The one that asks, and the one that is meant.
        let _ = listener.accept().await.unwrap();
        echo(listener.accept().await.unwrap().0).await
    });
    let mut stream = proxy.connect("db", address.port()).await.unwrap();
    echoes(&mut stream, b"hello").await;
    hang_up(stream);
    timeout(DEADLINE, accepting).await.unwrap().unwrap().unwrap();
    assert_eq!(proxy.started(), 1, "the session stays");
    // The listener is gone. The first connection that finds out is closed, and the next one is refused.
    let mut unlucky = proxy.connect("db", address.port()).await.unwrap();
    assert_eq!(timeout(DEADLINE, unlucky.read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
    let refused = proxy.connect("db", address.port()).await.err();
    assert!(matches!(refused, Some(ReplyError::ConnectionRefused)), "{refused:?}");
    proxy.close().await;
}

#[tokio::test]
async fn no_more_sessions_than_allowed() {
    let proxy = Open::new(NEW, SocksOptions { sessions: 1, slot_timeout: Duration::from_millis(200), ..EIGHT });
    let (one, two) = (server(echo).await.port(), server(echo).await.port());
    let mut first = proxy.connect("one", one).await.unwrap();
    let refused = proxy.connect("two", two).await.err();
    assert!(matches!(refused, Some(ReplyError::GeneralFailure)), "{refused:?}");
    assert_eq!(proxy.heard.all(), ["NoRoom"]);
    echoes(&mut first, b"undisturbed").await;
    hang_up(first);
    // The session is idle as soon as its connection has ended at both sides.
    let mut second = loop {
        match proxy.connect("two", two).await {
            Ok(stream) => break stream,
            Err(_) => assert_eq!(proxy.started(), 1),
        }
    };
    echoes(&mut second, b"in its place").await;
    assert_eq!((proxy.started(), proxy.ended()), (2, 1));
    proxy.close().await;
}

#[tokio::test]
async fn a_connection_that_waits_gets_the_next_idle_session() {
    let proxy = Arc::new(Open::new(NEW, SocksOptions { sessions: 1, ..EIGHT }));
    let (one, two) = (server(echo).await.port(), server(echo).await.port());
    let first = proxy.connect("one", one).await.unwrap();
    let waiting = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move { proxy.connect("two", two).await }
    });
    hang_up(first);
    let mut second = timeout(DEADLINE, waiting).await.unwrap().unwrap().unwrap();
    echoes(&mut second, b"served").await;
    assert_eq!((proxy.started(), proxy.ended()), (2, 1));
    Arc::into_inner(proxy).unwrap().close().await;
}

#[tokio::test]
async fn an_idle_session_is_ended_and_another_follows() {
    let proxy = Open::new(NEW, SocksOptions { idle: Duration::ZERO, ..EIGHT });
    let port = server(echo).await.port();
    for round in 1..=2 {
        let mut stream = proxy.connect("db", port).await.unwrap();
        echoes(&mut stream, b"hello").await;
        assert_eq!((proxy.started(), proxy.ended()), (round, round - 1));
        hang_up(stream);
        until(|| proxy.ended() == round).await;
    }
    proxy.close().await;
}

#[tokio::test]
async fn a_session_that_was_lost_is_replaced() {
    let proxy = Open::new(NEW, EIGHT);
    let port = server(echo).await.port();
    let mut first = proxy.connect("db", port).await.unwrap();
    echoes(&mut first, b"before").await;
    proxy.agents.expire.notify_one();
    assert!(timeout(DEADLINE, first.read(&mut [0; 1])).await.unwrap().is_err(), "a cut is not an orderly end");
    let mut second = proxy.connect("db", port).await.unwrap();
    echoes(&mut second, b"after").await;
    assert_eq!(proxy.heard.all(), ["Ended(Expired)"]);
    assert_eq!(proxy.started(), 2);
    proxy.stop.send_replace(Stop::Now);
    timeout(DEADLINE, proxy.task).await.unwrap().unwrap();
    assert_eq!(proxy.agents.terminated.load(Ordering::SeqCst), 1);
}

/// The answer of the proxy to some bytes, up to its end.
async fn answer(proxy: &Open, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn other_requests_get_their_answers_and_are_reported() {
    const NO_AUTHENTICATION: [u8; 3] = [5, 1, 0];
    let proxy = Open::new(NEW, EIGHT);
    for (command, expected) in [(2, "BIND"), (3, "UDP"), (9, "unknown command")] {
        let request = [&NO_AUTHENTICATION[..], &[5, command, 0, 1, 127, 0, 0, 1, 0, 80]].concat();
        let reply = answer(&proxy, &request).await;
        assert_eq!(reply, [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0], "{command}");
        assert!(proxy.heard.all().last().unwrap().contains(expected), "{:?}", proxy.heard.all());
    }
    let unknown_address = [&NO_AUTHENTICATION[..], &[5, 1, 0, 9, 0, 80]].concat();
    assert_eq!(answer(&proxy, &unknown_address).await[..4], [5, 0, 5, 8]);
    let no_name = [&NO_AUTHENTICATION[..], &[5, 1, 0, 3, 2, b'a', b' ', 0, 80]].concat();
    assert_eq!(answer(&proxy, &no_name).await[..4], [5, 0, 5, 4]);
    assert_eq!(answer(&proxy, &[5, 1, 2]).await, [5, 0xff]);
    assert!(proxy.heard.all().last().unwrap().contains("password"));
    assert_eq!(answer(&proxy, b"\x04\x01\0\x50\x7f\0\0\x01\0").await, b"");
    assert!(proxy.heard.all().last().unwrap().contains("SOCKS4"));
    assert_eq!(answer(&proxy, b"CONNECT db:80 HTTP/1.1\r\n\r\n").await, b"");
    assert!(proxy.heard.all().last().unwrap().contains("HTTP"));
    assert_eq!(proxy.started(), 0);
    proxy.close().await;
}

#[tokio::test]
async fn without_multiplexing_connections_take_turns_within_bounds() {
    let proxy = Open::new(OLD, SocksOptions { slot_timeout: Duration::from_millis(300), ..EIGHT });
    let port = server(echo).await.port();
    let mut first = proxy.connect("db", port).await.unwrap();
    let refused = proxy.connect("db", port).await.err();
    assert!(matches!(refused, Some(ReplyError::GeneralFailure)), "{refused:?}");
    assert!(proxy.heard.all().last().unwrap().contains("too old"), "{:?}", proxy.heard.all());
    echoes(&mut first, b"undisturbed").await;
    hang_up(first);
    let mut second = loop {
        if let Ok(stream) = proxy.connect("db", port).await {
            break stream;
        }
    };
    echoes(&mut second, b"its turn").await;
    hang_up(second);
    proxy.close().await;
}

#[tokio::test]
async fn connections_that_were_closed_make_room_at_once() {
    // Far longer than a session needs to end, and less than the end of what a program sends is held back.
    let proxy = Open::new(NEW, SocksOptions { slot_timeout: Duration::from_secs(8), ..EIGHT });
    let port = server(echo).await.port();
    for number in 0..20 {
        let mut stream = proxy.connect(&format!("host-{number}"), port).await.unwrap();
        echoes(&mut stream, b"hello").await;
        if number % 2 == 0 {
            hang_up(stream);
        }
    }
    assert_eq!(proxy.heard.all(), [""; 0]);
    proxy.close().await;
}

#[tokio::test]
async fn a_program_that_waits_for_its_answer_has_it_although_the_port_is_to_finish() {
    let proxy = Open::new(NEW, EIGHT);
    let port = server(|mut stream: TcpStream| async move {
        let asked = stream.read_u8().await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.write_all(&[asked; 3]).await
    })
    .await
    .port();
    let mut stream = proxy.connect("db", port).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    proxy.stop.send_replace(Stop::Finish);
    let mut answer = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"xxx");
    assert!(timeout(DEADLINE, proxy.task).await.unwrap().unwrap(), "nothing was lost");
    assert_eq!(proxy.agents.terminated.load(Ordering::SeqCst), 1);
}
