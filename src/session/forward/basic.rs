//! Sessions of agents without multiplexing: one connection at a time, its bytes as they are.
//!
//! The agent connects when the session starts. When our connection has closed, a flag tells it to close its own; when it
//! has acknowledged that, it has closed it. But nothing on the wire says where the last byte of one connection ends and
//! the first of the next begins: what the agent has read before it closed may come later, and what a cut of its own
//! connection to the service has lost comes again, which nobody sees from here. So a session carries one connection
//! and ends, and the next connection has the next session, to which the agent connects before a byte has come, as
//! servers that speak first want it.
//!
//! A session that another program started cannot be replaced. There the next connection waits until the agent has
//! acknowledged the flag and until all that it had to repeat would have come; if that never happens, the
//! session is ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::half_close::{HALF_CLOSE_TIMEOUT, HalfClose};
use super::incoming::Incoming;
use super::observer::TunnelObserver;
use super::remains::send_off;
use super::stop::{Stop, farewell, is_set, reaches};
use super::tally::{Open, Tally};
use crate::channel::{Channel, End};
use crate::protocol::Flag;
use crate::session::event::{PortEvent, RESTARTED, next_port};

/// Within this time an agent repeats what was not acknowledged, whatever it was: its timeout, of a second at most, and
/// the pause between two looks.
const REPEATED_WITHIN: Duration = Duration::from_millis(1_250);

/// How long the remains of a connection may come before the session is given up.
const REMAINS: Duration = Duration::from_secs(30);

/// Bytes kept for the first connection before it has come: what servers send first. Beyond it the session is not read.
const GREETING: usize = 64 * 1024;

/// How long a program may take for what it has not read when the session ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// What becomes of a session when the connection that it carried has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It ends: there can be another one.
    Once,
    /// It carries the next connection, once no byte of the last one can come any more.
    Again,
}

/// The way to the task that carries the session.
#[derive(Debug)]
pub(super) struct Basic {
    connections: mpsc::Sender<Next>,
    /// Whether a connection is carried.
    carrying: Arc<Semaphore>,
    /// The right to be carried next.
    vacancy: Option<OwnedSemaphorePermit>,
    pub(super) tally: Arc<Tally>,
    pub(super) hurry: watch::Sender<bool>,
    /// It has carried its connection.
    spent: Arc<AtomicBool>,
}

/// A connection to be carried.
#[derive(Debug)]
struct Next {
    incoming: Incoming,
    carried: OwnedSemaphorePermit,
    open: Open,
}

impl Basic {
    /// Begins to carry.
    pub(super) fn spawn<O: TunnelObserver>(
        channel: Channel,
        observer: Arc<O>,
        uses: Use,
        mut stop: watch::Receiver<Stop>,
    ) -> (Self, JoinHandle<End>) {
        let (connections, next) = mpsc::channel(1);
        let hurry = watch::Sender::new(false);
        let (hurried, tally, spent) = (hurry.subscribe(), Tally::new(), Arc::<AtomicBool>::default());
        let (tallied, used_up) = (Arc::clone(&tally), Arc::clone(&spent));
        let task = tokio::spawn(async move {
            let greeting = BytesMut::new();
            let mut carrier =
                Carrier { channel, observer, uses, next, greeting, hurry: hurried, tally: tallied, spent: used_up };
            let end = tokio::select! {
                end = carrier.run(stop.clone()) => end,
                () = reaches(&mut stop, Stop::Now) => None,
            };
            match end {
                Some(end) => {
                    if matches!(end, End::Lost(_)) {
                        // Nothing, if the service has ended it already.
                        carrier.channel.terminate().await;
                    }
                    end
                }
                None => {
                    farewell(carrier.channel).await;
                    End::Terminated
                }
            }
        });
        (Self { connections, carrying: Arc::new(Semaphore::new(1)), vacancy: None, tally, hurry, spent }, task)
    }

    /// Waits until no other connection is carried.
    pub(super) async fn vacancy(&mut self) {
        if self.vacancy.is_none() {
            // The semaphore is never closed. A session that is over shows when it is to carry.
            self.vacancy = Arc::clone(&self.carrying).acquire_owned().await.ok();
        }
    }

    /// Whether it has carried its connection, and carries no other.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed)
    }

    pub(super) fn carry(&mut self, incoming: Incoming) -> Result<(), Incoming> {
        if self.is_spent() {
            return Err(incoming);
        }
        let Some(carried) = self.vacancy.take() else { return Err(incoming) };
        let next = Next { incoming, carried, open: self.tally.enter() };
        // There is room for the one that may be carried.
        self.connections.try_send(next).map_err(|unsent| unsent.into_inner().incoming)
    }
}

struct Carrier<O> {
    channel: Channel,
    observer: Arc<O>,
    uses: Use,
    next: mpsc::Receiver<Next>,
    greeting: BytesMut,
    hurry: watch::Receiver<bool>,
    tally: Arc<Tally>,
    spent: Arc<AtomicBool>,
}

impl<O: TunnelObserver> Carrier<O> {
    /// One connection after the other, until the session ends; `None` when it is to be ended.
    async fn run(&mut self, mut stop: watch::Receiver<Stop>) -> Option<End> {
        loop {
            let Next { incoming, carried, open } = tokio::select! {
                biased;
                next = self.next.recv() => next?,
                event = next_port(&mut self.channel, &*self.observer), if self.greeting.len() < GREETING => {
                    match take(event) {
                        Ok(bytes) => self.greeting.extend_from_slice(&bytes),
                        Err(end) => return Some(end),
                    }
                    continue;
                }
                () = reaches(&mut stop, Stop::Finish) => return None,
            };
            let carried_on = self.carry(incoming).await;
            drop(open);
            if let Err(end) = carried_on {
                return Some(end);
            }
            if self.uses == Use::Once {
                self.spent.store(true, Ordering::Relaxed);
                // The next connection need not wait for this session.
                drop(carried);
                return self.settle(Duration::ZERO).await;
            }
            if let Some(end) = self.settle(REPEATED_WITHIN).await {
                return Some(end);
            }
        }
    }

