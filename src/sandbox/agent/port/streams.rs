//! The streams of a multiplexed session as futures, which sleep until they can go on.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use crate::protocol::Role;
use crate::protocol::smux::{Config, Event, KeepAlive, Mux, SessionError, StreamId, WriteError};

/// The largest frame of a real peer: 32,768 bytes and the header.
const LARGEST_OUTPUT: usize = 32_768 + 8;

/// As the real agent: large frames, and no more of the session is read when 4 MiB are unread, on whatever streams.
/// It has no limit of streams; at this one here a further stream is closed at once.
const CONFIG: Config = Config {
    max_frame_data: 32_768,
    receive_per_stream: 4 << 20,
    receive_per_session: 4 << 20,
    send_per_stream: 64 << 10,
    send_per_session: 9 * (64 << 10),
    max_streams: 4_096,
    keep_alive: None,
};

/// A multiplexer, shared by what carries the session and by what carries each stream.
#[derive(Debug)]
pub(crate) struct Streams(Mutex<State>);

#[derive(Debug)]
struct State {
    mux: Mux,
    opened: VecDeque<StreamId>,
    ended: Option<SessionError>,
    sender: Option<Waker>,
    receiver: Option<Waker>,
    acceptor: Option<Waker>,
    timer: Option<Waker>,
    readers: BTreeMap<StreamId, Waker>,
    writers: BTreeMap<StreamId, Waker>,
}

impl Streams {
    /// The agent's end of a session.
    pub(crate) fn new(keep_alive: Option<KeepAlive>) -> Self {
        let mux = Mux::new(Role::Agent, Config { keep_alive, ..CONFIG }, now());
        Self(Mutex::new(State {
            mux,
            opened: VecDeque::new(),
            ended: None,
            sender: None,
            receiver: None,
            acceptor: None,
            timer: None,
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
        }))
    }

    /// Waits until the session can take more of what the client sends.
    pub(crate) async fn receivable(&self) {
        self.when(|state| state.mux.can_receive(), |state| &mut state.receiver).await;
    }

    /// Takes what the client sent.
    ///
    /// # Errors
    /// The bytes are not smux; the session is over.
    pub(crate) fn receive(&self, bytes: Bytes) -> Result<(), SessionError> {
        self.change(|state| {
            wake(&mut state.sender);
            state.mux.handle_data(now(), bytes)
        })
    }

    /// Waits for something to send to the client: one whole frame or several.
    pub(crate) async fn output(&self) -> Bytes {
        self.ready(|state| state.mux.poll_transmit(LARGEST_OUTPUT), |state| &mut state.sender).await
    }

    /// The same if there is something now.
    pub(crate) fn try_output(&self) -> Option<Bytes> {
        self.change(|state| state.mux.poll_transmit(LARGEST_OUTPUT))
    }

    /// Waits for the next stream that the client opens.
    pub(crate) async fn accept(&self) -> StreamId {
        self.ready(|state| state.opened.pop_front(), |state| &mut state.acceptor).await
    }

    /// Keeps the session alive until it is over.
    pub(crate) async fn keep_alive(&self) -> SessionError {
        loop {
            let Some(due) = self.change(|state| state.mux.poll_timeout()) else {
                return self.ready(|state| state.ended, |state| &mut state.timer).await;
            };
            sleep_until(Instant::from_std(due)).await;
            self.change(|state| {
                wake(&mut state.sender);
                state.mux.handle_timeout(now());
            });
        }
    }

    /// Waits for data of a stream; `None` at its end.
    pub(crate) async fn read(&self, id: StreamId) -> Option<Bytes> {
        poll_fn(|context| {
            self.change(|state| match state.mux.read(id) {
                Some(bytes) => Poll::Ready(Some(bytes)),
                None if state.mux.is_finished(id) => Poll::Ready(None),
                None => {
                    state.readers.insert(id, context.waker().clone());
                    Poll::Pending
                }
            })
        })
        .await
    }

    /// Writes all of it, and waits for room as often as is needed.
    ///
    /// # Errors
    /// The stream takes no more.
    pub(crate) async fn write(&self, id: StreamId, mut bytes: Bytes) -> Result<(), WriteError> {
        poll_fn(|context| {
            self.change(|state| {
                let accepted = state.mux.write(id, bytes.clone())?;
                wake(&mut state.sender);
                _ = bytes.split_to(accepted);
                if bytes.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                state.writers.insert(id, context.waker().clone());
                Poll::Pending
            })
        })
        .await
    }

    /// Closes a stream in both directions. What was written still goes out.
    pub(crate) fn close(&self, id: StreamId) {
        self.change(|state| {
            state.mux.close(id);
            wake(&mut state.sender);
            state.readers.remove(&id);
            state.writers.remove(&id);
        });
    }

    async fn when(&self, is: impl Fn(&State) -> bool, slot: impl Fn(&mut State) -> &mut Option<Waker>) {
        self.ready(|state| is(state).then_some(()), slot).await;
    }

    /// Waits until `take` has something, and until then for a wake-up by the waker in `slot`.
    async fn ready<T>(
        &self,
        take: impl Fn(&mut State) -> Option<T>,
        slot: impl Fn(&mut State) -> &mut Option<Waker>,
    ) -> T {
        poll_fn(|context| {
            self.change(|state| match take(state) {
                Some(taken) => Poll::Ready(taken),
                None => {
                    *slot(state) = Some(context.waker().clone());
                    Poll::Pending
                }
            })
        })
        .await
    }

    /// Changes the session and wakes whom the change concerns; only the sender is for `change` to wake, as nothing can
    /// tell from outside whether there is something to send.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut state);
        state.settle();
        changed
    }
}

impl State {
    /// Wakes whom the news concern.
    fn settle(&mut self) {
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Opened(id) => {
                    self.opened.push_back(id);
                    wake(&mut self.acceptor);
                }
                Event::Readable(id) | Event::Finished(id) => wake(&mut self.readers.remove(&id)),
                Event::Writable(id) => wake(&mut self.writers.remove(&id)),
                Event::Closed(error) => {
                    self.ended = Some(error);
                    wake(&mut self.timer);
                }
            }
        }
        if self.mux.can_receive() {
            wake(&mut self.receiver);
        }
    }
}

fn wake(sleeper: &mut Option<Waker>) {
    if let Some(waker) = sleeper.take() {
        waker.wake();
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
