//! How sessions and their connections end: what was sent arrives, and what arrived is read.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::channel::{Channel, Command, End, Event};
use crate::protocol::Flag;
use crate::session::forward::tally::Tally;
use crate::session::forward::testing::{Agents, Heard, server};
use crate::session::forward::{Bind, Listen, Listener, LocalPort, Route, Stop, begin, copy, serve};

const NEW: &str = "3.3.2299.0";
const OLD: &str = "2.3.1550.0";
const DEADLINE: Duration = Duration::from_secs(30);

/// A tunnel to a server that keeps what it is sent, each connection by itself, and reads it at its leisure.
struct Open {
    address: SocketAddr,
    agents: Agents,
    heard: Arc<Heard>,
    stop: watch::Sender<Stop>,
    task: JoinHandle<bool>,
    got: Arc<Mutex<Vec<usize>>>,
}

impl Open {
    async fn with(version: &'static str) -> Self {
        let got = Arc::<Mutex<Vec<usize>>>::default();
        let keep = Arc::clone(&got);
        let destination = server(move |mut stream: TcpStream| {
            let keep = Arc::clone(&keep);
            async move {
                let (mut count, mut buffer) = (0, vec![0; 64 << 10]);
                loop {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    match stream.read(&mut buffer).await? {
                        0 => break,
                        more => count += more,
                    }
                }
                keep.lock().unwrap().push(count);
                Ok(())
            }
        })
        .await;
        let agents = Agents::new(destination, version);
        let listener = Listener::open(&Listen::Tcp { bind: Bind::Loopback, port: LocalPort::Any }).unwrap();
        let address = listener.addresses()[0];
        let heard = Arc::new(Heard::default());
        let (stop, stopped) = watch::channel(Stop::Not);
        let mut route = Route::new(agents.clone(), Arc::clone(&heard), stopped.clone());
        assert!(route.open().await.unwrap());
        let task = tokio::spawn(serve(vec![listener], route, stopped));
        Self { address, agents, heard, stop, task, got }
    }

