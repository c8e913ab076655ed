//! What a session is for: a shell, a command, tunnels, or a stream of bytes. Each takes an open
//! [`crate::channel::Channel`] and sees it to its end.

pub mod command;
mod decode;
pub mod exec;
pub mod forward;
pub mod shell;
mod sink;
pub mod stdio;

pub use exec::{Executed, exec};
pub use shell::{Left, shell};
pub use sink::{Decoding, Direct, Prefixed, Shared, Sink};
pub use stdio::{Carried, stdio};

use crate::channel::Notice;

/// Hears what a person should know while a session goes on.
pub trait Observer: Sync {
    /// The connection is lost or back.
    fn notice(&self, notice: &Notice);

    /// The agent, or the organisation that runs it, has something to say.
    fn message(&self, text: &str);
}
