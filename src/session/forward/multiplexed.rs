//! Sessions that carry many connections at a time, each on a stream of its own.
//!
//! The session's task moves the bytes, and hands them to the tasks of the connections itself; what is here hears how the
//! session fares, and ends it.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::copy;
use super::half_close::HALF_CLOSE_TIMEOUT;
use super::incoming::Incoming;
use super::observer::{TunnelEvent, TunnelObserver};
use super::stop::{Stop, farewell, reaches};
use super::tally::Tally;
use crate::channel::{Channel, End, Limits, NoStream, StreamEvent, Streams};
use crate::session::event::{PortEvent, RESTARTED, next_port};

/// The connections of one session.
#[derive(Debug)]
pub(super) struct Multiplexed {
    pub(super) streams: Streams,
    pub(super) tally: Arc<Tally>,
    /// Programs that have sent all they have to send get less time for an answer.
    pub(super) hurry: watch::Sender<bool>,
}

impl Multiplexed {
    /// Begins to carry. When `stop` says that it is to finish, the session ends once no connection is open and all they
    /// sent has arrived.
    pub(super) fn spawn<O: TunnelObserver>(
        channel: Channel,
        streams: Streams,
        observer: Arc<O>,
        limits: Limits,
        stop: watch::Receiver<Stop>,
    ) -> (Self, JoinHandle<End>) {
        streams.limit(limits);
        let tally = Tally::of(streams.clone());
        let task = tokio::spawn(see_through(channel, streams.clone(), Arc::clone(&tally), observer, stop));
        (Self { streams, tally, hurry: watch::Sender::new(false) }, task)
    }

    pub(super) fn carry(&self, session_id: &str, incoming: Incoming) -> Result<(), Incoming> {
        match self.streams.open(incoming.name()) {
            Ok(stream) => {
                let (hurry, open) = (self.hurry.subscribe(), self.tally.enter());
                tokio::spawn(copy::serve(incoming, stream, HALF_CLOSE_TIMEOUT, hurry, open));
                Ok(())
            }
            Err(NoStream::TooManyStreams) => {
                // The limit is the one of the real agents. A connection beyond it sees a failure at once.
                tracing::warn!(session_id, "too many connections");
                if incoming.discard().is_some_and(|bytes| bytes > 0) {
                    self.tally.lose();
                }
                incoming.reset();
                Ok(())
            }
            Err(NoStream::Session(_) | NoStream::IdsExhausted | NoStream::NotClient) => Err(incoming),
        }
    }
}

/// Sees a session to its end.
async fn see_through<O: TunnelObserver>(
    mut channel: Channel,
    streams: Streams,
    tally: Arc<Tally>,
    observer: Arc<O>,
    mut stop: watch::Receiver<Stop>,
) -> End {
    let (input, mut finish) = (channel.input(), stop.clone());
    let finished = async {
        reaches(&mut finish, Stop::Finish).await;
        tally.none_open().await;
        streams.emptied().await;
        if input.flush().await.is_err() {
            // An event says how it ended.
            pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        ended = hear(&mut channel, &*observer) => Some(ended),
        () = finished => None,
        () = reaches(&mut stop, Stop::Now) => None,
    };
    streams.end();
    if ended.is_some() && streams.has_lost() {
        tally.lose();
    }
    match ended {
        Some(Ok(end)) => end,
        Some(Err(reason)) => {
            channel.terminate().await;
            End::Lost(reason)
        }
        None => {
            farewell(channel).await;
            End::Terminated
        }
    }
}

/// Reports what happens, until the session ends: how.
///
/// # Errors
/// Why it makes no sense to go on with it.
async fn hear<O: TunnelObserver>(channel: &mut Channel, observer: &O) -> Result<End, String> {
    loop {
        match next_port(channel, observer).await {
            PortEvent::Refused => observer.tunnel(&TunnelEvent::Refused),
            PortEvent::Stream(StreamEvent::Stalled(stall)) => observer.tunnel(&TunnelEvent::Stalled(stall)),
            PortEvent::Stream(StreamEvent::Cut(stall)) => observer.tunnel(&TunnelEvent::Cut(stall)),
            PortEvent::Restarted => return Err(RESTARTED.to_owned()),
            PortEvent::Ended(end) => return Ok(end),
            // Streams have it.
            PortEvent::Data(_) => {}
        }
    }
}
