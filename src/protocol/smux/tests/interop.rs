//! Against `async_smux`, an independent implementation that was itself tested against the original.

use std::{collections::BTreeMap, future::Future, time::Duration, time::Instant};

use async_smux::MuxBuilder;
use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    task::JoinSet,
};

use super::pair::noise;
use crate::protocol::Role;
use crate::protocol::smux::{Config, Event, Mux, StreamId};

const STREAMS: u64 = 40;

fn config() -> Config {
    Config { max_frame_data: u16::MAX, ..Config::default() }
}

/// Different for each stream: from a few bytes to more than a mebibyte.
fn text(stream: u64) -> Bytes {
    noise(stream, 7 + (stream * stream * 1_000) as usize)
}

fn within_a_minute(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_mins(1), test).await.expect("it hangs") });
}

/// Joins a multiplexer and a carrier until the owner says that it has all it wants and no stream is left.
async fn drive(mut mux: Mux, carrier: DuplexStream, mut owner: impl FnMut(&mut Mux) -> bool) -> DuplexStream {
    let (mut reader, mut writer) = tokio::io::split(carrier);
    let mut out = Bytes::new();
    let mut buffer = [0; 3_000];
    loop {
        let content = owner(&mut mux);
        if out.is_empty() {
            out = mux.poll_transmit(10_000).unwrap_or_default();
        }
        if content && out.is_empty() && mux.streams().len() == 0 {
            return reader.unsplit(writer);
        }
        tokio::select! {
            read = reader.read(&mut buffer), if mux.can_receive() => match read.unwrap() {
                0 => panic!("the other end went away"),
                count => mux.handle_data(Instant::now(), Bytes::copy_from_slice(&buffer[..count])).unwrap(),
            },
            written = writer.write(&out), if !out.is_empty() => out.advance(written.unwrap()),
        }
    }
}

/// Queues what there is room for, and a FIN behind the last of it.
fn send(mux: &mut Mux, id: StreamId, rest: &mut Bytes) {
    let accepted = if rest.is_empty() { 0 } else { mux.write(id, rest.clone()).unwrap() };
    rest.advance(accepted);
    if rest.is_empty() {
        mux.finish(id);
    }
}

#[test]
fn as_client_of_its_echo_server() {
    within_a_minute(async {
        let (ours, theirs) = tokio::io::duplex(5_000);
        let (_connector, mut acceptor, worker) = MuxBuilder::server().with_connection(theirs).build();
        tokio::spawn(worker);
        tokio::spawn(async move {
            while let Some(stream) = acceptor.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = tokio::io::split(stream);
                    tokio::io::copy(&mut from, &mut to).await.unwrap();
                    to.shutdown().await.unwrap();
                });
            }
        });

        let mut mux = Mux::new(Role::Client, config(), Instant::now());
        let mut streams: BTreeMap<StreamId, (u64, Bytes, Vec<u8>)> =
            (0..STREAMS).map(|stream| (mux.open().unwrap(), (stream, text(stream), Vec::new()))).collect();
        let mut writable: Vec<StreamId> = streams.keys().copied().collect();
        let mut finished = 0;
        drive(mux, ours, |mux| {
            for id in writable.drain(..) {
                send(mux, id, &mut streams.get_mut(&id).unwrap().1);
            }
            while let Some(event) = mux.poll_event() {
                match event {
                    Event::Readable(id) => {
                        std::iter::from_fn(|| mux.read(id))
                            .for_each(|data| streams.get_mut(&id).unwrap().2.extend(data));
                    }
                    Event::Writable(id) => send(mux, id, &mut streams.get_mut(&id).unwrap().1),
                    Event::Finished(id) => {
                        let (stream, _, got) = &streams[&id];
                        assert!(*got == text(*stream), "stream {stream}: {} bytes differ", got.len());
                        finished += 1;
                    }
                    Event::Opened(_) | Event::Closed(_) => panic!("{event:?}"),
                }
            }
            finished == STREAMS
        })
        .await;
    });
}

#[test]
fn as_echo_server_of_its_client() {
    within_a_minute(async {
        let (ours, theirs) = tokio::io::duplex(5_000);
        let (connector, _acceptor, worker) = MuxBuilder::client().with_connection(theirs).build();
        tokio::spawn(worker);
        let mut clients = JoinSet::new();
        for stream in 0..STREAMS {
            let (mut from, mut to) = tokio::io::split(connector.connect().unwrap());
            clients.spawn(async move {
                let mut got = Vec::new();
                let send = async {
                    to.write_all(&text(stream)).await.unwrap();
                    to.shutdown().await.unwrap();
                };
                let ((), count) = tokio::join!(send, from.read_to_end(&mut got));
                assert!(
                    count.unwrap() == got.len() && got == text(stream),
                    "stream {stream}: {} bytes differ",
                    got.len()
                );
            });
        }

        let mut echoes: BTreeMap<StreamId, Echo> = BTreeMap::new();
        let mut finished = 0;
        let mux = Mux::new(Role::Agent, config(), Instant::now());
        let _carrier = drive(mux, ours, |mux| {
            while let Some(event) = mux.poll_event() {
                match event {
                    Event::Opened(id) => drop(echoes.insert(id, Echo::default())),
                    Event::Readable(id) | Event::Writable(id) => echoes.get_mut(&id).unwrap().pass_on(mux, id),
                    Event::Finished(id) => {
                        finished += 1;
                        let echo = echoes.get_mut(&id).unwrap();
                        echo.has_all = true;
                        echo.pass_on(mux, id);
                    }
                    Event::Closed(error) => panic!("{error}"),
                }
            }
            finished == STREAMS
        })
        .await;
        clients.join_all().await;
    });
}

/// What was read of a stream and has not been written yet.
#[derive(Default)]
struct Echo {
    rest: Bytes,
    has_all: bool,
}

impl Echo {
    /// Reads only as fast as it can write, so that what is not echoed yet waits unread. The end goes behind the last
    /// of it, which may have to wait for room when the end arrives.
    fn pass_on(&mut self, mux: &mut Mux, id: StreamId) {
        loop {
            let accepted = if self.rest.is_empty() { 0 } else { mux.write(id, self.rest.clone()).unwrap() };
            self.rest.advance(accepted);
            if !self.rest.is_empty() {
                return;
            }
            let Some(data) = mux.read(id) else { break };
            self.rest = data;
        }
        if self.has_all {
            mux.finish(id);
        }
    }
}
