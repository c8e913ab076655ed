//! Many streams over one session.
//!
//! The session's task owns both machines: the [`DataChannel`] and, above it, the multiplexer. It asks the multiplexer for
//! frames only when the channel can put them on the wire at once, so that a keystroke on one stream never queues behind
//! the bulk data of another for longer than one message. The tasks that serve connections reach their [`Stream`] under
//! a lock that is never held across a wait.
//!
//! What waits is bounded by the multiplexer's own limits: 256 KiB to send and 8 MiB to read for each stream, 4 MiB and
//! 32 MiB for all together. At the limits a stream that sends takes no more, and one that is not read stops the others,
//! for as long as [`stall`] says.
//!
//! | file | idea |
//! |---|---|
//! | `stall` | which stream holds up the others, and for how long it may |
//! | `shared` | the multiplexer, and the tasks that wait for it |
//! | `stream` | one stream |
//! | `streams` | all streams of a session, from above |

mod shared;
mod stall;
mod stream;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub(super) use shared::Shared;
pub(crate) use stall::{Limits, Side, Stall};
use stall::{Verdict, Watch};
pub(crate) use stream::Stream;
pub(crate) use streams::Streams;

use crate::protocol::{Capabilities, Capability, DataChannel, Handshake};

/// Why a stream cannot be opened.
pub(crate) use crate::protocol::smux::OpenError as NoStream;

/// Bytes that streams hand to the channel at a time at most, unless one message is larger.
const TURN: usize = 32 * 1024;

/// How soon to look again whether a stream holds up the others.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The type of port sessions that can be multiplexed, as the properties of their documents name it.
const MULTIPLEXED_TYPE: &str = "LocalPortForwarding";

/// One stream holds up the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEvent {
    /// It does not move.
    Stalled(Stall),
    /// It has not moved for too long, and is cut; where its destination is what does not read, the session ends.
    Cut(Stall),
}

/// What is to be done for the streams.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing until this instant, if there is one.
    Wait(Option<Instant>),
    /// The owner should know.
    Tell(StreamEvent),
    /// It makes no sense to go on with the session.
    GiveUp(Stall),
}

/// What the agent can do, if it and the document of the session multiplex.
pub(super) fn multiplexing_agent(handshake: &Handshake) -> Option<Capabilities> {
    let kind = handshake.properties.get("type")?.as_str()?;
    let agent = handshake.capabilities()?;
    (kind == MULTIPLEXED_TYPE && agent.has(Capability::Multiplexing)).then_some(agent)
}

/// The multiplexer, as the task of its session has it. When it is dropped, its streams are over.
#[derive(Debug)]
pub(super) struct Multiplexer {
    shared: Arc<Shared>,
    watch: Watch,
    /// Something was sent since the last look, or there was no connection.
    moves: bool,
}

impl Multiplexer {
    /// For an agent that can do this.
    pub(super) fn new(agent: Capabilities) -> Self {
        Self { shared: Arc::new(Shared::new(agent)), watch: Watch::new(), moves: true }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Whether there is room for what comes.
    pub(super) fn can_receive(&self) -> bool {
        let state = self.shared.lock();
        state.over || state.mux.can_receive()
    }

    /// Takes what the agent has sent; when the session is over nobody wants it any more.
    ///
    /// # Errors
    /// The agent broke the protocol: why.
    pub(super) fn receive(&mut self, now: Instant, bytes: Bytes) -> Result<(), String> {
        let mut state = self.shared.lock();
        if state.over {
            return Ok(());
        }
        let taken = state.mux.handle_data(now, bytes);
        state.dispatch();
        taken.map_err(|error| format!("the agent broke the protocol: {error}"))
    }

    /// The agent could not make a connection. The stream it is about gets its end right after this.
    pub(super) fn refused(&mut self) {
        self.shared.lock().refused += 1;
    }

    /// Hands the channel what streams have to send, as far as it would go out at once.
    pub(super) fn transmit(&mut self, channel: &mut DataChannel) {
        self.transmit_over(
            channel,
            |channel| channel.poll_sendable().min(TURN).min(channel.writable()),
            |channel, bytes| {
                let accepted = channel.write(&bytes);
                debug_assert_eq!(accepted, bytes.len(), "there was room");
            },
        );
    }

    /// Does so over a wire that is asked for its room only when there is something to send.
    pub(super) fn transmit_over<W>(
        &mut self,
        wire: &mut W,
        room: fn(&mut W) -> usize,
        send: impl FnOnce(&mut W, Bytes),
    ) {
        // Under the lock to the end: who sees a stream without bytes may take them for handed over.
        let mut state = self.shared.lock();
        if state.over || !state.mux.has_unsent() {
            return;
        }
        if let Some(bytes) = state.mux.poll_transmit(room(wire)) {
            send(wire, bytes);
            self.moves = true;
            // What went out has made room for writers.
            state.dispatch();
            state.report_drained();
        }
    }

    /// There is no connection for a while: that nothing moves is no stream's fault.
    pub(super) fn disconnected(&mut self) {
        self.moves = true;
        self.watch.forgive();
        self.shared.mute.store(false, Ordering::Relaxed);
    }

    /// Looks after what is due, and whether one stream holds up the others.
    pub(super) fn look(&mut self, now: Instant) -> Look {
        let state = &mut *self.shared.lock();
        if state.over {
            return Look::Wait(None);
        }
        state.mux.handle_timeout(now);
        let mute = state.mux.has_unsent() && !std::mem::take(&mut self.moves);
        let verdict = self.watch.look(&state.mux, &state.ledger, state.limits, mute, now);
        self.shared.mute.store(self.watch.is_mute(), Ordering::Relaxed);
        match verdict {
            Verdict::Wait(at) => {
                // What cannot be sent may be a stall that begins.
                let unsent = state.mux.has_unsent().then(|| now + LOOK_AGAIN);
                Look::Wait([at, unsent, state.mux.poll_timeout()].into_iter().flatten().min())
            }
            Verdict::Report(stall) => Look::Tell(StreamEvent::Stalled(stall)),
            Verdict::Cut(id, stall) => {
                state.cut(id);
                Look::Tell(StreamEvent::Cut(stall))
            }
            Verdict::GiveUp(stall) => Look::GiveUp(stall),
        }
    }

    /// The session is over: what has arrived can still be read.
    pub(super) fn end(&mut self) {
        self.shared.lock().end();
    }
}

impl Shared {
    /// Waits until a stream has something to send, or has made room. Dropping the future loses nothing.
    pub(super) async fn has_work(&self) {
        self.work.notified().await;
    }
}

impl Drop for Multiplexer {
    fn drop(&mut self) {
        self.end();
    }
}
