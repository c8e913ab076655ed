//! The ear of a session: hears what a person should know.

use crate::channel::ConnectionEvent;

/// Hears what a person should know while a session goes on.
pub(crate) trait Observer: Sync {
    /// The connection is lost or back.
    fn connection(&self, event: &ConnectionEvent);

    /// The agent, or the organisation that runs it, has something to say.
    fn agent_message(&self, text: &str);
}
