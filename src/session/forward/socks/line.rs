//! The sessions that connections of a SOCKS5 port share to one destination: opened when the first connection comes,
//! replaced when they have ended and another one comes, ended when they have been idle for long or their slot is wanted.
//!
//! A reply of SOCKS5 says whether the destination accepts. Agents tell only of those that do not, so the first
//! connection, and the first one after a refusal, has the destination asked before with one that is closed again. The
//! others are granted at once; if one of them is refused, it is closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::pool::{ConnectRequest, Slot};
use super::request::Refusal;
use crate::channel::End;
use crate::session::forward::error::SessionError;
use crate::session::forward::observer::{Opener, TunnelEvent, TunnelObserver};
use crate::session::forward::route::{Route, RouteError};
use crate::session::forward::session::Probe;
use crate::session::forward::stop::{Stop, reaches};

/// How long a destination may take to accept a connection. Agents try for two minutes, longer than a person waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// For so long after a session could not be had no other is asked for: programs try again at once and often.
const FAILURE_LASTS: Duration = Duration::from_secs(2);

/// The sessions to one destination, and those who wait for them.
pub(super) struct Line<O: Opener, V: TunnelObserver> {
    route: Route<O, V>,
    /// What a failure to start a session stands for.
    refusal: fn(&O::Error) -> Refusal,
    /// How long they may be idle.
    idle: Duration,
    slot: Slot,
    /// The destination has accepted a connection when so many were refused.
    accepted_at: Option<u64>,
    /// When a session could not be had, and what that stands for.
    failed: Option<(Instant, Refusal)>,
}

/// What is to be done next.
enum Next {
    Connect(ConnectRequest),
    Close,
    /// Other destinations wait for a session, or no longer do.
    Wanted(bool),
    /// Other destinations need what this one has more than one of.
    Crowded,
}

impl<O: Opener, V: TunnelObserver> Line<O, V> {
    pub(super) fn new(
        opener: O,
        observer: Arc<V>,
        refusal: fn(&O::Error) -> Refusal,
        idle: Duration,
        slot: Slot,
    ) -> Self {
        let mut route = Route::new(opener, observer, slot.closed.clone());
        route.permitted_by(slot.permits());
        Self { route, refusal, idle, slot, accepted_at: None, failed: None }
    }

    /// Serves connections until the slot is given up; then the sessions are ended on the service.
    pub(super) async fn run(mut self) {
        let mut wanted = false;
        loop {
            match self.next(wanted).await {
                Next::Close => break,
                Next::Wanted(now) => wanted = now,
                Next::Crowded => self.route.shrink(),
                Next::Connect(connect) => {
                    if !self.connect(connect).await {
                        break;
                    }
                }
            }
            self.route.hurry(wanted);
        }
        let complete = self.route.finish().await;
        if !complete {
            self.slot.lost();
        }
    }

    async fn next(&mut self, wanted: bool) -> Next {
        let Self { route, idle, slot, .. } = self;
        let (mut closed, mut finished) = (slot.closed.clone(), slot.closed.clone());
        // The two ways to give the slot up, of which the first is also how the second is made known.
        let expires = slot.expires(*idle);
        let (wanted, crowded) = (slot.wanted(wanted), slot.crowded(route.has_spare()));
        tokio::select! {
            biased;
            () = reaches(&mut closed, Stop::Now) => Next::Close,
            connect = slot.requests.recv() => connect.map_or(Next::Close, Next::Connect),
            // What waits to be carried is carried first.
            () = reaches(&mut finished, Stop::Finish) => Next::Close,
            () = expires => Next::Close,
            wanted = wanted => Next::Wanted(wanted),
            () = crowded => Next::Crowded,
            () = async { loop { route.changed().await } } => unreachable!("a route changes for ever"),
        }
    }

