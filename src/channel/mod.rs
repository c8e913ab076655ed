//! One session's socket: dial, drive, reconnect, resume.
//!
//! [`open`] starts a session and hands out a [`Channel`]: an ordered, lossless stream of [`Event`]s one way and an
//! [`Input`] the other. One task owns the socket. A cut, a resume and a new dial happen below that line and never show,
//! other than as a [`ConnectionEvent`]. Where the agent multiplexes, the same task owns the multiplexer, and the owner of
//! the session has [`Streams`] in place of bytes.

mod ahead;
mod clock;
mod command;
mod dial;
mod driver;
mod endings;
mod event;
mod gateways;
mod handle;
mod input;
mod key;
mod line;
mod moderation;
mod mux;
mod open;
mod pacing;
mod reconnect;
mod resources;
mod silence;
mod socket;
mod stream_url;
mod terminate;
#[cfg(test)]
mod tests;
mod watchdog;

pub(crate) use ahead::connect_ahead;
#[cfg(test)]
pub(crate) use command::Command;
pub(crate) use dial::DialError;
#[cfg(test)]
pub(crate) use endings::end_all_on;
pub(crate) use endings::{Unended, end_all, unended};
pub(crate) use event::{ConnectionEvent, End, Event};
pub(crate) use handle::Channel;
pub(crate) use input::{Input, SessionOver};
pub(crate) use mux::{Limits, NoStream, Side, Stall, Stream, StreamEvent, Streams};
pub(crate) use open::{OpenError, Options, open, open_started};
pub(crate) use resources::random;
pub(crate) use terminate::{end_left, terminate};

pub(crate) use crate::aws::StartSession;
