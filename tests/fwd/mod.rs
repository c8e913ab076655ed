//! `ssmx fwd` with real sockets and real programs, against the sandbox.

mod basic;
mod bytes;
mod churn;
mod cuts;
#[cfg(target_os = "linux")]
mod descriptors;
mod ending;
mod first_byte;
mod lanes;
mod lifecycle;
mod listeners;
mod loopback;
mod messages;
mod postgres;
mod socks;
mod stalls;
mod tunnel;
mod web;
