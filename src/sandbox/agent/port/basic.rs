//! Port sessions without multiplexing: the bytes of one connection to the destination at a time.
//!
//! The destination is dialled when the session starts. While it does not read, nothing of the client is read either.
//! In forwarding sessions a connection that has ended, at whichever end, is made anew when the client sends more; a
//! session of another type, as for SSH, ends with it.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::protocol::{Flag, Version};
use crate::sandbox::agent::contract::Outcome;
use crate::sandbox::agent::destination::Destination;
use crate::sandbox::agent::pacer::Pacer;
use crate::sandbox::agent::program::{Input, Io, Output, OutputSender, chunk_size};
use crate::sandbox::pace::Pace;

/// The first agents that know of the flag, by their release notes.
const DISCONNECT: Version = Version::new(2, 3, 714, 0);

/// The last agent that does not know of this flag (a constant of the official client).
const NO_TERMINATE: Version = Version::new(2, 3, 722, 0);

/// A session without multiplexing.
#[derive(Debug)]
pub(crate) struct Basic {
    pub(crate) destination: Destination,
    /// A forwarding session, which outlives its connection.
    pub(crate) forwards: bool,
    /// Version that the agent plays: the first ones lack flags.
    pub(crate) agent: Version,
    pub(crate) pace: Pace,
}

/// Why a connection has ended.
enum End {
    /// The destination has closed it.
    Closed,
    /// The connection broke.
    Broken,
    /// The client wants it closed.
    Disconnected,
    /// The client wants the session ended.
    Terminated,
}

impl Basic {
    /// Serves the session to its end.
    pub(crate) async fn run(self, io: Io) -> Outcome {
        let Io { mut input, output } = io;
        let mut socket = match self.destination.dial().await {
            Ok(socket) => socket,
            Err(error) => return Outcome::failed(format!("Unable to connect to specified port: {error}")),
        };
        output.send(Output::Accepting(true)).await;
        let mut pacer = Pacer::new(self.pace);
        let mut unwritten = None;
        loop {
            let end = {
                let (reader, writer) = socket.split();
                tokio::select! {
                    end = self.read(reader, &mut pacer, &output) => end,
                    end = self.write(writer, &mut input, &mut unwritten) => end,
                }
            };
            match end {
                End::Terminated => return Outcome::success(),
                End::Closed if !self.forwards => return Outcome::success(),
                // The real agent has closed its own socket, which it takes for an error of the connection.
                End::Broken | End::Disconnected if !self.forwards => return Outcome::failed(""),
                End::Disconnected => {
                    self.straggle(&mut socket, &output).await;
                    drop(socket);
                }
                End::Closed | End::Broken => drop(socket),
            }
            if unwritten.is_none() {
                match self.wait(&mut input).await {
                    Some(bytes) => unwritten = Some(bytes),
                    None => return Outcome::success(),
                }
            }
            socket = match self.destination.dial().await {
                Ok(socket) => socket,
                Err(error) => {
                    tracing::debug!(error, "no second connection");
                    return Outcome::failed("");
                }
            };
        }
    }

    /// Sends what had been read when the connection was closed: the real agent reads and closes in two places at once.
    async fn straggle(&self, socket: &mut TcpStream, output: &OutputSender) {
        let mut buffer = BytesMut::with_capacity(chunk_size(self.pace));
        if let Ok(1..) = socket.try_read_buf(&mut buffer) {
            output.send(Output::Bytes(buffer.freeze())).await;
        }
    }

    async fn read(&self, mut socket: ReadHalf<'_>, pacer: &mut Pacer, output: &OutputSender) -> End {
        let size = chunk_size(self.pace);
        loop {
            let mut buffer = BytesMut::with_capacity(size);
            match socket.read_buf(&mut buffer).await {
                Ok(0) => return End::Closed,
                Ok(_) => output.send(Output::Bytes(buffer.freeze())).await,
                Err(_) => return End::Broken,
            }
            pacer.wait().await;
        }
    }

    /// Writes what the client sends. A message that could not be written whole stays in `unwritten`.
    async fn write(
        &self,
        mut socket: WriteHalf<'_>,
        input: &mut mpsc::Receiver<Input>,
        unwritten: &mut Option<Bytes>,
    ) -> End {
        loop {
            if let Some(bytes) = unwritten {
                if socket.write_all(bytes).await.is_err() {
                    // Earlier output of the destination is read to its end first.
                    std::future::pending::<()>().await;
                }
                *unwritten = None;
            }
            match input.recv().await {
                Some(Input::Bytes(bytes)) => *unwritten = Some(bytes),
                Some(Input::Flag(Flag::DisconnectToPort)) if self.agent >= DISCONNECT => return End::Disconnected,
                Some(Input::Flag(Flag::TerminateSession)) if self.agent > NO_TERMINATE => return End::Terminated,
                Some(Input::Flag(_) | Input::Size(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Waits without a connection for more of the client; `None` when it wants the session ended.
    async fn wait(&self, input: &mut mpsc::Receiver<Input>) -> Option<Bytes> {
        loop {
            match input.recv().await {
                Some(Input::Bytes(bytes)) => return Some(bytes),
                Some(Input::Flag(Flag::TerminateSession)) if self.agent > NO_TERMINATE => return None,
                Some(Input::Flag(_) | Input::Size(_)) => {}
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
