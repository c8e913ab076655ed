//! ssmx: shells, commands and tunnels to EC2 and hybrid instances through AWS Systems Manager Session Manager,
//! without an open port, a bastion host, the AWS CLI or the session-manager-plugin.
//!
//! The map of the house, from what a person types down to the bytes on the wire. A room may import the rooms that its
//! row names, all of which stand below it, and no others; the last rows are single files. `tests/house` holds the source to
//! this table, and `docs/development.md` to the same one.
//!
//! | room | what it is | knows |
//! |---|---|---|
//! | [`cli`] | what a person types and sees: commands, messages, exit codes | picker, session, fleet, config, channel, aws, terminal, sandbox, records, protocol, files, moment, text, backoff, environment, nearest, syntax |
//! | [`picker`] | choosing an instance: the list, the query, the screen | fleet, terminal, files, moment, text, config, environment |
//! | [`session`] | what a session is for: shell, exec, tunnels, standard streams | channel, terminal, protocol, backoff |
//! | [`fleet`] | instances: finding the one that is meant, and why it cannot be reached | aws, files, moment, config, environment, nearest, protocol, text |
//! | [`config`] | config.toml: schema, merge, explain, edit | environment, nearest, syntax |
//! | [`channel`] | one session's socket: dial, drive, reconnect, resume; the streams over it | aws, records, protocol, backoff |
//! | [`aws`] | SDK clients, credentials, endpoints, proxies; AWS errors turned into advice | syntax |
//! | [`terminal`] | raw mode, size, escape keys, signals, restore | – |
//! | [`records`] | the sessions that processes of this machine have open, so that none is lost with its process | files, environment |
//! | [`sandbox`] | an embedded AWS on loopback: control plane, message gateway, agents | protocol, files, environment |
//! | [`protocol`] | pure: wire format, handshake, reliable delivery, cipher, smux. No IO, no clock | – |
//! | [`backoff`] | pauses that double from one attempt to the next | – |
//! | [`environment`] | the variables that ssmx reads and sets | – |
//! | [`nearest`] | the word that a mistyped one was probably meant to be | – |
//! | [`syntax`] | the forms of text that several rooms check: regions, URLs | – |
//! | [`files`] | private files and folders, replaced in one step or gone when done with | – |
//! | [`moment`] | times as people and programs read them | – |
//! | [`text`] | text from elsewhere, made fit for a terminal | – |
//!
//! `protocol` is the heart: a state machine that is handed frames and the time and asked what to send, what
//! happened and when to wake it. It plays both roles, so the sandbox's agents and the simulation tests run the same
//! reliable delivery from the other end. `sandbox` shares no code with `channel` and `session`, so that a mistake on
//! one side shows on the other.

// The futures of the SDK are nested some sixty deep, and ours around them.
#![recursion_limit = "256"]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make files as they need them"))]

pub(crate) mod aws;
pub(crate) mod backoff;
pub(crate) mod channel;
pub(crate) mod cli;
pub(crate) mod config;
pub(crate) mod environment;
pub(crate) mod files;
pub(crate) mod fleet;
pub(crate) mod moment;
pub(crate) mod nearest;
pub(crate) mod picker;
pub mod protocol;
pub(crate) mod records;
pub mod sandbox;
pub(crate) mod session;
#[cfg(test)]
mod simulation;
pub(crate) mod syntax;
pub(crate) mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;

pub use cli::main;

/// What the benchmarks and the tests of the terminal reach into. It is no promise: it changes with the rooms.
#[doc(hidden)]
pub mod bench {
    pub mod aws {
        pub use crate::aws::{Ambient, Aws, Endpoints, InstanceState, PingStatus, Platform, Settings};
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
