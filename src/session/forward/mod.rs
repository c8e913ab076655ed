//! Tunnels: TCP connections and unix sockets here, carried by sessions to ports that the instance can reach.
//!
//! A [`Listener`] outlives any session. [`Session`] is one session that is ready to carry connections: many at a time
//! over smux ([`mux`]), or with agents that do without one after the other ([`basic`]). [`serve`] joins the two: it
//! accepts connections, hands them to the session, and starts another session when one has ended and somebody comes.
//!
//! | file | idea |
//! |---|---|
//! | `endpoint` | what is forwarded where |
//! | `listener` | where connections come in |
//! | `owner` | who has a port that is taken |
//! | `local_socket` | a unix socket to listen on |
//! | `local` | one connection that came in |
//! | `session` | one session, whatever its mode |
//! | `mux`, `stream` | many connections over one session, and one of them |
//! | `connection` | copies between a connection and its stream |
//! | `basic` | sessions that carry one connection at a time |
//! | `tunnel` | sessions that follow one another |
//! | `single` | one session that nobody can replace |
//! | `socks` | connections whose programs say by SOCKS5 where they lead |
//! | `socks_request` | what such a program asks for, and what it is answered |
//! | `socks_pool` | the few sessions that they share, one for each destination |
//! | `socks_line` | one of these |

mod basic;
mod copy;
mod endpoint;
mod incoming;
mod listener;
mod mux;
mod port_owner;
mod session;
mod single;
mod socks;
mod stream;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tunnel;
#[cfg(unix)]
mod unix_listener;

pub(crate) use endpoint::{Bind, Destination, Listen, LocalPort};
pub(crate) use listener::Listener;
#[cfg(test)]
pub(crate) use session::connect;
pub(crate) use session::{Probe, Session, SessionError, begin, connect_unless};
pub(crate) use single::{Served, serve_one};
pub(crate) use socks::request::Refusal;
pub(crate) use socks::{SocksOptions, SocksRoutes, serve_socks};
pub(crate) use tunnel::{Note, Opener, Reporter, serve};
