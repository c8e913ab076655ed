//! One direction's stream as its sender sees it: what is under way, what is lost, what goes out next.
//!
//! The receiver acknowledges every message by its number, so a message is deemed lost when later transmissions are
//! acknowledged and it is not (as in RFC 9002), or when nothing at all comes back for a retransmission timeout
//! (RFC 6298). After a reconnect everything unacknowledged is sent again at once. A message is stored before it is
//! sent: an acknowledgement can then never overtake it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::congestion::{Acknowledged, Window};
use super::rtt::RttEstimator;

/// A message is lost when a transmission this many places later is acknowledged: the packet threshold of RFC 9002.
const REORDERING: u64 = 3;

/// Messages between the oldest unacknowledged one and the newest. The smaller of the two official receivers keeps
/// 10,000 early messages and drops what comes beyond.
pub(crate) const MAX_SPAN: usize = 10_000;

/// First repetition of an unanswered message while [`Sender::probe_early`] holds; doubled each time. An agent that is
/// not ready drops the message silently, so waiting a full retransmission timeout only costs time.
const EARLY_REPEAT: Duration = Duration::from_millis(25);

/// Counts what happened to messages on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendStatistics {
    /// Stream messages sent for the first time.
    pub sent: u64,
    /// Repetitions of stream messages.
    pub retransmitted: u64,
    /// Retransmission timeouts that fired.
    pub timeouts: u64,
}

/// A message that has been sent and is not acknowledged.
struct Sent {
    frame: Bytes,
    sent_at: Instant,
    /// The number of its last transmission, counted over all messages.
    order: u64,
    transmissions: u32,
    lost: bool,
}

/// The sending half of reliable delivery. It deals in finished frames; cutting and encoding happen above.
pub(crate) struct Sender {
    /// The messages from `first` on; `None` where one is acknowledged already.
    window: VecDeque<Option<Sent>>,
    first: i64,
    by_order: BTreeMap<u64, i64>,
    lost: BTreeSet<i64>,
    /// Bytes of the frames in `by_order`.
    in_flight: usize,
    next_order: u64,
    largest_acknowledged: Option<u64>,
    /// When the retransmission timer was last restarted, by an acknowledgement or by itself.
    timer_since: Option<Instant>,
    backoff: u32,
    /// While set, an unanswered message from this number on is repeated early.
    probing_from: Option<i64>,
    rtt: RttEstimator,
    congestion: Window,
    statistics: SendStatistics,
}

