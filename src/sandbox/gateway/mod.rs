//! The message gateway: pairs the WebSocket of a session's client with the session's agent.
//!
//! A [`Lane`] carries the frames of one direction and outlives connections: while one side is away they wait in it.

mod channel_closed;
mod client;
mod lane;
mod publication;
mod queue;
mod supervisor;
mod upgrade;

pub(super) use lane::Lane;
pub(super) use supervisor::supervise;
pub(super) use upgrade::{is_upgrade, upgrade};
