//! Which connection holds up the others of its session.
//!
//! The multiplexer's protocol has no windows: one end can only stop reading the whole session. So a program here that
//! does not read what comes for it stops all that comes, once its buffer is full; and a destination that does not read
//! makes the agent stop reading, and with it all that is sent. Neither end can know whether the one that stopped will
//! go on. So the others wait for a while, then a person is told, and then the one that stopped is cut. One that holds
//! up nobody may take its time.
//!
//! A program that is cut is gone, and the others go on. An agent that has stopped reading does not hear that it should
//! let go of a connection: new connections go over another session as soon as it is noticed, and in the end the session
//! is given up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::protocol::smux::{Mux, StreamId};

/// For how long one connection may hold up the others, where nothing else is set.
const LIMIT: Duration = Duration::from_secs(30);

/// A person is told of a connection that holds up others after so long, or after half of the limit. By then a
/// connection to the service that is dead has been found to be so.
const REPORT_AFTER: Duration = Duration::from_secs(14);

/// A stream is suspected only when it has sent so much without an answer: real agents stop reading at four times this.
const SUSPICIOUS: usize = 1 << 20;

/// What was sent no longer before the agent stopped may be what it did not take.
const IN_FLIGHT: Duration = Duration::from_secs(5);

/// What a tunnel puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// For how long one connection may hold up the others of its session before it is cut; `None`: for ever.
    pub(crate) stall: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { stall: Some(LIMIT) }
    }
}

/// Who does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The program on this machine.
    Program,
    /// The destination.
    Destination,
}

/// One connection that holds up others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stall {
    /// The program's end of it.
    pub(crate) connection: String,
    pub(crate) side: Side,
    /// For how long it has held them up.
    pub(crate) lasted: Duration,
}

/// What is known of one stream.
#[derive(Debug)]
pub(super) struct Traffic {
    name: String,
    /// Bytes taken from the program since the destination last sent something.
    unanswered: usize,
    /// When the program last sent something.
    sent_at: Instant,
    /// When the program last took something.
    taken_at: Instant,
    /// The program has closed it; what it sent may be on its way still.
    closed: bool,
    cut: bool,
}

/// What is known of all streams of a session.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<StreamId, Traffic>);

impl Ledger {
    pub(super) fn opened(&mut self, id: StreamId, name: String, now: Instant) {
        self.0.insert(id, Traffic { name, unanswered: 0, sent_at: now, taken_at: now, closed: false, cut: false });
    }

    /// The program has sent so many bytes.
    pub(super) fn sent(&mut self, id: StreamId, bytes: usize, now: Instant) {
        if let Some(traffic) = self.0.get_mut(&id) {
            traffic.sent_at = now;
            traffic.unanswered = traffic.unanswered.saturating_add(bytes);
        }
    }

    /// The program has taken what the destination sent.
    pub(super) fn taken(&mut self, id: StreamId, now: Instant) {
        if let Some(traffic) = self.0.get_mut(&id) {
            traffic.unanswered = 0;
            traffic.taken_at = now;
        }
    }

    /// The program has closed it. One that may hold up others is remembered until the agent has closed it as well.
    pub(super) fn closed(&mut self, id: StreamId, mux: &Mux) {
        self.0.retain(|id, traffic| !traffic.closed || mux.awaits_end(*id));
        let Some(traffic) = self.0.get_mut(&id) else { return };
        if traffic.unanswered < SUSPICIOUS {
            self.0.remove(&id);
        } else {
            traffic.closed = true;
        }
    }

    pub(super) fn cut(&mut self, id: StreamId) {
        if let Some(traffic) = self.0.get_mut(&id) {
            traffic.cut = true;
        }
    }

    pub(super) fn is_cut(&self, id: StreamId) -> bool {
        self.0.get(&id).is_some_and(|traffic| traffic.cut)
    }

    fn open(&self) -> impl Iterator<Item = (StreamId, &Traffic)> {
        self.0.iter().filter(|(_, traffic)| !traffic.closed && !traffic.cut).map(|(id, traffic)| (*id, traffic))
    }
}

/// What is to be done about a stall.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet; look again at this instant, if there is one.
    Wait(Option<Instant>),
    /// Tell of it.
    Report(Stall),
    /// Cut this stream.
    Cut(StreamId, Stall),
    /// Nothing but another session helps.
    GiveUp(Stall),
}

