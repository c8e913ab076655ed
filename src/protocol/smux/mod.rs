//! smux version 1: many byte streams over one reliable byte stream, as port sessions use it.
//!
//! [`Mux`] is a state machine for either end: the client opens streams, the agent accepts them. It is handed bytes and
//! instants and asked what happened and what to send; it never blocks, reads no clock and does no IO. Its methods are
//! of four kinds, and an owner goes through them in this order whenever something happened:
//!
//! 1. `handle_*`: [`Mux::handle_data`] with bytes of the channel, as long as [`Mux::can_receive`];
//!    [`Mux::handle_timeout`] when the instant of [`Mux::poll_timeout`] has come;
//! 2. [`Mux::poll_event`] until `None`, and in answer the commands [`Mux::open`], [`Mux::read`], [`Mux::write`],
//!    [`Mux::finish`], [`Mux::close`];
//! 3. [`Mux::poll_transmit`] until `None` or until the channel takes no more;
//! 4. [`Mux::poll_timeout`].
//!
//! A stream ends in each direction by itself, with [`Mux::finish`] here and [`Event::Finished`] from the peer.
//! The real ends of a port session close a whole stream when one direction ends; what to do about that is the
//! owner's policy, not the multiplexer's.
//!
//! # Limits
//!
//! The protocol has no window: a peer may send whatever the channel carries, and the only way to slow it down is to
//! stop reading the channel. Hence:
//!
//! | limit | at the limit |
//! |---|---|
//! | [`Config::receive_per_stream`], [`Config::receive_per_session`] | [`Mux::can_receive`] turns false and the owner stops reading the channel, which stops every stream; until then a stream that is not read stops no other. A chunk handed in is always taken whole, so a limit is passed by one chunk at most; nothing is dropped |
//! | [`Config::send_per_stream`], [`Config::send_per_session`] | [`Mux::write`] takes less than it was offered, and [`Event::Writable`] follows when there is room. A stream may hold an eighth of what is still free of the session's buffer, so that bulk leaves room for the next stream |
//! | [`Config::max_streams`] | [`Mux::open`] fails; a stream that the peer opens gets a FIN at once, and as many unsent FINs of this kind make [`Mux::can_receive`] false |
//! | 2³¹ − 1 streams opened | [`Mux::open`] fails for good: ids are never used twice |
//!
//! Memory for data is at most about twice the bytes counted. What is received is copied: it may be a slice of the
//! buffer that the socket was read into, with far more in it than can be seen here. What is to be sent is kept as it is
//! handed in if it is at least half of that, and everything smaller is copied together.

mod buffer;
mod config;
mod error;
mod frame;
mod keep_alive;
mod mux;
mod scheduler;
mod stream;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use error::{OpenError, ProtocolError, SessionError, WriteError};
pub use frame::{Command, Decoded, Decoder, HEADER_LEN, Header, StreamId};
pub use keep_alive::KeepAlive;
pub use mux::{Event, Mux};
