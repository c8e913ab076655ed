//! Multiplexed port sessions: a connection to the destination for each stream that the client opens.
//!
//! As with the real agent, destinations are dialled one after the other; one that refuses is reported with a flag and ends
//! its stream only; and when either end of a connection is done, the connection is closed in both directions. A client
//! that is done sending therefore loses the rest of the answer.
//!
//! One connection holds up the others, each way. Nothing more is read of the session while 4 MiB wait for destinations
//! that do not read; and what is to go to the client stands behind what was written before, whosever it is.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::streams::Streams;
use crate::protocol::Flag;
use crate::protocol::smux::{KeepAlive, StreamId};
use crate::sandbox::agent::contract::Outcome;
use crate::sandbox::agent::destination::Destination;
use crate::sandbox::agent::pacer::Pacer;
use crate::sandbox::agent::program::{Input, Io, Output, OutputSender, chunk_size};
use crate::sandbox::pace::Pace;

/// Bytes read from a connection at once, as the real agent copies.
const READ: usize = 32 * 1024;

/// Bytes that the real agent has between its multiplexer and what sends them: a local socket. A byte there and back
/// beside a download took 240 ms at 0.72 MB/s, of which 30 ms are the other connection's frame.
const REAL_SOCKET: usize = 160 * 1024;

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
    let socket = if pace == Pace::Real { REAL_SOCKET } else { 0 };
    let mut waiting = BytesMut::new();
    loop {
        if waiting.is_empty() {
            waiting = streams.output().await.into();
        }
        while waiting.len() < socket
            && let Some(bytes) = streams.try_output()
        {
            waiting.extend_from_slice(&bytes);
        }
        let chunk = waiting.split_to(chunk_size(pace).min(waiting.len())).freeze();
        output.send(Output::Bytes(chunk)).await;
        pacer.wait().await;
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
mod tests;
