//! `ssmx fwd` with real sockets and real programs, against the sandbox.

mod basic;
mod bytes;
mod churn;
mod cuts;
mod ending;
mod lifecycle;
mod listeners;
mod messages;
mod postgres;
mod socks;
mod stalls;
mod tunnel;
mod web;
