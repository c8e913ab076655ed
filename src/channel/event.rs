//! What a channel reports to its owner.

use std::time::Duration;

use bytes::Bytes;

use super::mux::StreamEvent;
use crate::aws;
use crate::protocol::{Failure, Flag, Handshake};

/// Something that happened in a session, in its order.
#[derive(Debug)]
pub(crate) enum Event {
    /// Data may flow. Comes once; without a handshake where the agent does without.
    Ready(Option<Handshake>),
    /// The agent has shaken hands after all, after [`Event::Ready`] without; it has seen nothing of what was written
    /// before, and that is on its way again.
    LateHandshake,
    /// A message of the agent for the person.
    AgentMessage(String),
    /// Bytes that the remote side wrote.
    Output(Bytes),
    /// Bytes that the remote side wrote to its standard error.
    Stderr(Bytes),
    /// The command has ended with this code.
    ExitCode(i64),
    /// A flag of a port session.
    Flag(Flag),
    /// What happens to a stream of a multiplexed session.
    Stream(StreamEvent),
    /// The connection has gone or come back; the session goes on.
    Connection(ConnectionEvent),
    /// The session is over. Nothing follows.
    Ended(End),
}

/// What a person may want to know while a session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionEvent {
    /// The connection is gone, for this reason, and ssmx is getting another one. Not reported, and neither is its end,
    /// when there is another one within a quarter of a second.
    Lost(String),
    /// Getting another one does not work so far, for this reason. Said again only when the reason changes.
    Waiting(String),
    /// The connection is back, after this long; nothing was lost.
    Restored(Duration),
    /// The connection is there, and the agent owes an answer and has not been heard for this long.
    AgentSilent(Duration),
    /// The agent is heard again, after this long.
    AgentHeard(Duration),
}

/// How a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The service said so. The text is empty after a normal end, otherwise it is the reason.
    Closed(String),
    /// This program ended it.
    Terminated,
    /// The connection was lost, and by the time there was another one the service had ended the session.
    Expired,
    /// The connection was lost, and the service refuses to resume the session.
    Refused(aws::Error),
    /// The connection was lost and no other could be had for so long that the service will have ended the session.
    Lost(String),
    /// The service closes each connection, or each on which a certain message is sent, for this reason.
    Rejected(String),
    /// The session could not go on.
    Failed(Failure),
}

impl End {
    /// The kind of end, for a log. The reason that the service gives may quote what the session carried.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Closed(reason) if reason.is_empty() => "closed",
            Self::Closed(_) => "closed with a reason",
            Self::Terminated => "terminated",
            Self::Expired => "expired",
            Self::Refused(_) => "refused",
            Self::Lost(_) => "lost",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
        }
    }
}
