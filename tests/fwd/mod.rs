//! `ssmx fwd` with real sockets, against the sandbox.

mod bytes;
mod lifecycle;
mod listeners;
mod tunnel;
