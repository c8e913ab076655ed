//! Lanes over agents in memory.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::session::forward::testing::{Agents, Heard, echo, server};
use crate::session::forward::{Bind, Listen, Listener, LocalPort, serve};

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
    async fn with(version: &'static str, lanes: Lanes, quota: usize) -> Self {
        let agents = Agents { lanes, quota, ..Agents::new(server(echo).await, version) };
        let listener = Listener::open(&Listen::Tcp { bind: Bind::Loopback, port: LocalPort::Any }).unwrap();
        let address = listener.addresses()[0];
        let heard = Arc::new(Heard::default());
        let (stop, stopped) = watch::channel(Stop::Not);
        let mut route = Route::new(agents.clone(), Arc::clone(&heard), stopped.clone());
        assert!(route.open().await.unwrap());
        let task = tokio::spawn(serve(vec![listener], route, stopped));
        Self { address, agents, heard, stop, task }
    }

    /// A connection that has been answered.
    async fn connect(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        assert!(answers(&mut stream).await);
        stream
    }

    fn started(&self) -> usize {
        self.agents.started.load(Ordering::SeqCst)
    }

    async fn until_started(&self, count: usize) {
        let wait = async {
            while self.started() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(DEADLINE, wait).await.expect("they are started");
    }

    /// Ends the tunnel in order; how many sessions it had, none of which is left.
    async fn finish(self) -> usize {
        self.stop.send_replace(Stop::Finish);
        assert!(timeout(DEADLINE, self.task).await.unwrap().unwrap(), "{:?}", self.heard.all());
        self.agents.started.load(Ordering::SeqCst)
    }
}

async fn answers(stream: &mut TcpStream) -> bool {
    let mut back = [0];
    let asked = async { stream.write_all(b"x").await.is_ok() && stream.read_exact(&mut back).await.is_ok() };
    timeout(DEADLINE, asked).await.unwrap() && back == *b"x"
}

#[tokio::test]
async fn one_connection_after_the_other_needs_one_session() {
    let tunnel = Open::with(NEW, Lanes::AUTO, usize::MAX).await;
    for _ in 0..20 {
        let mut stream = tunnel.connect().await;
        stream.write_all(&[1; 100_000]).await.unwrap();
        stream.read_exact(&mut [0; 100_000]).await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    assert_eq!(tunnel.finish().await, 1);
}

#[tokio::test]
async fn a_burst_has_no_more_sessions_than_there_may_be_and_all_are_used() {
    let tunnel = Open::with(NEW, Lanes::AUTO, usize::MAX).await;
    let connecting = (0..50).map(|_| TcpStream::connect(tunnel.address));
    let mut streams: Vec<_> = futures_util::future::try_join_all(connecting).await.unwrap();
    for stream in &mut streams {
        assert!(answers(stream).await);
    }
    assert_eq!(tunnel.started(), 4);
    // Where one is taken along by the end of its session, others go on.
    tunnel.agents.expire.notify_one();
    let mut lost = 0;
    let counting = async {
        while lost == 0 {
            for index in (0..streams.len()).rev() {
                if !answers(&mut streams[index]).await {
                    lost += 1;
                    drop(streams.swap_remove(index));
                }
            }
        }
    };
    timeout(DEADLINE, counting).await.unwrap();
    assert!((1..25).contains(&lost), "{lost} of 50");
    assert!(answers(&mut tunnel.connect().await).await);
    let told = async {
        while tunnel.heard.all().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, told).await.unwrap();
    assert_eq!(tunnel.heard.all(), ["LanesEnded(1, Expired)"]);
    drop(streams);
    tunnel.finish().await;
}

#[tokio::test]
async fn where_no_more_sessions_can_be_had_connections_share_those_there_are() {
    let tunnel = Open::with(NEW, Lanes::fixed(8), 2).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(tunnel.connect().await);
    }
    for stream in &mut streams {
        assert!(answers(stream).await);
    }
    assert_eq!(tunnel.heard.all(), [""; 0], "nobody has to know");
    assert!(tunnel.started() < 12, "{} were asked for", tunnel.started());
    assert_eq!(tunnel.agents.terminated.load(Ordering::SeqCst), 0);
    drop(streams);
    tunnel.finish().await;
}

#[tokio::test]
async fn so_many_as_are_asked_for_are_opened_at_once_and_idle_ones_closed_but_the_first() {
    let tunnel = Open::with(NEW, Lanes::fixed(6), usize::MAX).await;
    tunnel.until_started(6).await;
    let mut stream = tunnel.connect().await;
    // From here on there is nothing to wait for but the clock, while nothing is on its way.
    tokio::time::pause();
    tokio::time::sleep(3 * lane::IDLE).await;
    tokio::time::resume();
    assert_eq!(tunnel.agents.terminated.load(Ordering::SeqCst), 0, "one is in use, and so many are asked for");
    assert!(answers(&mut stream).await);
    stream.set_zero_linger().unwrap();
    drop(stream);
    let closed = async {
        while tunnel.agents.terminated.load(Ordering::SeqCst) < 5 {
            tokio::time::pause();
            tokio::time::sleep(lane::IDLE / 2).await;
            tokio::time::resume();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(100 * lane::IDLE, closed).await.unwrap();
    assert_eq!(tunnel.agents.terminated.load(Ordering::SeqCst), 5);
    assert!(answers(&mut tunnel.connect().await).await);
    tunnel.until_started(11).await;
    assert_eq!(tunnel.heard.all(), [""; 0]);
    assert_eq!(tunnel.finish().await, 11);
}

#[tokio::test]
async fn without_multiplexing_there_is_one_lane() {
    let tunnel = Open::with(OLD, Lanes::fixed(4), usize::MAX).await;
    let first = tunnel.connect().await;
    let second = TcpStream::connect(tunnel.address).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(tunnel.started(), 1);
    drop((first, second));
    tunnel.finish().await;
}
