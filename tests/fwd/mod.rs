//! `ssmx fwd` with real sockets and real programs, against the sandbox.

mod bytes;
mod churn;
mod cuts;
#[cfg(target_os = "linux")]
mod descriptors;
mod lifecycle;
mod listeners;
mod loopback;
mod messages;
mod postgres;
mod socks;
mod tunnel;
mod web;
