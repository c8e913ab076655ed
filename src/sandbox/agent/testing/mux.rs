//! The multiplexer's client for the tests of port sessions, and servers to connect to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Client;
use crate::protocol::Flag;
use crate::protocol::Role;
use crate::protocol::smux::{Config, Event, Mux, StreamId};
use crate::sandbox::agent::contract::Outcome;

/// Longer than anything takes that is not broken.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct MuxClient {
    pub(crate) client: Client,
    pub(crate) mux: Mux,
    /// The bytes received from each stream.
    pub(crate) received: BTreeMap<StreamId, Vec<u8>>,
    /// The streams that the agent has finished.
    pub(crate) finished: BTreeSet<StreamId>,
    unwritten: BTreeMap<StreamId, Bytes>,
    /// Messages of the channel that the multiplexer has had.
    taken: usize,
}

impl MuxClient {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            mux: Mux::new(Role::Client, Config::default(), Instant::now()),
            received: BTreeMap::new(),
            finished: BTreeSet::new(),
            unwritten: BTreeMap::new(),
            taken: 0,
        }
    }

    /// Opens a stream that sends `bytes`.
    pub(crate) fn open(&mut self, bytes: impl Into<Bytes>) -> StreamId {
        let id = self.mux.open().unwrap();
        self.received.insert(id, Vec::new());
        self.write(id, bytes);
        id
    }

    pub(crate) fn write(&mut self, id: StreamId, bytes: impl Into<Bytes>) {
        assert!(self.unwritten.insert(id, bytes.into()).is_none_or(|before| before.is_empty()));
    }

    /// Puts bytes of a stream on their way at once, so that all that is sent later stands behind them.
    pub(crate) fn send_ahead(&mut self, id: StreamId, bytes: impl Into<Bytes>) {
        let mut bytes = bytes.into();
        while !bytes.is_empty() {
            let accepted = self.mux.write(id, bytes.clone()).unwrap();
            _ = bytes.split_to(accepted);
            while let Some(frames) = self.mux.poll_transmit(64 * 1024) {
                self.client.send(frames);
            }
        }
    }

    /// Goes on until `done`.
    pub(crate) async fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let in_time = timeout(DEADLINE, async {
            while !done(self) {
                self.feed();
                assert!(self.client.step().await, "the session is over");
                self.digest();
            }
        });
        in_time.await.expect("in time");
    }

    /// Goes on until `future` is done.
    pub(crate) async fn during<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(timeout(DEADLINE, future));
        loop {
            self.feed();
            tokio::select! {
                done = &mut future => return done.expect("in time"),
                goes_on = self.client.step() => assert!(goes_on, "the session is over"),
            }
            self.digest();
        }
    }

    /// Goes on until the agent has all that was written.
    pub(crate) async fn flush(&mut self) {
        let flushed = |client: &Self| {
            let client_side = client.unwritten.values().all(Bytes::is_empty) && client.mux.queued_total() == 0;
            client_side && client.client.has_sent() && client.client.channel.is_flushed()
        };
        self.until(flushed).await;
    }

    /// Goes on until `text` has come from a stream.
    pub(crate) async fn receives(&mut self, id: StreamId, text: impl AsRef<[u8]>) {
        self.until(|client| client.received[&id] == text.as_ref()).await;
    }

    /// Goes on to the session's end.
    pub(crate) async fn outcome(mut self) -> Outcome {
        self.feed();
        self.client.outcome().await
    }

    /// Ends the session with the flag.
    pub(crate) async fn end(mut self) {
        assert!(self.client.channel.send_flag(Flag::TerminateSession));
        assert_eq!(self.outcome().await, Outcome::success());
    }

    fn feed(&mut self) {
        for (&id, bytes) in &mut self.unwritten {
            let accepted = self.mux.write(id, bytes.clone()).unwrap_or(0);
            _ = bytes.split_to(accepted);
        }
        while self.client.has_sent()
            && let Some(bytes) = self.mux.poll_transmit(64 * 1024)
        {
            self.client.send(bytes);
        }
    }

    fn digest(&mut self) {
        for message in self.client.messages.split_off(self.taken) {
            self.mux.handle_data(Instant::now(), message).unwrap();
        }
        self.taken = self.client.messages.len();
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Readable(id) => {
                    while let Some(bytes) = self.mux.read(id) {
                        self.received.entry(id).or_default().extend_from_slice(&bytes);
                    }
                }
                Event::Finished(id) => _ = self.finished.insert(id),
                Event::Writable(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A listener on a free port.
pub(crate) async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port that refuses connections.
pub(crate) async fn refusing() -> u16 {
    listen().await.1
}

/// A server on a free port that returns what it receives.
pub(crate) async fn echo() -> u16 {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = socket.split();
                tokio::io::copy(&mut reader, &mut writer).await
            });
        }
    });
    port
}

/// The next connection to a listener.
pub(crate) async fn accepted(listener: &TcpListener) -> TcpStream {
    timeout(DEADLINE, listener.accept()).await.expect("a connection").unwrap().0
}

/// What comes next, of this length.
pub(crate) async fn heard(socket: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    timeout(DEADLINE, socket.read_exact(&mut bytes)).await.expect("in time").unwrap();
    bytes
}

/// Waits for the end of a connection and returns whether it was an orderly one.
pub(crate) async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(DEADLINE, socket.read_to_end(&mut rest)).await.expect("the end").is_ok_and(|_| rest.is_empty())
}

pub(crate) async fn write_to(socket: &mut TcpStream, bytes: &[u8]) {
    timeout(DEADLINE, socket.write_all(bytes)).await.expect("in time").unwrap();
}
