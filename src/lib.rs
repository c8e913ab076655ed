//! ssmx: shells, commands and tunnels to EC2 and hybrid instances through AWS Systems Manager Session Manager,
//! without an open port, a bastion host, the AWS CLI or the session-manager-plugin.
//!
//! The map of the house, from what a person types down to the bytes on the wire. A room knows the rooms below it
//! that are named in its line, and never one above:
//!
//! | room | what it is | knows |
//! |---|---|---|
//! | [`cli`] | what a person types and sees: commands, messages, exit codes | session, fleet, config, aws, sandbox |
//! | [`session`] | what a session is for: shell, exec | channel, terminal |
//! | [`picker`] | choosing an instance: the list, the query, the screen | fleet, terminal |
//! | [`fleet`] | instances: finding the one that is meant | aws, protocol (`Version`, `Capability`) |
//! | [`config`] | config.toml: schema, merge, explain, edit | – |
//! | [`channel`] | one session's socket: dial, drive, reconnect, resume | protocol, aws |
//! | [`aws`] | SDK clients, credentials, endpoints, proxies; AWS errors turned into advice | – |
//! | [`terminal`] | raw mode, size, escape keys, restore | – |
//! | [`protocol`] | pure: wire format, handshake, reliable delivery, cipher, smux. No IO, no clock | – |
//! | [`sandbox`] | an embedded AWS on loopback: control plane, message gateway, agents | protocol |
//!
//! `backoff`, pauses between attempts, is no room: any room may use it, and it knows none.
//!
//! `protocol` is the heart: a state machine that is handed frames and the time and asked what to send, what
//! happened and when to wake it. It plays both roles, so the sandbox's agents and the simulation tests run the same
//! reliable delivery from the other end. `sandbox` shares no code with `channel` and `session`, so that a mistake on
//! one side shows on the other.

pub(crate) mod aws;
pub(crate) mod backoff;
pub(crate) mod channel;
pub(crate) mod cli;
pub(crate) mod config;
pub(crate) mod fleet;
pub(crate) mod picker;
pub mod protocol;
pub mod sandbox;
pub(crate) mod session;
pub(crate) mod terminal;

pub use cli::main;

/// What the benchmarks and the tests of the terminal reach into. It is no promise: it changes with the rooms.
#[doc(hidden)]
pub mod bench {
    pub mod aws {
        pub use crate::aws::{Aws, InstanceState, PingStatus, Platform, Settings};
    }
    pub mod fleet {
        pub use crate::fleet::cache::{Cache, Cached, names};
        pub use crate::fleet::{CacheUse, Instance, Inventory, Options, Place, Query, TargetState, cached, list};
    }
    pub mod picker {
        pub use crate::picker::{Key, Settings, State, Update, draw};
    }
    pub mod terminal {
        pub use crate::terminal::{EscapeKeys, Input, Output, RawMode, Typed, signals, size};
    }
}