    /// Has a session carry a connection, or refuses it. False when the slot was given up.
    async fn connect(&mut self, connect: ConnectRequest) -> bool {
        let (since, mut closed) = (Instant::now(), self.slot.closed.clone());
        let waiting = 1 + self.slot.requests.len();
        let lane = loop {
            let lane = tokio::select! {
                lane = self.route.lane(since, waiting, false) => lane,
                () = reaches(&mut closed, Stop::Now) => return true,
            };
            let lane = match lane {
                Some(lane) => lane,
                None => match self.open().await {
                    Ok(true) => 0,
                    Ok(false) => return false,
                    Err(refusal) => {
                        connect.request.refuse(refusal).await;
                        return true;
                    }
                },
            };
            // Agents without multiplexing carry one connection after the other, each over a session of its own.
            let Some(session) = self.route.session_of(lane) else { continue };
            let vacant = tokio::select! {
                vacant = timeout_at(connect.deadline, session.vacancy()) => vacant.is_ok(),
                () = reaches(&mut closed, Stop::Now) => return true,
            };
            if !vacant {
                self.reject("the agent is too old for more than one connection at a time");
                connect.request.refuse(Refusal::Failed).await;
                return true;
            }
            if !session.is_used_up() {
                break lane;
            }
        };
        self.carry(lane, connect).await;
        true
    }

    /// Starts a session, unless one could not be had right before. False when the slot was given up meanwhile.
    async fn open(&mut self) -> Result<bool, Refusal> {
        if let Some((_, refusal)) = self.failed.filter(|(at, _)| at.elapsed() < FAILURE_LASTS) {
            return Err(refusal);
        }
        let (refusal, reason) = match self.route.open().await {
            Ok(opened) => {
                // Without multiplexing the agent has connected before it was ready.
                self.accepted_at = (!self.route.is_multiplexed()).then_some(0);
                return Ok(opened);
            }
            Err(RouteError::Start(error)) => ((self.refusal)(&error), error.to_string()),
            Err(RouteError::Ready(error)) => failure(&error),
        };
        Err(self.failed(refusal, reason))
    }

    fn failed(&mut self, refusal: Refusal, reason: String) -> Refusal {
        self.route.observer().tunnel(&TunnelEvent::NoSession(reason));
        self.failed = Some((Instant::now(), refusal));
        refusal
    }

    fn reject(&self, reason: &str) {
        self.route.observer().tunnel(&TunnelEvent::Rejected(reason.to_owned()));
    }

    /// Grants or refuses a connection.
    async fn carry(&mut self, lane: usize, connect: ConnectRequest) {
        let ConnectRequest { request, guard, permit: _permit, .. } = connect;
        let mut closed = self.slot.closed.clone();
        let refusals = self.route.refusals();
        let Some(session) = self.route.session_of(lane) else { return request.refuse(Refusal::Failed).await };
        if self.accepted_at != Some(refusals) {
            let asked = tokio::select! {
                asked = timeout(CONNECT_TIMEOUT, session.probe()) => asked,
                () = reaches(&mut closed, Stop::Now) => return,
            };
            match asked {
                Ok(Probe::Accepts | Probe::Unknown) => self.accepted_at = Some(self.route.refusals()),
                Ok(Probe::Refuses) => return request.refuse(Refusal::Refused).await,
                Ok(Probe::Over) => {
                    // Real agents are ready before they look where they are to lead.
                    let end = self.route.end_of(lane).await;
                    let (refusal, reason) = failure(&SessionError::Ended(end));
                    let refusal = self.failed(refusal, reason);
                    return request.refuse(refusal).await;
                }
                Err(_) => {
                    self.reject("the destination does not answer");
                    return request.refuse(Refusal::HostUnreachable).await;
                }
            }
        }
        let Some(incoming) = request.grant().await else { return };
        if let Err(incoming) = self.route.carry(lane, incoming.with_guard(guard)) {
            incoming.reset();
        }
    }
}

/// The refusal that stands for a session that was not ready, and why it was not.
fn failure(error: &SessionError) -> (Refusal, String) {
    let refusal = match error {
        SessionError::NoRemoteHosts(_) => Refusal::NotAllowed,
        // The words of the agent, which has no others for these two.
        SessionError::Ended(End::Closed(reason)) if reason.contains("is forbidden") => Refusal::NotAllowed,
        SessionError::Ended(End::Closed(reason)) if reason.contains("Unable to connect") => Refusal::Refused,
        SessionError::TimedOut | SessionError::Ended(_) => Refusal::Failed,
    };
    (refusal, error.to_string())
}