impl Sender {
    /// A sender with at most `limit` bytes unacknowledged.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            window: VecDeque::new(),
            first: 0,
            by_order: BTreeMap::new(),
            lost: BTreeSet::new(),
            in_flight: 0,
            next_order: 1,
            largest_acknowledged: None,
            timer_since: None,
            backoff: 0,
            probing_from: None,
            rtt: RttEstimator::default(),
            congestion: Window::new(limit),
            statistics: SendStatistics::default(),
        }
    }

    /// The sequence number of the next new message.
    pub(crate) fn next_sequence(&self) -> i64 {
        self.first + self.window.len() as i64
    }

    /// Whether everything sent is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.window.is_empty()
    }

    /// Bytes under way: sent, not acknowledged, not deemed lost.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the window has room for a new message of `wanted` bytes. It is all or nothing, so that a nearly full
    /// window does not cut bulk data into crumbs; one message is always allowed.
    pub(crate) fn admits(&mut self, wanted: usize) -> bool {
        let admits = self.window.is_empty() || self.in_flight + wanted <= self.congestion.size();
        if !admits {
            self.congestion.limited();
        }
        admits
    }

    /// The largest size of messages with which one of them takes a small part of the window only.
    pub(crate) fn message_size(&self) -> usize {
        self.congestion.message_size()
    }

    /// Bytes that the window has left.
    pub(crate) fn free(&self) -> usize {
        self.congestion.size().saturating_sub(self.in_flight)
    }

    /// Takes the newest message back, which never reached the receiver; false when this is not it.
    pub(crate) fn withdraw(&mut self, sequence: i64) -> bool {
        if sequence + 1 != self.next_sequence() || self.sent(sequence).is_none() {
            return false;
        }
        if let Some(Some(sent)) = self.window.pop_back() {
            if sent.lost {
                self.lost.remove(&sequence);
            } else {
                self.by_order.remove(&sent.order);
                self.in_flight -= sent.frame.len();
            }
        }
        true
    }

    /// Whether one more message fits the receiver's memory, whatever its size.
    pub(crate) fn has_place(&self) -> bool {
        self.window.len() < MAX_SPAN
    }

    /// From now until one of the messages that follow is acknowledged, an unanswered one is repeated early.
    pub(crate) fn probe_early(&mut self) {
        self.probing_from = Some(self.next_sequence());
    }

    /// Stores a new message, which has the number [`Sender::next_sequence`] and is sent at once.
    pub(crate) fn push(&mut self, now: Instant, frame: Bytes) {
        let sequence = self.next_sequence();
        self.window.push_back(Some(Sent { frame, sent_at: now, order: 0, transmissions: 0, lost: false }));
        self.statistics.sent += 1;
        self.transmit(now, sequence);
    }

    /// The next message that must be repeated, if any; it counts as sent now.
    pub(crate) fn retransmit(&mut self, now: Instant) -> Option<Bytes> {
        let sequence = self.lost.pop_first()?;
        self.statistics.retransmitted += 1;
        self.transmit(now, sequence)
    }

    fn transmit(&mut self, now: Instant, sequence: i64) -> Option<Bytes> {
        let order = self.next_order;
        let sent = self.sent_mut(sequence)?;
        sent.sent_at = now;
        sent.order = order;
        sent.transmissions += 1;
        sent.lost = false;
        let frame = sent.frame.clone();
        self.next_order += 1;
        self.by_order.insert(order, sequence);
        self.in_flight += frame.len();
        Some(frame)
    }

    /// Takes in the acknowledgement of a message. False when there is no such message under way, which is nothing to
    /// worry about: it was acknowledged before.
    pub(crate) fn acknowledge(&mut self, now: Instant, sequence: i64) -> bool {
        let Some(sent) = self.index(sequence).and_then(|index| self.window[index].take()) else { return false };
        if sent.lost {
            self.lost.remove(&sequence);
        } else {
            self.by_order.remove(&sent.order);
            self.in_flight -= sent.frame.len();
        }
        while let Some(None) = self.window.front() {
            self.window.pop_front();
            self.first += 1;
        }
        let elapsed = now.saturating_duration_since(sent.sent_at);
        // Karn's rule: what was sent more than once has no certain round trip.
        let sample = (sent.transmissions == 1).then_some(elapsed);
        if let Some(rtt) = sample {
            self.rtt.sample(now, rtt);
        }
        self.backoff = 0;
        self.probing_from = self.probing_from.filter(|&from| sequence < from);
        self.timer_since = Some(now);
        let minimum = self.rtt.minimum();
        self.congestion.acknowledged(&Acknowledged {
            now,
            bytes: sent.frame.len(),
            order: sent.order,
            next_order: self.next_order,
            in_flight: self.in_flight,
            rtt: sample,
            minimum,
        });
        // An acknowledgement that comes sooner than a round trip answers an earlier transmission than the last. Where no
        // round trip is known, as after a reconnect that found only repetitions to send, it counts: otherwise each
        // loss would cost a timeout.
        if sample.is_some() || minimum.is_none_or(|minimum| elapsed >= minimum) {
            self.largest_acknowledged = self.largest_acknowledged.max(Some(sent.order));
        }
        self.detect_losses();
        true
    }

    fn detect_losses(&mut self) {
        let Some(largest) = self.largest_acknowledged else { return };
        while let Some((&order, &sequence)) = self.by_order.first_key_value() {
            if order + REORDERING > largest {
                break;
            }
            self.deem_lost(order, sequence);
        }
    }

    fn deem_lost(&mut self, order: u64, sequence: i64) {
        self.by_order.remove(&order);
        if let Some(sent) = self.sent_mut(sequence) {
            sent.lost = true;
            let length = sent.frame.len();
            self.in_flight -= length;
            self.lost.insert(sequence);
        }
    }

    /// When [`Sender::handle_timeout`] wants to be called, if at all.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let (_, &sequence) = self.by_order.first_key_value()?;
        let oldest = self.sent(sequence)?;
        if self.probing_from.is_some_and(|from| sequence >= from) {
            let early = self.rtt.smoothed().unwrap_or_default() * 5 / 4;
            let wait = early.max(EARLY_REPEAT) * (1 << oldest.transmissions.clamp(1, 6).saturating_sub(1));
            return Some(oldest.sent_at + wait.min(self.rtt.timeout(self.backoff)));
        }
        // There is one timer for all messages. What is acknowledged and what is repeated restarts it, RFC 6298
        // sections 5.3 and 5.6.
        let since = self.timer_since.map_or(oldest.sent_at, |at| at.max(oldest.sent_at));
        Some(since + self.rtt.timeout(self.backoff))
    }

    /// Repeats what the timer was for: everything that was sent before something acknowledged, or else one message, to
    /// learn whether anybody answers.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.timeout().is_none_or(|at| now < at) {
            return;
        }
        let probing = self.probing_from.is_some();
        if !probing {
            self.statistics.timeouts += 1;
            self.timer_since = Some(now);
            self.backoff = self.backoff.saturating_add(1);
            self.congestion.timed_out();
        }
        let answered = self.largest_acknowledged.unwrap_or(0);
        let mut any = false;
        while let Some((&order, &sequence)) = self.by_order.first_key_value() {
            if order > answered {
                break;
            }
            any = true;
            self.deem_lost(order, sequence);
        }
        if any {
            return;
        }
        // The first in the stream, RFC 6298 section 5.4: it is the only one that a receiver without room takes.
        let first = match self.by_order.first_key_value() {
            Some((_, &oldest)) if probing => oldest,
            _ => self.first,
        };
        if let Some(order) = self.sent(first).filter(|sent| !sent.lost).map(|sent| sent.order) {
            self.deem_lost(order, first);
        }
    }

    /// A new connection: whatever was under way is sent again, in order, and the path is measured afresh.
    pub(crate) fn reconnected(&mut self) {
        while let Some((&order, &sequence)) = self.by_order.first_key_value() {
            self.deem_lost(order, sequence);
        }
        self.rtt.reset();
        self.backoff = 0;
        self.timer_since = None;
        self.largest_acknowledged = None;
    }

    /// The smoothed round trip, once something was acknowledged.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// The window's present size in bytes.
    pub(crate) fn window_size(&self) -> usize {
        self.congestion.size()
    }

    pub(crate) fn statistics(&self) -> SendStatistics {
        self.statistics
    }

    fn index(&self, sequence: i64) -> Option<usize> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        (index < self.window.len()).then_some(index)
    }

    fn sent(&self, sequence: i64) -> Option<&Sent> {
        self.index(sequence).and_then(|index| self.window[index].as_ref())
    }

    fn sent_mut(&mut self, sequence: i64) -> Option<&mut Sent> {
        self.index(sequence).and_then(|index| self.window[index].as_mut())
    }
}

#[cfg(test)]
mod tests;
