//! The data channel of Session Manager, pure: no IO, no clock, no runtime.
//!
//! [`DataChannel`] is a state machine in the manner of quinn-proto, rustls and str0m: it is handed frames and the time,
//! and asked what to send, what happened and when to wake it. [`data_channel`] states the contract. It plays the client
//! and the agent.
//!
//! | file | idea |
//! |---|---|
//! | `message` | the binary message: header and payload |
//! | `payload` | payload types and the small contents |
//! | `open` | the open message |
//! | `sender`, `receiver` | reliable delivery, one half each |
//! | `rtt`, `congestion` | when to repeat, how much may be in flight |
//! | `send_queue` | what waits for the window |
//! | `mtu` | whether large messages get through |
//! | `handshake` | both sides of the handshake |
//! | `version`, `capabilities` | what an agent can do, by its version |
//! | `cipher` | AES-256-GCM of sessions with a KMS key |
//! | `data_channel` | all of it together |
//! | `smux` | many streams over one |

mod capabilities;
mod cipher;
mod config;
mod congestion;
pub mod data_channel;
mod event;
mod handshake;
mod ids;
mod message;
mod mtu;
mod open;
mod payload;
mod receiver;
mod role;
mod rtt;
mod send_queue;
mod sender;
pub mod smux;
#[cfg(test)]
mod tests;
mod version;

pub use capabilities::{Capabilities, Capability};
use cipher::Cipher;
pub use cipher::{DATA_KEY_LENGTH, DataKey};
pub use config::{AgentConfig, ClientConfig, Config};
pub use data_channel::DataChannel;
pub use event::{Event, Failure, ReceiveStatistics};
pub use handshake::{AgentHandshakeConfig, Handshake, KeyRequest, KmsRequest, SealedKey, SessionType};
pub use message::{Header, Message, MessageType, PREFIX_LENGTH, ParseError};
pub use open::OpenMessage;
pub use payload::{AgentSessionState, ChannelClosed, Flag, PayloadType, Size};
pub use role::Role;
pub use sender::SendStatistics;
pub use version::{CLIENT_VERSION, InvalidVersion, Version};
