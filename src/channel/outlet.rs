//! A way into a session for users that choose what to send at the last moment.
//!
//! What is written through an [`Input`](super::Input) waits behind all that was written before. A multiplexer would
//! rather decide when there really is room on the wire, so that a key pressed on one stream passes the bulk data of
//! another. An [`Outlet`] says when that is.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::driver::Command;
use super::open::SessionOver;

/// Bytes granted at a time at most, unless one message is larger.
pub(super) const TURN: usize = 32 * 1024;

/// One user's turns to send. There should be one of these in a session, and no other writer beside it.
#[derive(Debug)]
pub(crate) struct Outlet {
    commands: mpsc::Sender<Command>,
    asked: Option<oneshot::Receiver<usize>>,
    granted: Option<usize>,
}

impl Outlet {
    pub(super) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands, asked: None, granted: None }
    }

    /// Waits until bytes would go out at once. Dropping the future loses nothing; with a turn in hand it never
    /// resolves.
    ///
    /// # Errors
    /// [`SessionOver`].
    pub(crate) async fn ready(&mut self) -> Result<(), SessionOver> {
        if self.granted.is_some() {
            return std::future::pending().await;
        }
        if self.asked.is_none() {
            let room = self.commands.reserve().await.map_err(|_| SessionOver)?;
            let (grant, asked) = oneshot::channel();
            room.send(Command::Turn(grant));
            self.asked = Some(asked);
        }
        if let Some(asked) = &mut self.asked {
            let granted = asked.await;
            // An answer comes once, also that there will be none.
            self.asked = None;
            self.granted = Some(granted.map_err(|_| SessionOver)?);
        }
        Ok(())
    }

    /// How many bytes may be sent in the turn at hand, if there is one. A turn does not grow stale.
    pub(crate) fn granted(&self) -> Option<usize> {
        self.granted
    }

    /// Sends bytes, no more than granted, and ends the turn.
    ///
    /// # Errors
    /// [`SessionOver`]; also without a turn.
    pub(crate) fn send(&mut self, bytes: Bytes) -> Result<(), SessionOver> {
        let granted = self.granted.take().ok_or(SessionOver)?;
        debug_assert!(bytes.len() <= granted, "{} of {granted} bytes", bytes.len());
        // There is room: one turn is one command.
        self.commands.try_send(Command::Write(bytes)).map_err(|_| SessionOver)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_session_that_ends_before_the_turn_comes_says_so_each_time() {
        let (commands, mut queue) = mpsc::channel(1);
        let mut outlet = Outlet::new(commands);
        assert!(outlet.ready().now_or_never().is_none());
        drop(queue.recv().await);
        queue.close();
        for _ in 0..2 {
            assert_eq!(outlet.ready().now_or_never(), Some(Err(SessionOver)));
        }
    }
}
