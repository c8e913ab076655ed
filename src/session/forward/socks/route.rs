//! One session that connections of a SOCKS5 port share: opened when the first one comes, replaced when it has ended and
//! another one comes, ended when it has been idle for long or its slot is wanted.
//!
//! A reply of SOCKS5 says whether the destination accepts. Agents tell only of those that do not, so the first
//! connection of a session, and the first one after a refusal, has the destination asked before with one that is closed
//! again. The others are granted at once; if one of them is refused, it is closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::pool::{ConnectRequest, Slot};
use super::request::{Refusal, Request};
use crate::channel::End;
use crate::session::forward::error::SessionError;
use crate::session::forward::observer::{Opener, TunnelEvent, TunnelObserver};
use crate::session::forward::session::{Probe, Session, connect_unless};
use crate::session::forward::stop::{Stop, reaches};

/// How long a destination may take to accept a connection. Agents try for two minutes, longer than a person waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// For so long after a session could not be had no other is asked for: programs try again at once and often.
const FAILURE_LASTS: Duration = Duration::from_secs(2);

/// Retired sessions beside the one in use. Beyond it a session is ended at once.
const MOST_RETIRED: usize = 8;

/// The session of one destination.
pub(super) struct Route<O: Opener, V> {
    pub(super) opener: O,
    pub(super) observer: Arc<V>,
    /// What a failure to start a session stands for.
    pub(super) refusal: fn(&O::Error) -> Refusal,
    /// How long it may be idle.
    pub(super) idle: Duration,
    pub(super) slot: Slot,
}

/// A session, and what is known of its destination.
struct Current {
    session: Session,
    /// It has accepted a connection when so many were refused.
    accepted_at: Option<u64>,
}

/// What is to be done next.
enum Next {
    Connect(ConnectRequest),
    Ended,
    Close,
    /// Other destinations wait for a session, or no longer do.
    Wanted(bool),
}

/// What became of a session when it was to carry a connection.
enum Carried {
    /// It goes on.
    On,
    /// It has ended before it could be asked.
    Over(Request),
    /// It carries no more, and is to be ended if it has not.
    Exhausted,
}

impl<O: Opener, V: TunnelObserver> Route<O, V> {
    /// Serves connections until the slot is given up; then the session is ended on the service.
    pub(super) async fn run(mut self) {
        let mut current: Option<Current> = None;
        let mut failed: Option<(Instant, Refusal)> = None;
        let mut retired = JoinSet::new();
        let (mut wanted, mut complete) = (false, true);
        loop {
            while let Some(finished) = retired.try_join_next() {
                complete &= finished.unwrap_or(false);
            }
            match self.next(current.as_mut(), wanted).await {
                Next::Close => break,
                Next::Wanted(now) => wanted = now,
                Next::Ended => {
                    let Some(mut over) = current.take() else { continue };
                    let usual = over.session.is_used_up_as_usual();
                    if let Some(end) = over.session.ended().filter(|_| !usual) {
                        self.observer.tunnel(&TunnelEvent::Ended(end));
                    }
                    self.retire(over, &mut retired).await;
                }
                Next::Connect(connect) => {
                    if let Some(used_up) = current.take_if(|current| current.session.is_used_up()) {
                        self.retire(used_up, &mut retired).await;
                    }
                    let lasting = failed.filter(|(at, _)| at.elapsed() < FAILURE_LASTS);
                    if current.is_none() {
                        let opened = match lasting {
                            Some((_, refusal)) => Err(refusal),
                            None => self.open().await,
                        };
                        current = match opened {
                            Ok(Some(opened)) => Some(opened),
                            Ok(None) => break,
                            Err(refusal) => {
                                failed = lasting.or(Some((Instant::now(), refusal)));
                                connect.request.refuse(refusal).await;
                                continue;
                            }
                        };
                    }
                    let Some(open) = &mut current else { continue };
                    match self.carry(open, connect).await {
                        Carried::On => {}
                        Carried::Over(request) => {
                            let Some(over) = current.take() else { continue };
                            let (refusal, reason) = failure(&SessionError::Ended(over.session.end().await));
                            self.observer.tunnel(&TunnelEvent::NoSession(reason));
                            failed = Some((Instant::now(), refusal));
                            request.refuse(refusal).await;
                        }
                        Carried::Exhausted => {
                            if let Some(exhausted) = current.take() {
                                self.retire(exhausted, &mut retired).await;
                            }
                        }
                    }
                }
            }
            if let Some(open) = &current {
                open.session.hurry(wanted);
            }
        }
        if let Some(open) = current {
            complete &= open.session.finish(&mut self.slot.closed, &*self.observer).await;
        }
        while let Some(finished) = retired.join_next().await {
            complete &= finished.unwrap_or(false);
        }
        if !complete {
            self.slot.lost();
        }
    }

