//! Sessions of agents without multiplexing: one connection at a time, its bytes as they are.
//!
//! The agent connects when the session starts. When our connection has closed it is told so, closes its own, and
//! connects again when the next bytes come. Nothing on the wire says where the last byte of one connection ends and the
//! first of the next begins, so what still arrives is thrown away until the remote side has been silent for [`QUIET`].
//! When the destination closes, the agent ends the session, and another one takes its place.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::copy::{GRACE, is_set};
use super::incoming::Local;
use super::mux::farewell;
use super::tunnel::Reporter;
use crate::channel::{Channel, End, Event};
use crate::protocol::Flag;

/// Silence after which a connection is taken to be over at the remote side too.
const QUIET: Duration = Duration::from_millis(250);

/// Bytes kept for the first connection before it has come: what servers say first. Beyond it the session is not read.
const GREETING: usize = 64 * 1024;

/// Bytes read from a program at a time.
const CHUNK: usize = 16 * 1024;

/// How long a program may take for what it has not read when the session ends.
const FLUSH_PATIENCE: Duration = Duration::from_secs(10);

/// The way to the task that carries the session.
#[derive(Debug)]
pub(super) struct Basic {
    connections: mpsc::Sender<(Local, OwnedSemaphorePermit)>,
    /// Whether a connection is carried.
    carrying: Arc<Semaphore>,
    /// The right to be carried next.
    vacancy: Option<OwnedSemaphorePermit>,
}

impl Basic {
    /// Begins to carry.
    pub(super) fn spawn<R: Reporter>(
        channel: Channel,
        reporter: Arc<R>,
        mut stop: watch::Receiver<bool>,
    ) -> (Self, JoinHandle<End>) {
        let (connections, next) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut carrier = Carrier { channel, reporter, next, greeting: BytesMut::new() };
            let end = tokio::select! {
                end = carrier.run() => Some(end),
                _ = is_set(&mut stop) => None,
            };
            match end {
                Some(Some(end)) => end,
                // The other end of `connections` is gone, or we were told to stop.
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
            // Nobody closes the semaphore. If the session is over, that is found out when it is to carry.
            self.vacancy = Arc::clone(&self.carrying).acquire_owned().await.ok();
        }
    }

    pub(super) fn carry(&mut self, local: Local) -> Result<(), Local> {
        let Some(vacancy) = self.vacancy.take() else { return Err(local) };
        // There is room for the one that may be carried.
        self.connections.try_send((local, vacancy)).map_err(|unsent| unsent.into_inner().0)
    }
}

struct Carrier<R> {
    channel: Channel,
    reporter: Arc<R>,
    next: mpsc::Receiver<(Local, OwnedSemaphorePermit)>,
    greeting: BytesMut,
}

impl<R: Reporter> Carrier<R> {
    /// One connection after the other, until the session ends; `None` when nobody brings any more.
    async fn run(&mut self) -> Option<End> {
        loop {
            let (local, _carried) = tokio::select! {
                next = self.next.recv() => next?,
                event = self.channel.next(), if self.greeting.len() < GREETING => {
                    match self.take(event) {
                        Ok(bytes) => self.greeting.extend_from_slice(&bytes),
                        Err(end) => return Some(end),
                    }
                    continue;
                }
            };
            if let Err(end) = self.carry(local).await {
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
    async fn carry(&mut self, local: Local) -> Result<(), End> {
        let (mut reader, mut writer) = split(local);
        let input = self.channel.input();
        let (finished, mut finished_seen) = watch::channel(false);
        let up = async {
            loop {
                let mut buffer = BytesMut::with_capacity(CHUNK);
                match reader.read_buf(&mut buffer).await {
                    Ok(0) => break,
                    Ok(_) if input.write(buffer.freeze()).await.is_err() => break,
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
            finished.send_replace(true);
            std::future::pending().await
        };
        tokio::pin!(up);
        let greeting = self.greeting.split().freeze();
        if writer.write_all(&greeting).await.is_err() {
            return Ok(());
        }
        let mut owed_at = None;
        let ended = loop {
            tokio::select! {
                event = self.channel.next() => match self.take(event) {
                    Ok(bytes) => {
                        let written = tokio::select! {
                            written = writer.write_all(&bytes) => written,
                            () = &mut up => return Ok(()),
                        };
                        if written.is_err() {
                            return Ok(());
                        }
                        owed_at = owed_at.map(|_| Instant::now() + GRACE);
                    }
                    Err(end) => break end,
                },
                () = &mut up => return Ok(()),
                // What the program has sent last may still have an answer.
                true = is_set(&mut finished_seen), if owed_at.is_none() => {
                    owed_at = Some(Instant::now() + GRACE);
                }
                () = sleep_until(owed_at.unwrap_or_else(Instant::now)), if owed_at.is_some() => return Ok(()),
            }
        };
        if is_orderly(&ended) {
            let _ = timeout(FLUSH_PATIENCE, writer.shutdown()).await;
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
                event = self.channel.next() => {
                    if !self.take(event)?.is_empty() {
                        quiet_at = Instant::now() + QUIET;
                    }
                }
                () = sleep_until(quiet_at) => return Ok(()),
            }
        }
    }

    /// The bytes of an event; empty when it has none.
    ///
    /// # Errors
    /// How the session ended.
    fn take(&self, event: Option<Event>) -> Result<Bytes, End> {
        match event {
            Some(Event::Output(bytes)) => return Ok(bytes),
            Some(Event::Notice(notice)) => self.reporter.notice(&notice),
            Some(Event::Message(text)) => self.reporter.message(&text),
            Some(Event::Ended(end)) => return Err(end),
            Some(Event::LateHandshake) => {
                return Err(End::Lost("the agent has begun anew".to_owned()));
            }
            Some(Event::Ready(_) | Event::Stderr(_) | Event::ExitCode(_) | Event::Flag(_)) => {}
            None => return Err(End::Terminated),
        }
        Ok(Bytes::new())
    }
}

/// Whether the program got all there was.
fn is_orderly(end: &End) -> bool {
    matches!(end, End::Closed(reason) if reason.is_empty())
}