    /// Ends the tunnel, and says what arrived.
    async fn finish(self) -> Vec<usize> {
        self.stop.send_replace(Stop::Finish);
        assert!(timeout(DEADLINE, self.task).await.unwrap().unwrap(), "{:?}", self.heard.all());
        let (started, ended) = (&self.agents.started, &self.agents.terminated);
        assert_eq!(started.load(Ordering::SeqCst), ended.load(Ordering::SeqCst), "no session is left");
        // What has arrived is in the hands of the system, and of the server soon.
        let wait = async {
            while self.got.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, wait).await.unwrap();
        self.got.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_was_sent_last_arrives_before_a_tunnel_ends() {
    const MUCH: usize = 3_000_000;
    for version in [NEW, OLD] {
        let tunnel = Open::with(version).await;
        let mut stream = TcpStream::connect(tunnel.address).await.unwrap();
        stream.write_all(&vec![7; MUCH]).await.unwrap();
        drop(stream);
        assert_eq!(tunnel.finish().await, [MUCH], "{version}");
    }
}

#[tokio::test]
async fn a_connection_that_nobody_has_accepted_yet_is_carried_to_its_end() {
    for version in [NEW, OLD] {
        let tunnel = Open::with(version).await;
        // No other task has run since: this one has not waited.
        let mut stream = std::net::TcpStream::connect(tunnel.address).unwrap();
        std::io::Write::write_all(&mut stream, b"just in time").unwrap();
        drop(stream);
        assert_eq!(tunnel.finish().await, [12], "{version}");
    }
}

#[tokio::test]
async fn now_means_now() {
    let tunnel = Open::with(NEW).await;
    let mut stream = TcpStream::connect(tunnel.address).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    tunnel.stop.send_replace(Stop::Finish);
    tokio::task::yield_now().await;
    tunnel.stop.send_replace(Stop::Now);
    timeout(DEADLINE, tunnel.task).await.unwrap().unwrap();
    assert!(timeout(DEADLINE, stream.read(&mut [0; 1])).await.unwrap().is_err(), "it is told");
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (program, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn a_minute_without_progress_is_the_end_of_it_and_told() {
    let heard = Arc::new(Heard::default());
    // Not even the stream is open at the agent.
    let (channel, _commands, _events) = Channel::multiplexed_for_tests("session", 1);
    let mut session = begin(channel, &heard);
    let (_program, accepted) = pair().await;
    session.carry(accepted.into()).unwrap();
    let (_stop, mut stopped) = watch::channel(Stop::Finish);
    // From here on there is nothing to wait for but the clock.
    tokio::time::pause();
    assert!(!session.finish(&mut stopped, &*heard).await);
    assert_eq!(heard.all(), ["Finishing(1)", "Unfinished { open: 1, lost: true }"]);
}

/// A stream of a session, and what its agent sends before the session ends, all at once.
async fn ends_behind(frames: &[u8]) -> (Vec<u8>, bool) {
    let (channel, _commands, events) = Channel::multiplexed_for_tests("session", 1024);
    let streams = channel.streams().unwrap();
    let (mut program, accepted) = pair().await;
    let stream = streams.open(String::new()).unwrap();
    let (_hurry, hurried) = watch::channel(false);
    tokio::spawn(copy::serve(accepted.into(), stream, Duration::from_secs(10), hurried, Tally::new().enter()));
    // The program is in the middle of sending when it happens.
    program.write_all(&[7; 1_000]).await.unwrap();
    events.try_send(Event::Output(Bytes::copy_from_slice(frames))).unwrap();
    events.try_send(Event::Ended(End::Expired)).unwrap();
    let _session = begin(channel, &Arc::new(Heard::default()));
    let mut got = Vec::new();
    let orderly = timeout(DEADLINE, program.read_to_end(&mut got)).await.unwrap().is_ok();
    (got, orderly)
}

#[tokio::test]
async fn a_complete_stream_has_its_end_though_the_session_ends_right_behind_it() {
    let data = [&[1, 2, 5, 0, 3, 0, 0, 0][..], b"whole"].concat();
    let whole = [&data[..], &[1, 1, 0, 0, 3, 0, 0, 0]].concat();
    // Which of several things that are ready comes first is a matter of chance.
    for _ in 0..50 {
        assert_eq!(ends_behind(&whole).await, (b"whole".to_vec(), true));
        assert_eq!(ends_behind(&data).await, (b"whole".to_vec(), false), "a part is none");
    }
}

#[tokio::test]
async fn a_program_that_resets_is_gone_for_the_agent_at_once() {
    let (channel, mut commands, _events) = Channel::multiplexed_for_tests("session", 8);
    let streams = channel.streams().unwrap();
    let (_hurry, hurried) = watch::channel(false);
    for closes in [false, true] {
        let (mut program, accepted) = pair().await;
        let stream = streams.open(String::new()).unwrap();
        // The end of what it sends would be held back for ever.
        let (hour, open) = (Duration::from_hours(1), Tally::new().enter());
        let serving = tokio::spawn(copy::serve(accepted.into(), stream, hour, hurried.clone(), open));
        program.shutdown().await.unwrap();
        if closes && !cfg!(target_os = "linux") {
            // Only there it can be told from waiting for an answer.
            continue;
        }
        if !closes {
            program.set_zero_linger().unwrap();
        }
        drop(program);
        timeout(DEADLINE, serving).await.unwrap().unwrap();
    }
    let mut sent = Vec::new();
    while sent.iter().filter(|frame: &&Vec<u8>| frame[1] == 1).count() < if cfg!(target_os = "linux") { 2 } else { 1 } {
        match timeout(DEADLINE, commands.recv()).await.unwrap().unwrap() {
            Command::Write(bytes) => sent.push(bytes.to_vec()),
            // Nobody waits for that any more.
            Command::Deliver(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_replaced_carries_the_next_connection_when_the_last_one_is_over_for_certain() {
    let heard = Arc::new(Heard::default());
    let (channel, mut commands, events, _stop) = Channel::for_tests("session");
    // Without a handshake there is no multiplexing.
    let mut session = begin(channel, &heard);
    let (mut first, accepted) = pair().await;
    session.vacancy().await;
    session.carry(accepted.into()).unwrap();
    first.write_all(b"a").await.unwrap();
    drop(first);
    let (mut flushed, mut flagged) = (None, false);
    while flushed.is_none() {
        match timeout(DEADLINE, commands.recv()).await.unwrap().unwrap() {
            Command::Write(bytes) => assert_eq!(bytes, b"a"[..]),
            Command::Flag(flag) => flagged = flag == Flag::DisconnectToPort,
            // The first one is for the end of what the program sends.
            Command::Flush(done) => flushed = Some(done).filter(|_| flagged),
            Command::Deliver(_) => panic!("nobody asks"),
        }
    }
    assert!(session.vacancy().now_or_never().is_none(), "it is not acknowledged");
    flushed.unwrap().send(()).unwrap();
    events.send(Event::Output(Bytes::from_static(b"answer to a"))).await.unwrap();
    timeout(DEADLINE, session.vacancy()).await.unwrap();
    let (mut second, accepted) = pair().await;
    session.carry(accepted.into()).unwrap();
    second.write_all(b"b").await.unwrap();
    assert!(matches!(commands.recv().await.unwrap(), Command::Write(bytes) if bytes == b"b"[..]));
    events.send(Event::Output(Bytes::from_static(b"answer to b"))).await.unwrap();
    let mut answer = [0; 11];
    timeout(DEADLINE, second.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"answer to b");
}
