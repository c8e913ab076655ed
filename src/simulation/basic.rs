//! What agents without multiplexing do in port sessions: one connection to the destination at a time, its bytes as they
//! are, and nothing that says where one ends and the next begins.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::ports::{Connection, Ports};
use super::random::Random;
use super::work::Part;
use crate::protocol::{DataChannel, Flag, SessionType};

pub(super) struct Basic {
    ports: Arc<Ports>,
    /// The connection to the destination; made anew when the client sends more.
    connection: Option<Connection>,
    /// Read from a connection that is closed by now, and not yet sent: the real agent reads and closes in two places at
    /// once.
    straggling: Bytes,
    random: Random,
    over: bool,
}

impl Basic {
    pub(super) fn new(ports: Arc<Ports>, random: Random) -> Self {
        let connection = Some(Connection::default());
        Self { ports, connection, straggling: Bytes::new(), random, over: false }
    }
}

impl Part for Basic {
    fn handshake(&self) -> (SessionType, serde_json::Value) {
        (SessionType::Port, json!({ "portNumber": "1" }))
    }

    fn ready(&mut self) {}

    fn data(&mut self, bytes: Bytes) {
        let connection = self.connection.get_or_insert_default();
        if !connection.take(&self.ports, bytes) {
            self.connection = None;
        }
    }

    fn flag(&mut self, flag: Flag) {
        match flag {
            Flag::TerminateSession => self.over = true,
            Flag::DisconnectToPort => {
                if let Some(mut closed) = self.connection.take() {
                    let read = closed.answer.len().min(self.random.below(20_000) as usize);
                    self.straggling = closed.answer.split_to(read);
                }
            }
            Flag::ConnectToPortError | Flag::Other(_) => {}
        }
    }

    fn step(&mut self, channel: &mut DataChannel) -> Option<Duration> {
        if self.over {
            return None;
        }
        let accepted = channel.write(&self.straggling);
        let _ = self.straggling.split_to(accepted);
        let connection = self.connection.as_mut().filter(|connection| !connection.answer.is_empty())?;
        if !self.straggling.is_empty() {
            return None;
        }
        let piece = connection.answer.len().min(1 + self.random.below(20_000) as usize);
        let accepted = channel.write(&connection.answer[..piece]);
        let _ = connection.answer.split_to(accepted);
        // An acknowledgement makes room, and wakes the agent.
        (accepted > 0).then(|| self.random.span(Duration::from_millis(100)) + Duration::from_millis(1))
    }

    fn is_done(&self) -> bool {
        self.over
    }
}
