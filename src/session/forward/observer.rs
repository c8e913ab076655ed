//! What a tunnel needs from outside: sessions, and an observer to report to.

use std::fmt;
use std::future::Future;
use std::io;

use super::lanes::Lanes;
use crate::channel::{Channel, End, Limits, Stall};
use crate::session::observer::Observer;

/// Starts sessions to one destination.
pub(crate) trait Opener: Send + Sync + 'static {
    /// Why a session could not be started.
    type Error: fmt::Display + Send;

    /// Starts a session.
    fn open(&self) -> impl Future<Output = Result<Channel, Self::Error>> + Send;

    /// Starts one more session beside those that there are, to the same place as the last one.
    fn open_beside(&self) -> impl Future<Output = Result<Channel, Self::Error>> + Send {
        self.open()
    }

    /// What its sessions put up with.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// How many of them there may be at a time.
    fn lanes(&self) -> Lanes {
        Lanes::ONE
    }
}

/// Hears what a person should know while a tunnel is open.
pub(crate) trait TunnelObserver: Observer + Send + Sync + 'static {
    /// Something happened to a connection or a session.
    fn tunnel(&self, event: &TunnelEvent);
}

/// What happens in a tunnel.
#[derive(Debug)]
pub(crate) enum TunnelEvent {
    /// The destination did not accept a connection. It may come often.
    Refused,
    /// One connection does not move, and holds up the others.
    Stalled(Stall),
    /// It has done so for too long, and is reset; where its destination is what does not read, all of the session are.
    Cut(Stall),
    /// The tunnel is to end, and so many connections are still open.
    Finishing(usize),
    /// They had a minute in which nothing moved, and are reset.
    Unfinished {
        /// So many.
        open: usize,
        /// Whether something was on its way.
        lost: bool,
    },
    /// The session is over, and its connections with it. The next connection starts another one.
    Ended(End),
    /// So many of several sessions are over, and their connections with them; the last of them in this way.
    LanesEnded(usize, End),
    /// A session ended before all that was sent to it had arrived, for this reason if it is not known yet.
    Lost(Option<End>),
    /// When the tunnel was to finish, connections waited for a minute for a session to carry them, in vain.
    Left,
    /// Another session cannot be started yet.
    Waiting(String),
    /// Another session carries connections; this is its id.
    Replaced(String),
    /// No other session could be started in time, and the connection that waited for it is reset.
    GaveUp(String),
    /// No session to the destination could be started, and the connections that wait for one are refused.
    NoSession(String),
    /// All sessions that are allowed have connections; a connection that waited for one is refused.
    NoRoom,
    /// A program asked for something that is not possible; its connection is refused.
    Rejected(String),
    /// The system does not hand out incoming connections.
    Accept(io::Error),
    /// No more files may be open, of which there may be so many; further connections wait.
    Full(u64),
}
