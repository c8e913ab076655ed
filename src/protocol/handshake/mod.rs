//! The handshake: the agent says what it is and asks for what it needs, the client answers, the agent completes.

mod agent;
mod client;
mod json;

pub(crate) use agent::{AgentHandshake, AgentStep};
pub use agent::{AgentHandshakeConfig, KmsRequest};
pub(crate) use client::{ClientHandshake, Step};
pub use client::{Handshake, KeyRequest, SealedKey, SessionType};
