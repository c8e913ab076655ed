//! Sessions of agents without multiplexing: one connection at a time, its bytes as they are.
//!
//! The agent connects when the session starts. When our connection has closed, a flag tells it to close its own, and it
//! connects again when the next bytes come. Nothing on the wire says where the last byte of one connection ends and the
//! first of the next begins, so what still arrives is thrown away until the remote side has been silent for [`QUIET`].
//! When the destination closes, the agent ends the session, and another one takes its place.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWriteExt, split};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::half_close::{HALF_CLOSE_TIMEOUT, HalfClose, read};
use super::incoming::Incoming;
use super::observer::TunnelObserver;
use super::stop::{farewell, is_set};
use crate::channel::{Channel, End};
use crate::protocol::Flag;
use crate::session::event::{PortEvent, RESTARTED, next_port};

/// Silence after which a connection is taken to be over at the remote side too.
const QUIET: Duration = Duration::from_millis(250);

/// Bytes kept for the first connection before it has come: what servers send first. Beyond it the session is not read.
const GREETING: usize = 64 * 1024;

/// How long a program may take for what it has not read when the session ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// The way to the task that carries the session.
#[derive(Debug)]
pub(super) struct Basic {
    connections: mpsc::Sender<(Incoming, OwnedSemaphorePermit)>,
    /// Whether a connection is carried.
    carrying: Arc<Semaphore>,
    /// The right to be carried next.
    vacancy: Option<OwnedSemaphorePermit>,
}

impl Basic {
    /// Begins to carry.
    pub(super) fn spawn<O: TunnelObserver>(
        channel: Channel,
        observer: Arc<O>,
        mut stop: watch::Receiver<bool>,
    ) -> (Self, JoinHandle<End>) {
        let (connections, next) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut carrier = Carrier { channel, observer, next, greeting: BytesMut::new() };
            let end = tokio::select! {
                end = carrier.run() => Some(end),
                _ = is_set(&mut stop) => None,
            };
            match end {
                Some(Some(end)) => end,
                // The other end of `connections` is gone, or `stop` is set.
                Some(None) | None => {
                    farewell(carrier.channel).await;
                    End::Terminated
                }
            }
        });
        (Self { connections, carrying: Arc::new(Semaphore::new(1)), vacancy: None }, task)
    }

    /// Waits until no other connection is carried.
    pub(super) async fn vacancy(&mut self) {
        if self.vacancy.is_none() {
            // The semaphore is never closed. A session that is over shows when it is to carry.
            self.vacancy = Arc::clone(&self.carrying).acquire_owned().await.ok();
        }
    }

    pub(super) fn carry(&mut self, incoming: Incoming) -> Result<(), Incoming> {
        let Some(vacancy) = self.vacancy.take() else { return Err(incoming) };
        // There is room for the one that may be carried.
        self.connections.try_send((incoming, vacancy)).map_err(|unsent| unsent.into_inner().0)
    }
}

struct Carrier<O> {
    channel: Channel,
    observer: Arc<O>,
    next: mpsc::Receiver<(Incoming, OwnedSemaphorePermit)>,
    greeting: BytesMut,
}

impl<O: TunnelObserver> Carrier<O> {
    /// One connection after the other, until the session ends; `None` when no more can come.
    async fn run(&mut self) -> Option<End> {
        loop {
            let (incoming, _carried) = tokio::select! {
                next = self.next.recv() => next?,
                event = next_port(&mut self.channel, &*self.observer), if self.greeting.len() < GREETING => {
                    match take(event) {
                        Ok(bytes) => self.greeting.extend_from_slice(&bytes),
                        Err(end) => return Some(end),
                    }
                    continue;
                }
            };
            if let Err(end) = self.carry(incoming).await {
                return Some(end);
            }
            if self.channel.input().flag(Flag::DisconnectToPort).await.is_err() {
                continue;
            }
            if let Err(end) = self.settle().await {
                return Some(end);
            }
        }
    }

    /// Carries one connection until the program closes it.
    ///
    /// # Errors
    /// How the session ended.
    async fn carry(&mut self, incoming: Incoming) -> Result<(), End> {
        let (mut reader, mut writer) = split(incoming);
        let input = self.channel.input();
        let (finished, finished_seen) = watch::channel(false);
        let mut end = HalfClose::new(finished_seen, HALF_CLOSE_TIMEOUT);
        let up = async {
            loop {
                match read(&mut reader).await {
                    Ok(bytes) if bytes.is_empty() => break,
                    Ok(bytes) => {
                        if input.write(bytes).await.is_err() {
                            break;
                        }
                    }
                    Err(_) => return,
                }
            }
            finished.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::pin!(up);
        let greeting = self.greeting.split().freeze();
        if writer.write_all(&greeting).await.is_err() {
            return Ok(());
        }
        let ended = loop {
            tokio::select! {
                event = next_port(&mut self.channel, &*self.observer) => match take(event) {
                    Ok(bytes) => {
                        let written = tokio::select! {
                            written = writer.write_all(&bytes) => written,
                            () = &mut up => return Ok(()),
                        };
                        if written.is_err() {
                            return Ok(());
                        }
                        end.heard();
                    }
                    Err(end) => break end,
                },
                () = &mut up => return Ok(()),
                // What the program has sent last may still have an answer.
                () = end.due() => return Ok(()),
            }
        };
        if is_orderly(&ended) {
            let _ = timeout(FLUSH_TIMEOUT, writer.shutdown()).await;
        } else {
            // `up` borrows the other half; the system resets both.
            let _ = writer.flush().await;
        }
        Err(ended)
    }

    /// Waits until what is left of a connection has arrived, and throws it away.
    async fn settle(&mut self) -> Result<(), End> {
        let mut quiet_at = Instant::now() + QUIET;
        loop {
            tokio::select! {
                event = next_port(&mut self.channel, &*self.observer) => {
                    if !take(event)?.is_empty() {
                        quiet_at = Instant::now() + QUIET;
                    }
                }
                () = sleep_until(quiet_at) => return Ok(()),
            }
        }
    }
}

/// The bytes of an event.
///
/// # Errors
/// How the session ended.
fn take(event: PortEvent) -> Result<Bytes, End> {
    match event {
        PortEvent::Data(bytes) => Ok(bytes),
        PortEvent::Refused => Ok(Bytes::new()),
        PortEvent::Restarted => Err(End::Lost(RESTARTED.to_owned())),
        PortEvent::Ended(end) => Err(end),
    }
}

/// Whether the program got all there was.
fn is_orderly(end: &End) -> bool {
    matches!(end, End::Closed(reason) if reason.is_empty())
}
