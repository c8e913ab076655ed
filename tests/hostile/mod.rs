//! The built program against peers that do what none should: whatever they do, it ends in a stated state, within bounds
//! of time, memory and calls.

mod agent;
mod bounds;
mod credentials;
mod frames;
mod handshake;
mod service;
mod silence;
