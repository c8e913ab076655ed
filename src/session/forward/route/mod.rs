//! The sessions that lead to one destination: opened, replaced, and given up one by one.
//!
//! New connections go over the lanes ([`lane`]): one session at first, more when connections would disturb each other
//! ([`placement`]). A session that carries no more connections, for whatever reason, is retired: it goes on beside the
//! lanes until its own connections have ended. A session that has ended takes its connections along, and no others.
//!
//! What to do without any lane is the user's part: a tunnel tries again for a while, SOCKS refuses.

mod lane;
mod openings;
mod placement;
mod together;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::error::SessionError;
use super::gauge::Gauge;
use super::incoming::Incoming;
use super::lanes::Lanes;
use super::meter::Load;
use super::observer::{Opener, TunnelEvent, TunnelObserver};
use super::session::{SILENT_FINISH, Session, connect_unless};
use super::stop::{Stop, reaches};
use super::tally::Tally;
use crate::channel::End;
use lane::Lane;
pub(super) use lane::Permit;
use openings::Openings;
use placement::{Placement, place, wanted};
use together::Together;

/// Retired sessions beside the lanes. Beyond it a session is ended at once.
const MOST_RETIRED: usize = 8;

/// How often a connection that waits for a lane is placed anew.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Lanes that end within this time are told of together, and connections that are reset at the end.
const TOGETHER: Duration = Duration::from_secs(1);

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum RouteError<E> {
    /// It could not be started.
    Start(E),
    /// It was not ready to carry connections.
    Ready(SessionError),
}

impl<E: fmt::Display> fmt::Display for RouteError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Ready(error) => error.fmt(f),
        }
    }
}

/// The sessions to one destination.
pub(crate) struct Route<O: Opener, V: TunnelObserver> {
    opener: Arc<O>,
    together: Arc<Together<V>>,
    gauge: Arc<Gauge>,
    lanes: Vec<Lane<V>>,
    openings: Openings<V>,
    /// Gives the right to one more session beside the first.
    permits: Box<dyn Fn() -> Option<Permit> + Send + Sync>,
    retired: JoinSet<bool>,
    stop: watch::Receiver<Stop>,
    /// What the sessions carry, lanes and retired ones.
    tallies: Vec<Weak<Tally>>,
    /// As many lanes as there are to be in any case are still to be opened.
    preparing: bool,
    /// Lanes that have ended beside others, and when it is to be told.
    ended: Option<(usize, End, Instant)>,
    /// The last lane had carried its one connection, as those of old agents do.
    usual: bool,
    /// Nothing was lost so far of what programs have sent.
    complete: bool,
}

/// What has happened.
enum Change<V: TunnelObserver> {
    Over(usize),
    Opened(Option<Lane<V>>),
    /// Something that the lanes carry.
    Load,
    Due,
}

impl<O: Opener, V: TunnelObserver> Route<O, V> {
    /// A route without a session.
    pub(crate) fn new(opener: O, observer: Arc<V>, stop: watch::Receiver<Stop>) -> Self {
        Self {
            opener: Arc::new(opener),
            together: Together::new(observer),
            gauge: Arc::new(Gauge::new()),
            lanes: Vec::new(),
            openings: Openings::new(),
            permits: Box::new(|| Some(Box::new(()))),
            retired: JoinSet::new(),
            stop,
            tallies: Vec::new(),
            preparing: false,
            ended: None,
            usual: false,
            complete: true,
        }
    }

    /// From now on this says whether and how to stop.
    pub(super) fn heed(&mut self, stop: watch::Receiver<Stop>) {
        self.stop = stop;
    }

    /// Every lane beside the first needs one of these.
    pub(super) fn permitted_by(&mut self, permits: impl Fn() -> Option<Permit> + Send + Sync + 'static) {
        self.permits = Box::new(permits);
    }

    pub(crate) fn observer(&self) -> &V {
        &self.together.observer
    }

    pub(super) fn share_observer(&self) -> Arc<V> {
        Arc::clone(&self.together.observer)
    }

