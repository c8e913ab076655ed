//! The protocol against the recordings of the official peers, and against a network that does its worst.

#![allow(clippy::disallowed_methods, reason = "tests and benchmarks have an environment of their own")]

mod behaviour;
mod network;
mod path;
mod recording;
mod replay;
mod simulation;
mod window;
mod wire;
