//! What a session is for: a shell, a command, tunnels, or a stream of bytes. Each takes an open
//! [`crate::channel::Channel`] and sees it to its end.

pub(crate) mod command;
mod decode;
pub(crate) mod exec;
pub(crate) mod forward;
pub(crate) mod shell;
mod sink;
pub(crate) mod stdio;

pub(crate) use exec::{Executed, exec};
pub(crate) use shell::{Left, shell};
pub(crate) use sink::{Decoding, Direct, Prefixed, Shared, Sink};
pub(crate) use stdio::{Carried, stdio};

use crate::channel::Notice;

/// Hears what a person should know while a session goes on.
pub(crate) trait Observer: Sync {
    /// The connection is lost or back.
    fn notice(&self, notice: &Notice);

    /// The agent, or the organisation that runs it, has something to say.
    fn message(&self, text: &str);
}
