//! Tunnels: TCP connections and unix sockets here, carried by sessions to ports that the instance can reach.
//!
//! A [`Listener`] outlives any session. [`Session`] is one session that is ready to carry connections: many at a time
//! on streams ([`multiplexed`]), or with agents that do without one after the other ([`basic`]). A [`Route`] is the
//! replaceable set of sessions to one destination. [`serve`] joins the two: it accepts connections, hands them to a
//! session of the route, and has another session started when none is left and a connection comes.
//!
//! A file imports only files above it in this table; `route` and `socks` are the only folders.
//!
//! | file | idea |
//! |---|---|
//! | `endpoint` | what is forwarded where |
//! | `error` | why a port cannot be opened, or a session is not ready |
//! | `orphan` | whether a program still holds its end of a connection |
//! | `incoming` | one connection that came in |
//! | `lanes` | how many sessions a route may have |
//! | `observer` | what a tunnel needs from outside: sessions, and an observer |
//! | `stop` | whether and how to stop, and the polite end of a session |
//! | `meter` | what a connection moves of late, and what of it may be undelivered |
//! | `gauge` | what sessions tell their route |
//! | `tally` | what a session carries, for those who wait for the end of it |
//! | `port_owner` | the process that has a port |
//! | `unix_listener`, `listener` | where connections come in |
//! | `accept` | listeners take turns |
//! | `half_close` | the end of what a program sends, held back for a while |
//! | `copy` | copies between a connection and its stream |
//! | `multiplexed` | sessions that carry many connections at a time |
//! | `basic` | sessions that carry one connection at a time |
//! | `session` | one session, whatever its mode |
//! | `route` | the sessions to one destination: lanes, and which connection takes which |
//! | `tunnel` | listeners and their route |
//! | `single` | one session that cannot be replaced |
//! | `socks` | connections whose programs say by SOCKS5 where they lead |

mod accept;
mod basic;
mod copy;
mod endpoint;
mod error;
mod gauge;
mod half_close;
mod incoming;
mod lanes;
mod listener;
mod meter;
mod multiplexed;
mod observer;
mod orphan;
mod port_owner;
mod remains;
mod route;
mod session;
mod single;
mod socks;
mod stop;
mod tally;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tunnel;
#[cfg(unix)]
mod unix_listener;

pub(crate) use crate::channel::{Limits, Side, Stall};
pub(crate) use endpoint::{Bind, Destination, Listen, LocalPort, is_out_of_reach};
pub(crate) use error::SessionError;
pub(in crate::session) use half_close::{HALF_CLOSE_TIMEOUT, HalfClose};
pub(crate) use lanes::Lanes;
pub(crate) use listener::Listener;
pub(crate) use observer::{Opener, TunnelEvent, TunnelObserver};
pub(crate) use route::{Route, RouteError};
pub(crate) use session::{Probe, Session, begin};
pub(crate) use single::{Served, serve_one};
pub(crate) use socks::request::Refusal;
pub(crate) use socks::{SocksOptions, SocksRoutes, serve_socks};
pub(crate) use stop::Stop;
pub(crate) use tunnel::serve;
#[cfg(test)]
pub(crate) use {
    incoming::Incoming,
    listener::memory::{File, Files},
    session::connect,
};
