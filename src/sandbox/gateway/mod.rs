//! The message gateway: pairs the WebSocket of a session's client with the session's agent.

mod channel_closed;
mod client;
mod publication;
mod supervisor;
mod upgrade;

pub(super) use supervisor::supervise;
pub(super) use upgrade::{is_upgrade, upgrade};
