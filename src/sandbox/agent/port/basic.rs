//! Port sessions without multiplexing: the bytes of one connection to the destination at a time.
//!
//! The destination is dialled when the session starts. While it does not read, nothing of the client is read either.
//! In forwarding sessions a connection that has ended, at whichever end, is made anew when the client sends more; a
//! session of another type, as for SSH, ends with it.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::protocol::{Flag, Version};
use crate::sandbox::agent::destination::Destination;
use crate::sandbox::agent::pacer::Pacer;
use crate::sandbox::agent::program::{Input, Io, Output, OutputSender, chunk_size};
use crate::sandbox::{Outcome, Pace};

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
    /// The agent's version.
    pub(crate) agent: Version,
    pub(crate) pace: Pace,
}

/// Why a connection has ended.
enum End {
    /// The destination has closed it.
    Closed,
    /// It broke.
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
                End::Closed | End::Broken | End::Disconnected => drop(socket),
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
                    // What the destination has said before is read to its end first.
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
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use futures_util::FutureExt;
    use serde_json::Value;

    use super::*;
    use crate::protocol::{Message, MessageType, PayloadType};
    use crate::sandbox::Work;
    use crate::sandbox::agent::tests::mux::*;
    use crate::sandbox::agent::tests::{Client, forward, session, session_of, ssh};

    /// A client too old to multiplex.
    fn old(work: Work) -> Client {
        session_of("1.1.0.0", work, |_| {})
    }

    /// Bytes and flags that the client of a recording sent.
    fn recorded(name: &str) -> Vec<Input> {
        let path = format!("{}/tests/wire/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let messages = text.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["dir"] == "c2s" && line["op"] == 2).then_some(())?;
            Some(Message::parse(BASE64_STANDARD.decode(line["data"].as_str()?).unwrap().into()).unwrap())
        });
        let inputs = messages.filter(|message| message.header.message_type == MessageType::InputStreamData);
        let inputs = inputs.filter_map(|message| match message.header.payload_type {
            PayloadType::Output => Some(Input::Bytes(message.payload)),
            PayloadType::Flag => Some(Input::Flag(Flag::parse(&message.payload)?)),
            _ => None,
        });
        inputs.collect()
    }

    #[tokio::test]
    async fn the_recorded_flags_have_the_recorded_effects() {
        let (listener, port) = listen().await;
        let mut client = old(forward(port, None));
        let mut socket = client.during(accepted(&listener)).await;
        let mut said: Vec<Vec<u8>> = Vec::new();
        for input in recorded("raw-basic-flags") {
            match input {
                Input::Bytes(bytes) => {
                    client.send(&bytes);
                    if !said.is_empty() {
                        assert!(client.during(is_closed(&mut socket)).await);
                        socket = client.during(accepted(&listener)).await;
                    }
                    said.push(client.during(heard(&mut socket, bytes.len())).await);
                }
                Input::Flag(flag) => assert!(client.channel.send_flag(flag)),
                Input::Size(_) => unreachable!("a port has no size"),
            }
        }
        assert_eq!(said, [b"one", b"two"]);
        assert_eq!(client.outcome().await, Outcome::success());
        assert!(is_closed(&mut socket).await);
    }

    #[tokio::test]
    async fn a_refused_connection_fails_the_session() {
        let port = refusing().await;
        let outcome = Outcome::failed(format!(
            "Unable to connect to specified port: dial tcp 127.0.0.1:{port}: connect: connection refused"
        ));
        assert_eq!(old(forward(port, None)).outcome().await, outcome);
        assert_eq!(session(ssh(port), |_| {}).outcome().await, outcome);
        let old_agent = session(forward(port, None), |session| session.agent_version = "3.0.196.0".to_owned());
        assert_eq!({ old_agent }.outcome().await, outcome);
    }

    #[tokio::test]
    async fn a_server_that_closes_is_dialled_again() {
        let (listener, port) = listen().await;
        let mut client = old(forward(port, None));
        let server = async { say(&mut accepted(&listener).await, b"bye").await };
        tokio::join!(client.shows("bye"), server);
        // What comes before the agent has seen the end goes nowhere, as with the real one.
        let mut second = loop {
            client.send("again");
            client.until(|client| client.has_sent() && client.channel.is_flushed()).await;
            if let Some(Ok((socket, _))) = listener.accept().now_or_never() {
                break socket;
            }
        };
        assert_eq!(heard(&mut second, 5).await, b"again");
        client.terminate();
        assert_eq!(client.outcome().await, Outcome::success());
    }

    #[tokio::test]
    async fn a_second_connection_that_is_refused_fails_the_session() {
        let (listener, port) = listen().await;
        let mut client = old(forward(port, None));
        let _socket = client.during(accepted(&listener)).await;
        drop(listener);
        assert!(client.channel.send_flag(Flag::DisconnectToPort));
        client.until(|client| client.channel.is_flushed()).await;
        client.send("again");
        assert_eq!(client.outcome().await, Outcome::failed(""));
    }

    #[tokio::test]
    async fn ssh_is_one_connection_of_any_bytes() {
        let (listener, port) = listen().await;
        let mut client = session(ssh(port), |_| {});
        let bytes: Vec<u8> = (0..=255).cycle().take(8 << 20).collect();
        client.send(&bytes);
        let server = async {
            let mut socket = accepted(&listener).await;
            let heard = heard(&mut socket, 8 << 20).await;
            say(&mut socket, &heard).await;
        };
        tokio::join!(client.until(|client| client.stdout.len() == 8 << 20), server);
        assert!(client.stdout == bytes, "something was changed on the way");
        assert_eq!(client.outcome().await, Outcome::success());
    }

    #[tokio::test]
    async fn ssh_knows_no_second_connection() {
        let mut client = session(ssh(echo().await), |_| {});
        client.until(|client| client.ready).await;
        assert!(client.channel.send_flag(Flag::DisconnectToPort));
        assert_eq!(client.outcome().await, Outcome::failed(""));
    }
}
