//! The ear of a session: hears what a person should know.

use crate::channel::Notice;

/// Hears what a person should know while a session goes on.
pub(crate) trait Observer: Sync {
    /// The connection is lost or back.
    fn notice(&self, notice: &Notice);

    /// The agent, or the organisation that runs it, has something to say.
    fn message(&self, text: &str);
}
