//! An agent in memory that behaves as the real one does with ports: it dials once for each stream, reports a refusal
//! with a flag and an end, and closes both directions when one ends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

use super::lanes::Lanes;
use super::observer::{Opener, TunnelEvent, TunnelObserver};
use crate::channel::{Channel, Command, ConnectionEvent, End, Event};
use crate::protocol::smux::{self, Mux, StreamId};
use crate::protocol::{Flag, Handshake, Role, SessionType};
use crate::session::observer::Observer;

/// Starts sessions with agents in memory that all lead to one address.
#[derive(Clone)]
pub(super) struct Agents {
    pub(super) destination: SocketAddr,
    pub(super) version: &'static str,
    /// Sessions started so far.
    pub(super) started: Arc<AtomicUsize>,
    /// Sessions that ended because the client asked for it.
    pub(super) terminated: Arc<AtomicUsize>,
    /// Flags that the client sent.
    pub(super) flags: Arc<Mutex<Vec<Flag>>>,
    /// Ends the current session, as the service does when it is not resumed in time.
    pub(super) expire: Arc<Notify>,
    /// How many sessions at a time are wanted, and how many are had.
    pub(super) lanes: Lanes,
    pub(super) quota: usize,
}

impl Agents {
    pub(super) fn new(destination: SocketAddr, version: &'static str) -> Self {
        Self {
            destination,
            version,
            started: Arc::default(),
            terminated: Arc::default(),
            flags: Arc::default(),
            expire: Arc::default(),
            lanes: Lanes::ONE,
            quota: usize::MAX,
        }
    }
}

impl Opener for Agents {
    type Error = String;

    async fn open(&self) -> Result<Channel, String> {
        let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        if number > self.quota {
            return Err("no more sessions".to_owned());
        }
        let id = format!("session-{number}");
        let (channel, commands, events) = if self.version < "3" {
            let (channel, commands, events, _stop) = Channel::for_tests(&id);
            (channel, commands, events)
        } else {
            Channel::multiplexed_for_tests(&id, 4096)
        };
        let handshake = Handshake {
            agent_version: self.version.to_owned(),
            session_type: Some(SessionType::Port),
            properties: json!({ "portNumber": "1", "type": "LocalPortForwarding" }),
            customer_message: String::new(),
            encrypted: false,
        };
        events.try_send(Event::Ready(Some(handshake))).unwrap();
        let agent = Agent { agents: self.clone(), commands, events };
        if self.version < "3" {
            tokio::spawn(agent.run_basic());
        } else {
            tokio::spawn(agent.run());
        }
        Ok(channel)
    }

    fn lanes(&self) -> Lanes {
        self.lanes
    }
}

struct Agent {
    agents: Agents,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
}