    /// Carries one connection until the program closes it.
    ///
    /// # Errors
    /// How the session ended.
    async fn carry(&mut self, incoming: Incoming) -> Result<(), End> {
        let input = self.channel.input();
        let (finished, finished_seen) = watch::channel(false);
        let all_arrived = finished_seen.clone();
        let end = HalfClose::new(finished_seen, self.hurry.clone(), HALF_CLOSE_TIMEOUT, incoming.shows_when_gone());
        let mut end = end.over(input.connected());
        let (incoming, tally) = (&incoming, &self.tally);
        let up = async {
            loop {
                match incoming.read().await {
                    Ok(bytes) if bytes.is_empty() => break,
                    Ok(bytes) => {
                        if input.write(bytes).await.is_err() {
                            // How the session ended is an event.
                            return std::future::pending().await;
                        }
                        tally.moved();
                    }
                    Err(_) => return,
                }
            }
            let arrived = async {
                if input.flush().await.is_ok() {
                    finished.send_replace(true);
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = incoming.is_gone() => {}
                () = arrived => {}
            }
        };
        tokio::pin!(up);
        let greeting = self.greeting.split().freeze();
        let mut is_gone = incoming.write(&greeting).await.is_err();
        let ended = loop {
            if is_gone {
                // What it had sent is sent yet; what comes is for nobody.
                let heard = async {
                    loop {
                        if let Err(end) = take(next_port(&mut self.channel, &*self.observer).await) {
                            break end;
                        }
                    }
                };
                let (mut over, mut arrived) = (None, all_arrived.clone());
                let sending = async {
                    tokio::select! {
                        () = &mut up => {}
                        true = is_set(&mut arrived) => {}
                        end = heard => over = Some(end),
                    }
                };
                let sent = send_off(sending, tally, input.connected()).await;
                if !sent || over.is_some() {
                    tally.lose();
                }
                return over.map_or(Ok(()), Err);
            }
            tokio::select! {
                event = next_port(&mut self.channel, &*self.observer) => match take(event) {
                    Ok(bytes) => {
                        let written = tokio::select! {
                            written = incoming.write(&bytes) => written,
                            () = &mut up => return Ok(()),
                            () = incoming.is_reset() => Err(std::io::ErrorKind::ConnectionReset.into()),
                        };
                        is_gone = written.is_err();
                        if !is_gone {
                            tally.moved();
                            end.heard();
                        }
                    }
                    Err(end) => break end,
                },
                () = &mut up => return Ok(()),
                () = incoming.is_reset() => is_gone = true,
                // What the program has sent last may still have an answer.
                () = end.due() => {
                    incoming.complete(true);
                    return Ok(());
                }
            }
        };
        if !*all_arrived.borrow() && incoming.discard().is_some() {
            // A program that is gone is not told by a reset.
            tally.lose();
        }
        if is_orderly(&ended) {
            // It lets the program read to the end before the system resets what it still sends.
            let _ = timeout(FLUSH_TIMEOUT, incoming.linger()).await;
        } else {
            incoming.reset();
        }
        Err(ended)
    }

    /// Has the agent close its connection, waits until it has acknowledged that and everything before it, across
    /// outages too, and then until nothing has come for `quiet` and a round trip. What comes is thrown away. How the
    /// session ended, if it did.
    async fn settle(&mut self, quiet: Duration) -> Option<End> {
        let input = self.channel.input();
        let began = Instant::now();
        let acknowledged = async {
            // A session that is over says so itself.
            if input.flag(Flag::DisconnectToPort).await.is_err() || input.flush().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::pin!(acknowledged);
        loop {
            tokio::select! {
                () = &mut acknowledged => break,
                event = next_port(&mut self.channel, &*self.observer) => {
                    if let Err(end) = take(event) {
                        self.tally.lose();
                        return Some(end);
                    }
                    self.tally.moved();
                }
            }
        }
        if quiet.is_zero() {
            return None;
        }
        let quiet = quiet + began.elapsed().min(REMAINS);
        let give_up_at = Instant::now() + REMAINS + quiet;
        let mut quiet_at = Instant::now() + quiet;
        while Instant::now() < give_up_at {
            tokio::select! {
                event = next_port(&mut self.channel, &*self.observer) => match take(event) {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(_) => quiet_at = Instant::now() + quiet,
                    Err(end) => return Some(end),
                },
                () = sleep_until(quiet_at) => return None,
            }
        }
        Some(End::Lost("the agent does not let go of the last connection".to_owned()))
    }
}

/// The bytes of an event.
///
/// # Errors
/// How the session ended.
fn take(event: PortEvent) -> Result<Bytes, End> {
    match event {
        PortEvent::Data(bytes) => Ok(bytes),
        PortEvent::Refused | PortEvent::Stream(_) => Ok(Bytes::new()),
        PortEvent::Restarted => Err(End::Lost(RESTARTED.to_owned())),
        PortEvent::Ended(end) => Err(end),
    }
}

/// Whether the program got all there was.
fn is_orderly(end: &End) -> bool {
    matches!(end, End::Closed(reason) if reason.is_empty())
}
