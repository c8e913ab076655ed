//! Listeners that outlive sessions: accepts connections, and has a session for them when they come.
//!
//! While a session is being resumed its connections and new ones wait. When the last one has ended, the next connection
//! that comes makes another session start; until it is ready that one connection and those in the system's queue of the
//! listener wait, for [`REPLACE_TIMEOUT`] at most.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::accept::{accept, accept_waiting};
use super::incoming::Incoming;
use super::listener::Listener;
use super::observer::{Opener, TunnelEvent, TunnelObserver};
use super::route::Route;
use super::stop::{Stop, reaches};
use crate::backoff::Backoff;

/// How long a connection waits for another session before it is reset. The next connection after it makes us try again.
const REPLACE_TIMEOUT: Duration = Duration::from_mins(1);

/// The pause before the second attempt to start another session, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long connections that stand in the queue may wait to be carried when the tunnel is to finish.
const QUEUE_LIMIT: Duration = Duration::from_mins(1);

/// Connections that are accepted and wait for a lane; more wait in the system's queue. They show how many lanes will be
/// needed.
const MOST_WAITING: usize = 64;

/// Carries the connections of all listeners until `stop` says otherwise, or its sender is gone. When it is to finish,
/// the connections that have come in go on to their end, as [`Session::finish`](super::Session::finish) says; then the
/// sessions are ended on the service. False when something was lost by the end. `route` has its first session.
pub(crate) async fn serve<O: Opener, V: TunnelObserver>(
    listeners: Vec<Listener>,
    mut route: Route<O, V>,
    mut stop: watch::Receiver<Stop>,
) -> bool {
    route.heed(stop.clone());
    route.prepare();
    let stop_seen = stop.clone();
    let mut tunnel = Tunnel { listeners, route, waiting: VecDeque::new(), next_listener: 0, stop: stop_seen };
    let mut finish = stop.clone();
    tokio::select! {
        biased;
        () = reaches(&mut stop, Stop::Now) => {}
        () = tunnel.run() => {}
        // What is open goes on below, but nothing more is accepted.
        () = async {
            reaches(&mut finish, Stop::Finish).await;
            sleep(QUEUE_LIMIT).await;
        } => {
            tunnel.route.is_incomplete();
            tunnel.route.observer().tunnel(&TunnelEvent::Left);
        }
    }
    // From here on no connection is accepted.
    tunnel.listeners.clear();
    tunnel.waiting.clear();
    tunnel.route.finish().await
}

struct Tunnel<O: Opener, V: TunnelObserver> {
    listeners: Vec<Listener>,
    route: Route<O, V>,
    /// Connections that have come, and when.
    waiting: VecDeque<(Incoming, Instant)>,
    next_listener: usize,
    stop: watch::Receiver<Stop>,
}

impl<O: Opener, V: TunnelObserver> Tunnel<O, V> {
    /// Carries connections until the tunnel is to finish.
    async fn run(&mut self) {
        loop {
            if self.waiting.is_empty() {
                let Some(incoming) = self.next().await else { return };
                self.waiting.push_back((incoming, Instant::now()));
            }
            self.place().await;
        }
    }

    /// The next connection that comes; `None` when the tunnel is to finish, and nothing more has come in.
    async fn next(&mut self) -> Option<Incoming> {
        self.route.vacancy().await;
        let Self { listeners, route, next_listener, stop, .. } = self;
        let (observer, is_cut) = (route.share_observer(), route.is_cut());
        let accept = async {
            tokio::select! {
                incoming = accept(listeners, next_listener, &*observer, is_cut) => return Some(incoming),
                () = reaches(stop, Stop::Finish) => {}
            }
            // What has connected before is in the queue of the system, or was until now.
            accept_waiting(listeners, next_listener, &*observer).await
        };
        tokio::select! {
            incoming = accept => incoming,
            () = async { loop { route.changed().await } } => unreachable!("a route changes for ever"),
        }
    }

    /// Has a lane carry the connection that waits for longest, as soon as there is one for it; or sees that one more has
    /// come.
    async fn place(&mut self) {
        let Some((_, since)) = self.waiting.front() else { return };
        let (since, count) = (*since, self.waiting.len());
        let hurry = *self.stop.borrow() != Stop::Not;
        let Self { listeners, route, next_listener, .. } = self;
        let (observer, is_cut) = (route.share_observer(), route.is_cut());
        // One connection at a time is all that agents without multiplexing carry.
        let more = !hurry && count < MOST_WAITING && route.is_multiplexed();
        let lane = tokio::select! {
            biased;
            more = accept(listeners, next_listener, &*observer, is_cut), if more => {
                return self.waiting.push_back((more, Instant::now()));
            }
            lane = route.lane(since, count, hurry) => lane,
        };
        let Some((incoming, since)) = self.waiting.pop_front() else { return };
        let Some(lane) = lane else { return self.replace(incoming, self.route.is_used_up_as_usual()).await };
        if let Err(incoming) = self.route.carry(lane, incoming) {
            // Another lane, or another session.
            self.waiting.push_front((incoming, since));
        }
    }

    /// Starts another session for the connection that waits for it; `usual`: as for every connection.
    async fn replace(&mut self, incoming: Incoming, usual: bool) {
        let deadline = Instant::now() + REPLACE_TIMEOUT;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut previous: Option<String> = None;
        loop {
            let reason = match timeout_at(deadline, self.route.open()).await {
                Ok(Ok(opened)) => {
                    let Some(session) = self.route.session().filter(|_| opened) else { return };
                    if !usual {
                        self.route.observer().tunnel(&TunnelEvent::Replaced(session.id().to_owned()));
                    }
                    self.route.vacancy().await;
                    if let Err(incoming) = self.route.carry(0, incoming) {
                        self.give_up(&incoming);
                    }
                    return;
                }
                Ok(Err(reason)) => reason.to_string(),
                Err(_) => previous.take().unwrap_or_else(|| "timed out".to_owned()),
            };
            if Instant::now() + backoff.peek() >= deadline {
                self.route.observer().tunnel(&TunnelEvent::GaveUp(reason));
                self.give_up(&incoming);
                return;
            }
            if previous.as_ref() != Some(&reason) {
                self.route.observer().tunnel(&TunnelEvent::Waiting(reason.clone()));
                previous = Some(reason);
            }
            sleep(backoff.next_pause()).await;
        }
    }

    /// Resets a connection that was not carried. Its program may have sent all, and be gone: surely so when the tunnel is to
    /// finish.
    fn give_up(&mut self, incoming: &Incoming) {
        let is_lost = incoming.discard().is_some_and(|bytes| bytes > 0);
        if *self.stop.borrow() != Stop::Not || is_lost {
            self.route.is_incomplete();
        }
        incoming.reset();
    }
}