/// Watches one session for stalls.
#[derive(Debug)]
pub(super) struct Watch {
    /// Since when nothing is received, for want of room.
    deaf_since: Option<Instant>,
    /// Since when there is something to send, and nothing is taken.
    mute_since: Option<Instant>,
    /// The stall that was told of: the stream, and since when.
    reported: Option<(StreamId, Instant)>,
    is_mute: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { deaf_since: None, mute_since: None, reported: None, is_mute: false }
    }

    /// Whether the agent takes nothing, and new connections are not to wait for that.
    pub(super) fn is_mute(&self) -> bool {
        self.is_mute
    }

    /// Nothing can be sent for another reason.
    pub(super) fn forgive(&mut self) {
        self.mute_since = None;
        self.is_mute = false;
    }

    /// Looks once. `mute`: there is something to send, and nothing of it can be sent although there is a connection.
    pub(super) fn look(&mut self, mux: &Mux, ledger: &Ledger, limits: Limits, mute: bool, now: Instant) -> Verdict {
        let begun = |since: &mut Option<Instant>, is: bool| {
            *since = if is { since.or(Some(now)) } else { None };
            *since
        };
        let deaf = begun(&mut self.deaf_since, !mux.can_receive());
        // Who does not listen does not hear that something was taken.
        let mute = begun(&mut self.mute_since, mute && deaf.is_none());
        let limit = limits.stall;
        let report_after = limit.map_or(REPORT_AFTER, |limit| REPORT_AFTER.min(limit / 2));
        let suspect = mute.and_then(|since| Some((suspect(ledger)?, since)));
        self.is_mute = suspect.is_some_and(|(_, since)| now.saturating_duration_since(since) >= report_after);
        let found = match (deaf, suspect) {
            (Some(since), _) => program(mux, ledger, since),
            (None, Some((id, since))) => destination(mux, ledger, id, since),
            (None, None) => None,
        };
        let Some((id, stall, since, is_closed)) = found else {
            self.reported = None;
            // Others may begin to wait at any time, and that wakes nobody.
            return Verdict::Wait((deaf.is_some() || mute.is_some()).then(|| now + Duration::from_secs(1)));
        };
        let lasted = now.saturating_duration_since(since);
        let stall = Stall { lasted, ..stall };
        let over = limit.filter(|limit| lasted >= *limit || (is_closed && lasted >= report_after));
        if over.is_some() {
            self.reported = None;
            return match stall.side {
                Side::Program => Verdict::Cut(id, stall),
                Side::Destination => Verdict::GiveUp(stall),
            };
        }
        if self.reported == Some((id, since)) {
            return Verdict::Wait(limit.map(|limit| since + limit));
        }
        if lasted >= report_after {
            self.reported = Some((id, since));
            return Verdict::Report(stall);
        }
        Verdict::Wait(Some(since + report_after))
    }
}

type Found = (StreamId, Stall, Instant, bool);

fn found(id: StreamId, traffic: &Traffic, side: Side, since: Instant) -> Found {
    let stall = Stall { connection: traffic.name.clone(), side, lasted: Duration::ZERO };
    (id, stall, since, traffic.closed)
}

/// The program that does not read, if others wait.
fn program(mux: &Mux, ledger: &Ledger, since: Instant) -> Option<Found> {
    let (id, traffic) = ledger.open().max_by_key(|(id, _)| mux.unread(*id))?;
    // What comes for the others is behind what is not received.
    (ledger.open().count() > 1).then(|| found(id, traffic, Side::Program, since.max(traffic.taken_at)))
}

/// The stream whose destination does not read, as far as that can be told.
fn suspect(ledger: &Ledger) -> Option<StreamId> {
    let (id, traffic) = ledger.0.iter().max_by_key(|(_, traffic)| traffic.unanswered)?;
    (traffic.unanswered >= SUSPICIOUS).then_some(*id)
}

/// The destination that does not read, if others wait: those that have something to send, and those whose last bytes
/// may not have been taken.
fn destination(mux: &Mux, ledger: &Ledger, id: StreamId, since: Instant) -> Option<Found> {
    let traffic = ledger.0.get(&id)?;
    let is_held_up =
        |other: StreamId, of: &Traffic| mux.queued(other) > 0 || of.unanswered > 0 && of.sent_at + IN_FLIGHT >= since;
    let waits = ledger.open().any(|(other, traffic)| other != id && is_held_up(other, traffic));
    (waits || mux.has_unsent_control()).then(|| found(id, traffic, Side::Destination, since))
}

#[cfg(test)]
mod tests;
