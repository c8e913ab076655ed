//! Why a session, a stream or a call fails.

use super::Command;

/// The peer sent what is not smux version 1. The real peers give the session up at the same points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The first byte of a header is not 1.
    #[error("smux version {0}, not 1")]
    Version(u8),
    /// The second byte of a header is not a command of version 1.
    #[error("unknown smux command {0:#04x}")]
    Command(u8),
    /// Only PSH carries data. Older peers take the data of another command for the next header, newer ones give up.
    #[error("smux {command:?} frame with {length} bytes of data")]
    Length {
        /// The command that should have carried none.
        command: Command,
        /// What its header announced, in bytes.
        length: u16,
    },
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The peer broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Nothing at all arrived for as long as [`KeepAlive::timeout`](super::KeepAlive::timeout) allows.
    #[error("nothing arrived within the keep-alive timeout")]
    TimedOut,
}

/// Why no stream could be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The session is over.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There are [`Config::max_streams`](super::Config::max_streams) streams.
    #[error("too many streams")]
    TooManyStreams,
    /// Every id was used; a new session is needed.
    #[error("stream ids are exhausted")]
    IdsExhausted,
    /// Only clients open streams.
    #[error("an agent opens no streams")]
    NotClient,
}

/// Why a stream takes no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The session is over.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The stream was never opened, or is over.
    #[error("no such stream")]
    UnknownStream,
    /// [`Mux::finish`](super::Mux::finish) or [`Mux::close`](super::Mux::close) was called.
    #[error("stream is finished")]
    Finished,
}
