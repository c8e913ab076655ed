//! The protocol against the recordings of the official peers, and against a network that does its worst.

mod behaviour;
mod latency;
mod network;
mod recording;
mod replay;
mod simulation;
mod wire;