impl Agent {
    async fn run(mut self) {
        let now = Instant::now();
        let config = smux::Config { send_per_stream: 64 << 20, send_per_session: 1 << 30, ..smux::Config::default() };
        let mut mux = Mux::new(Role::Agent, config, now);
        let mut destinations = BTreeMap::<StreamId, mpsc::UnboundedSender<Bytes>>::new();
        let (from_destinations, mut arrived) = mpsc::channel::<(StreamId, Option<Bytes>)>(64);
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Write(bytes)) => mux.handle_data(Instant::now(), bytes).unwrap(),
                    Some(Command::Flush(done) | Command::Deliver(done)) => drop(done.send(())),
                    Some(Command::Flag(flag)) => {
                        if self.flagged(flag).await {
                            return;
                        }
                    }
                    None => return,
                },
                Some((id, bytes)) = arrived.recv() => match bytes {
                    Some(bytes) => {
                        let _ = mux.write(id, bytes);
                    }
                    None => {
                        destinations.remove(&id);
                        mux.close(id);
                    }
                },
                () = self.agents.expire.notified() => {
                    let _ = self.events.send(Event::Ended(End::Expired)).await;
                    return;
                }
            }
            while let Some(event) = mux.poll_event() {
                match event {
                    smux::Event::Opened(id) => match TcpStream::connect(self.agents.destination).await {
                        Ok(stream) => {
                            let (sender, receiver) = mpsc::unbounded_channel();
                            destinations.insert(id, sender);
                            tokio::spawn(copy(id, stream, receiver, from_destinations.clone()));
                        }
                        Err(_) => {
                            let _ = self.events.send(Event::Flag(Flag::ConnectToPortError)).await;
                            mux.close(id);
                        }
                    },
                    smux::Event::Readable(id) => {
                        while let Some(bytes) = mux.read(id) {
                            if let Some(destination) = destinations.get(&id) {
                                let _ = destination.send(bytes);
                            }
                        }
                    }
                    smux::Event::Finished(id) => {
                        destinations.remove(&id);
                        mux.close(id);
                    }
                    smux::Event::Writable(_) | smux::Event::Closed(_) => {}
                }
            }
            while let Some(bytes) = mux.poll_transmit(1024) {
                if self.events.send(Event::Output(bytes)).await.is_err() {
                    return;
                }
            }
        }
    }

    /// True when that ends the session.
    async fn flagged(&self, flag: Flag) -> bool {
        self.agents.flags.lock().unwrap().push(flag);
        if flag == Flag::TerminateSession {
            self.agents.terminated.fetch_add(1, Ordering::SeqCst);
            let _ = self.events.send(Event::Ended(End::Closed(String::new()))).await;
        }
        flag == Flag::TerminateSession
    }

    /// Without multiplexing: one connection, made again when bytes come after it was closed.
    async fn run_basic(mut self) {
        let mut stream = TcpStream::connect(self.agents.destination).await.ok();
        loop {
            let mut buffer = BytesMut::with_capacity(1024);
            let read = async {
                match &mut stream {
                    Some(stream) => stream.read_buf(&mut buffer).await.unwrap_or(0),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                count = read => {
                    if count == 0 {
                        let _ = self.events.send(Event::Ended(End::Closed(String::new()))).await;
                        return;
                    }
                    let _ = self.events.send(Event::Output(buffer.freeze())).await;
                }
                command = self.commands.recv() => match command {
                    Some(Command::Write(bytes)) => {
                        if stream.is_none() {
                            stream = TcpStream::connect(self.agents.destination).await.ok();
                        }
                        if let Some(stream) = &mut stream {
                            stream.write_all(&bytes).await.unwrap();
                        }
                    }
                    Some(Command::Flag(flag)) => {
                        if self.flagged(flag).await {
                            return;
                        }
                        stream = None;
                    }
                    Some(Command::Flush(done) | Command::Deliver(done)) => drop(done.send(())),
                    None => return,
                },
            }
        }
    }
}

async fn copy(
    id: StreamId,
    mut stream: TcpStream,
    mut receiver: mpsc::UnboundedReceiver<Bytes>,
    sender: mpsc::Sender<(StreamId, Option<Bytes>)>,
) {
    let (mut reader, mut writer) = stream.split();
    let up = async {
        while let Some(bytes) = receiver.recv().await {
            if writer.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        loop {
            let mut buffer = BytesMut::with_capacity(1024);
            if reader.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                break;
            }
            if sender.send((id, Some(buffer.freeze()))).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    let _ = sender.send((id, None)).await;
}

/// Keeps what is reported.
#[derive(Default)]
pub(super) struct Heard(Mutex<Vec<String>>);

impl Heard {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn push(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Observer for Heard {
    fn connection(&self, event: &ConnectionEvent) {
        self.push(format!("{event:?}"));
    }

    fn agent_message(&self, text: &str) {
        self.push(text.to_owned());
    }
}

impl TunnelObserver for Heard {
    fn tunnel(&self, event: &TunnelEvent) {
        self.push(format!("{event:?}"));
    }
}

/// A server on loopback that does the same with every connection.
pub(super) async fn server<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Sends back what comes, until that ends.
pub(super) async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut reader, mut writer) = stream.split();
    tokio::io::copy(&mut reader, &mut writer).await.map(drop)
}