    /// Whether its sessions carry many connections at a time.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.lanes.first().is_some_and(|lane| lane.session.is_multiplexed())
    }

    pub(crate) fn opener(&self) -> &O {
        &self.opener
    }

    /// A session that takes new connections; the one that has done so for longest.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.lanes.first().map(|lane| &lane.session)
    }

    /// The session of a lane.
    pub(super) fn session_of(&mut self, lane: usize) -> Option<&mut Session> {
        self.lanes.get_mut(lane).map(|lane| &mut lane.session)
    }

    /// Whether all sessions that take new connections have lost the connection to the service.
    pub(super) fn is_cut(&self) -> impl Fn() -> bool + use<O, V> {
        let together = Arc::clone(&self.together);
        move || together.is_cut()
    }

    /// Whether the last session has ended after the one connection that it could carry.
    pub(super) fn is_used_up_as_usual(&self) -> bool {
        self.usual
    }

    /// Connections that the destination has refused so far over the lanes, as far as agents tell.
    pub(super) fn refusals(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.session.refusals()).sum()
    }

    /// As [`Session::hurry`].
    pub(super) fn hurry(&self, hurry: bool) {
        self.lanes.iter().for_each(|lane| lane.session.hurry(hurry));
    }

    /// Opens a session, where there is none. False when it is to stop at once.
    ///
    /// # Errors
    /// There is no session.
    pub(crate) async fn open(&mut self) -> Result<bool, RouteError<O::Error>> {
        let mut stop = self.stop.clone();
        // A start that nobody waits for any more is seen through, and the session ended.
        let channel = tokio::select! {
            opened = self.opener.open() => opened.map_err(RouteError::Start)?,
            () = reaches(&mut stop, Stop::Now) => return Ok(false),
        };
        let ear = self.together.ear();
        let session = connect_unless(channel, &ear, self.opener.limits(), &mut stop).await;
        let Some(session) = session.map_err(RouteError::Ready)? else { return Ok(false) };
        self.add(Lane::new(session, ear, None));
        Ok(true)
    }

    fn add(&mut self, lane: Lane<V>) {
        lane.session.report_to(&self.gauge);
        self.tallies.retain(|tally| tally.strong_count() > 0);
        self.tallies.push(Arc::downgrade(lane.session.tally()));
        self.lanes.push(lane);
    }

    /// Opens the lanes that there are to be in any case.
    pub(super) fn prepare(&mut self) {
        self.preparing = true;
        self.grow(0);
    }

    /// Waits until one more connection can be carried, or a session has to be started for it, and sees to the lanes
    /// meanwhile. Dropping the future loses nothing.
    pub(super) async fn vacancy(&mut self) {
        loop {
            // Agents without multiplexing carry one connection at a time, over one lane.
            let Some(lane) = self.lanes.first_mut().filter(|lane| !lane.session.is_multiplexed()) else { return };
            let (ended, vacancy) = lane.session.split();
            tokio::select! {
                () = ended => self.is_over(0),
                () = vacancy => return,
            }
        }
    }

    /// The lane for a connection that has come at `since`, where `waiting` are waiting with it: the one where it is
    /// disturbed least. Waits for a better one, unless it is to hurry, if there may be one soon. `None` without any lane.
    /// Dropping the future loses nothing.
    pub(super) async fn lane(&mut self, since: Instant, waiting: usize, hurry: bool) -> Option<usize> {
        loop {
            self.look_after();
            self.retire_used_up();
            self.grow(waiting);
            let now = Instant::now();
            let may_wait = !hurry && !self.openings.is_empty();
            let until = match place(&self.loads(), may_wait, since, now)? {
                Placement::On(lane) => return Some(lane),
                Placement::Wait(until) => until.min(now + LOOK_EVERY),
            };
            tokio::select! {
                () = self.changed() => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// Has a lane carry a connection; [`Route::lane`] comes first. The connection comes back when the lane cannot carry
    /// it, and then it is none any more.
    pub(super) fn carry(&mut self, lane: usize, incoming: Incoming) -> Result<(), Incoming> {
        let Some(used) = self.lanes.get_mut(lane) else { return Err(incoming) };
        let carried = used.session.carry(incoming);
        if carried.is_err() {
            // It has no number left for another connection, or is about to end.
            self.retire(lane);
        } else {
            self.grow(0);
        }
        carried
    }

    /// Waits until something changes with the lanes, and sees to it. Dropping the future loses nothing.
    pub(super) async fn changed(&mut self) {
        let due = self.due();
        let Self { lanes, openings, gauge, .. } = self;
        let change = tokio::select! {
            lane = over(lanes) => Change::Over(lane),
            opened = openings.next(), if !openings.is_empty() => Change::Opened(opened),
            () = gauge.changed() => Change::Load,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Change::Due,
        };
        match change {
            Change::Over(lane) => self.is_over(lane),
            Change::Opened(Some(lane)) => {
                tracing::debug!(session_id = lane.session.id(), lanes = self.lanes.len() + 1, "one more lane");
                self.add(lane);
            }
            Change::Opened(None) => self.preparing = false,
            Change::Load | Change::Due => {}
        }
        self.look_after();
        self.grow(0);
    }

    fn loads(&self) -> Vec<Load> {
        self.lanes.iter().map(Lane::load).collect()
    }

    /// How many lanes there may be.
    fn limits(&self) -> Lanes {
        if self.is_multiplexed() { self.opener.lanes() } else { Lanes::ONE }
    }

    /// Opens lanes beside the first, if there are fewer than there should be.
    fn grow(&mut self, waiting: usize) {
        if self.lanes.is_empty() {
            return;
        }
        let limits = self.limits();
        let count = |route: &Self| route.lanes.len() + route.openings.len();
        if count(self) >= limits.most || *self.stop.borrow() != Stop::Not || self.together.is_cut() {
            return;
        }
        self.preparing &= count(self) < limits.least;
        let wanted = wanted(&self.loads(), waiting.max(usize::from(self.preparing)), limits);
        while count(self) < wanted && self.openings.may_begin() {
            let Some(permit) = (self.permits)() else { return };
            self.openings.begin(&self.opener, self.together.ear(), permit, self.stop.clone());
        }
    }

    /// When there is something to be done, if nothing changes before.
    fn due(&self) -> Option<Instant> {
        let is_surplus = self.lanes.len() > wanted(&self.loads(), 0, self.limits());
        let idle = self.lanes.iter().skip(1).filter(|_| is_surplus).filter_map(Lane::expires_at).min();
        let tell = self.ended.as_ref().map(|(_, _, at)| *at);
        [idle, tell].into_iter().flatten().min()
    }

    /// Does what is due.
    fn look_after(&mut self) {
        while let Some(finished) = self.retired.try_join_next() {
            // A panic in the task was reported by the panic hook.
            self.complete &= finished.unwrap_or(false);
        }
        let now = Instant::now();
        if let Some((count, end, _)) = self.ended.take_if(|(_, _, at)| *at <= now) {
            self.observer().tunnel(&TunnelEvent::LanesEnded(count, end));
        }
        let keep = wanted(&self.loads(), 0, self.limits());
        for lane in (1..self.lanes.len()).rev() {
            if self.lanes.len() > keep && self.lanes[lane].expires_at().is_some_and(|at| at <= now) {
                tracing::debug!(session_id = self.lanes[lane].session.id(), "a lane was idle for a while");
                self.retire(lane);
            }
        }
    }

    /// Whether there are lanes beside the first.
    pub(super) fn has_spare(&self) -> bool {
        self.lanes.len() > 1
    }

    /// How the session of a lane has ended that is over; the lane is none any more.
    pub(super) async fn end_of(&mut self, lane: usize) -> End {
        self.lanes.remove(lane).session.end().await
    }

    /// Gives up the lanes beside the first: they carry no more connections.
    pub(super) fn shrink(&mut self) {
        while self.lanes.len() > 1 {
            self.retire(self.lanes.len() - 1);
        }
    }

    /// The session of a lane has ended.
    fn is_over(&mut self, lane: usize) {
        self.usual = self.lanes[lane].session.is_used_up_as_usual();
        let end = self.lanes[lane].session.ended();
        self.retire(lane);
        let Some(end) = end.filter(|_| !self.usual) else { return };
        if self.lanes.is_empty() {
            // That says it of all.
            self.ended = None;
            self.observer().tunnel(&TunnelEvent::Ended(end));
        } else {
            let (before, at) = self.ended.take().map_or((0, Instant::now() + TOGETHER), |(count, _, at)| (count, at));
            self.ended = Some((before + 1, end, at));
        }
    }

    /// Gives up lanes that had better carry no more connections.
    fn retire_used_up(&mut self) {
        for lane in (0..self.lanes.len()).rev() {
            let session = &self.lanes[lane].session;
            if session.is_used_up() {
                self.usual = session.is_used_up_as_usual();
                self.retire(lane);
            }
        }
    }

    /// Lets the session of a lane go on to the end of its connections.
    fn retire(&mut self, lane: usize) {
        let Lane { session, ear, permit, .. } = self.lanes.remove(lane);
        ear.in_use(false);
        let mut stop = self.stop.clone();
        let at_once = self.retired.len() >= MOST_RETIRED;
        self.retired.spawn(async move {
            let _permit = permit;
            if at_once {
                let is_settled = session.tally().is_settled();
                session.terminate().await;
                if !is_settled {
                    ear.tunnel(&TunnelEvent::Lost(None));
                }
                return is_settled;
            }
            session.retire(&mut stop, &*ear).await
        });
    }

    /// Carries no more connections, and ends all sessions as [`Session::finish`] says. False when something was lost, now
    /// or before.
    pub(super) async fn finish(mut self) -> bool {
        // Those who wait for them are gone; what has begun is seen through and ended.
        drop(std::mem::replace(&mut self.openings, Openings::new()));
        for Lane { session, ear, permit, .. } in self.lanes.drain(..) {
            let mut stop = self.stop.clone();
            ear.in_use(false);
            self.retired.spawn(async move {
                let _permit = permit;
                session.finish(&mut stop, &*ear).await
            });
        }
        let Self { together, retired, complete, tallies, stop, .. } = &mut self;
        let mut ended = pin!(async {
            while let Some(finished) = retired.join_next().await {
                // A panic in the task was reported by the panic hook.
                *complete &= finished.unwrap_or(false);
            }
            *complete
        });
        let tell_unfinished = || {
            if let Some((open, lost)) = together.unfinished() {
                together.observer.tunnel(&TunnelEvent::Unfinished { open, lost });
            }
        };
        let mut tell_at = Some(Instant::now() + SILENT_FINISH);
        let complete = loop {
            tokio::select! {
                complete = &mut ended => break complete,
                () = sleep_until(tell_at.unwrap_or_else(Instant::now)), if tell_at.is_some() => {
                    tell_at = None;
                    if *stop.borrow() != Stop::Now {
                        let open = tallies.iter().filter_map(Weak::upgrade).map(|tally| tally.open()).sum();
                        together.observer.tunnel(&TunnelEvent::Finishing(open));
                    }
                }
                () = sleep(TOGETHER), if tell_at.is_none() => tell_unfinished(),
            }
        };
        tell_unfinished();
        complete
    }

    /// Something was lost that no session knows of.
    pub(super) fn is_incomplete(&mut self) {
        self.complete = false;
    }

    /// Ends all sessions on the service, at once.
    pub(crate) async fn terminate(self) {
        let ending = self.lanes.into_iter().map(|lane| lane.session.terminate());
        futures_util::future::join_all(ending).await;
    }

    /// How the one session that there is has ended; `None` without one.
    pub(crate) async fn end(mut self) -> Option<End> {
        let lane = self.lanes.pop()?;
        Some(lane.session.end().await)
    }
}

/// Waits until the session of one of these lanes has ended.
async fn over<V: TunnelObserver>(lanes: &mut [Lane<V>]) -> usize {
    let mut ends: Vec<_> = lanes.iter_mut().map(|lane| Box::pin(lane.session.split().0)).collect();
    poll_fn(|cx| {
        let over = ends.iter_mut().position(|end| end.as_mut().poll(cx).is_ready());
        over.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

#[cfg(test)]
mod tests;