    /// Lets a session go on to the end of its connections.
    async fn retire(&self, current: Current, retired: &mut JoinSet<bool>) {
        if retired.len() >= MOST_RETIRED {
            return current.session.terminate().await;
        }
        let (mut stop, observer) = (self.slot.closed.clone(), Arc::clone(&self.observer));
        retired.spawn(async move { current.session.retire(&mut stop, &*observer).await });
    }

    async fn next(&mut self, current: Option<&mut Current>, wanted: bool) -> Next {
        let (mut closed, mut finished) = (self.slot.closed.clone(), self.slot.closed.clone());
        let ended = async {
            match current {
                Some(open) => open.session.split().0.await,
                None => std::future::pending().await,
            }
        };
        // The two ways to give the slot up, of which the first is also how the second is made known.
        let expires = self.slot.expires(self.idle);
        let wanted = self.slot.wanted(wanted);
        tokio::select! {
            biased;
            () = reaches(&mut closed, Stop::Now) => Next::Close,
            () = ended => Next::Ended,
            connect = self.slot.requests.recv() => connect.map_or(Next::Close, Next::Connect),
            // What waits to be carried is carried first.
            () = reaches(&mut finished, Stop::Finish) => Next::Close,
            () = expires => Next::Close,
            wanted = wanted => Next::Wanted(wanted),
        }
    }

    /// Starts a session. `None` when the slot was given up meanwhile.
    async fn open(&mut self) -> Result<Option<Current>, Refusal> {
        // A start that nobody waits for any more is seen through, and the session ended.
        let opened = tokio::select! {
            opened = self.opener.open() => opened,
            () = reaches(&mut self.slot.closed, Stop::Now) => return Ok(None),
        };
        let channel = match opened {
            Ok(channel) => channel,
            Err(error) => {
                self.observer.tunnel(&TunnelEvent::NoSession(error.to_string()));
                return Err((self.refusal)(&error));
            }
        };
        match connect_unless(channel, &self.observer, self.opener.limits(), &mut self.slot.closed).await {
            Ok(session) => Ok(session.map(|session| {
                // Without multiplexing the agent has connected before it was ready.
                let accepted_at = (!session.is_multiplexed()).then_some(0);
                Current { session, accepted_at }
            })),
            Err(error) => {
                let (refusal, reason) = failure(&error);
                self.observer.tunnel(&TunnelEvent::NoSession(reason));
                Err(refusal)
            }
        }
    }

    /// Grants or refuses a connection.
    async fn carry(&self, current: &mut Current, connect: ConnectRequest) -> Carried {
        let ConnectRequest { request, guard, deadline, permit: _permit } = connect;
        let mut closed = self.slot.closed.clone();
        if current.accepted_at != Some(current.session.refusals()) {
            let asked = tokio::select! {
                asked = timeout(CONNECT_TIMEOUT, current.session.probe()) => asked,
                () = reaches(&mut closed, Stop::Now) => return Carried::On,
            };
            match asked {
                Ok(Probe::Accepts | Probe::Unknown) => current.accepted_at = Some(current.session.refusals()),
                Ok(Probe::Refuses) => {
                    request.refuse(Refusal::Refused).await;
                    return Carried::On;
                }
                Ok(Probe::Over) => {
                    // Real agents are ready before they look where they are to lead.
                    return Carried::Over(request);
                }
                Err(_) => {
                    self.observer.tunnel(&TunnelEvent::Rejected("the destination does not answer".to_owned()));
                    request.refuse(Refusal::HostUnreachable).await;
                    return Carried::On;
                }
            }
        }
        // Agents without multiplexing carry one connection after the other.
        let vacant = tokio::select! {
            vacant = timeout_at(deadline, current.session.vacancy()) => vacant.is_ok(),
            () = reaches(&mut closed, Stop::Now) => return Carried::On,
        };
        if !vacant {
            self.observer.tunnel(&TunnelEvent::Rejected(
                "the agent is too old for more than one connection at a time".to_owned(),
            ));
            request.refuse(Refusal::Failed).await;
            return Carried::On;
        }
        let Some(incoming) = request.grant().await else { return Carried::On };
        match current.session.carry(incoming.with_guard(guard)) {
            Ok(()) => Carried::On,
            Err(incoming) => {
                incoming.reset();
                Carried::Exhausted
            }
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
