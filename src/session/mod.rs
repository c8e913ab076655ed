//! What a session is for: a shell, a command, tunnels, or a stream of bytes. Each takes an open
//! [`crate::channel::Channel`] and sees it to its end.

pub(crate) mod command;
mod decode;
pub(crate) mod document;
pub(crate) mod event;
pub(crate) mod exec;
pub(crate) mod forward;
mod observer;
pub(crate) mod pipe;
pub(crate) mod shell;
mod sink;
pub(crate) mod stdio;

pub(crate) use command::{Command, Dialect};
pub(crate) use document::{Document, SessionRequest};
pub(crate) use event::wait_until_ready;
pub(crate) use exec::{Executed, exec};
pub(crate) use observer::Observer;
pub(crate) use shell::{Left, shell};
pub(crate) use sink::{Decoding, Direct, Prefixed, Shared, Sink};
pub(crate) use stdio::{Carried, stdio};
