//! One session's socket: dial, drive, reconnect, resume.
//!
//! [`open`] starts a session and hands out a [`Channel`]: an ordered, lossless stream of [`Event`]s one way and an
//! [`Input`] the other. One task owns the socket. A cut, a resume and a new dial happen below that line and never show,
//! other than as a [`ConnectionEvent`].

mod clock;
mod dial;
mod driver;
mod endings;
mod event;
mod gateways;
mod line;
mod open;
mod outlet;
mod pacing;
mod reconnect;
mod resources;
mod silence;
mod socket;
mod stream_url;
#[cfg(test)]
mod tests;
mod watchdog;

pub(crate) use clock::now;
pub(crate) use dial::DialError;
#[cfg(test)]
pub(crate) use driver::Command;
#[cfg(test)]
pub(crate) use endings::end_all_on;
pub(crate) use endings::{Unended, end_all, unended};
pub(crate) use event::{ConnectionEvent, End, Event};
pub(crate) use open::{Channel, Input, OpenError, Options, SessionOver, end_left, open, open_started, terminate};
pub(crate) use outlet::Outlet;
pub(crate) use resources::random;

pub(crate) use crate::aws::StartSession;
