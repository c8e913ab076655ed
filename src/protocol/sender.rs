//! One direction's stream as its sender sees it: what is in flight, what is lost, what goes out next.
//!
//! The receiver acknowledges every message by its number, so a message is deemed lost when later transmissions are
//! acknowledged and it is not (as in RFC 9002), or when nothing at all comes back for a retransmission timeout
//! (RFC 6298). After a reconnect everything unacknowledged is sent again at once. A message is stored before it is
//! sent: an acknowledgement can then never overtake it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::congestion::{Acknowledged, CongestionController, Departure};
use super::rtt::RttEstimator;

/// A message is lost when a transmission this many numbers later is acknowledged, as in RFC 9002.
const PACKET_THRESHOLD: u64 = 3;

/// Messages between the oldest unacknowledged one and the newest. The smaller of the two official receivers keeps
/// 10,000 messages out of order and drops what exceeds them.
pub(crate) const MAX_SPAN: usize = 10_000;

/// When a message is repeated for the first time after [`Sender::fast_probe`]; doubled each time. An agent that is not
/// ready drops the message silently, so waiting a full retransmission timeout only costs time.
const FAST_PROBE_INTERVAL: Duration = Duration::from_millis(25);

/// Repetitions that are fast after [`Sender::fast_probe`]. An agent that has not answered all of them is not about to:
/// from then on the retransmission timeout counts, which doubles each time.
const FAST_PROBES: u32 = 8;

/// Counts of what happened to stream messages on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendStatistics {
    /// Stream messages sent for the first time.
    pub sent: u64,
    /// Repetitions of stream messages.
    pub retransmitted: u64,
    /// Retransmission timeouts that fired.
    pub timeouts: u64,
    /// Stream messages that the peer has acknowledged.
    pub acknowledged: u64,
}

/// Whether a message may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted,
    /// From this instant on, so that no burst goes out.
    At(Instant),
    /// Once something is acknowledged or deemed lost.
    Full,
}

/// A message that has been sent and is not acknowledged.
struct Sent {
    frame: Bytes,
    sent_at: Instant,
    /// The number of its last transmission; each transmission of any message has a new one.
    packet_number: u64,
    transmissions: u32,
    departure: Option<Departure>,
    lost: bool,
}

/// The sending half of reliable delivery. It deals in finished frames; cutting and encoding happen above.
pub(crate) struct Sender {
    /// The messages from `first` on; `None` where one is acknowledged already.
    unacked: VecDeque<Option<Sent>>,
    first: i64,
    in_flight_by_number: BTreeMap<u64, i64>,
    lost: BTreeSet<i64>,
    /// Bytes of the frames in flight.
    in_flight: usize,
    next_packet_number: u64,
    largest_acked: Option<u64>,
    /// When the retransmission timer was last restarted, by an acknowledgement or by itself.
    timer_since: Option<Instant>,
    backoff: u32,
    /// While set, an unanswered message from this sequence number on is repeated fast, so many more times.
    fast_probe: Option<(i64, u32)>,
    rtt: RttEstimator,
    congestion: CongestionController,
    statistics: SendStatistics,
}

impl Sender {
    /// A sender with at most `limit` bytes unacknowledged.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            unacked: VecDeque::new(),
            first: 0,
            in_flight_by_number: BTreeMap::new(),
            lost: BTreeSet::new(),
            in_flight: 0,
            next_packet_number: 1,
            largest_acked: None,
            timer_since: None,
            backoff: 0,
            fast_probe: None,
            rtt: RttEstimator::default(),
            congestion: CongestionController::new(limit),
            statistics: SendStatistics::default(),
        }
    }

    /// The sequence number of the next new message.
    pub(crate) fn next_sequence(&self) -> i64 {
        self.first + self.unacked.len() as i64
    }

    /// Whether everything sent is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.unacked.is_empty()
    }

    /// Whether something was sent, and all of it is acknowledged.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.is_idle() && self.first > 0
    }

    /// The number of the oldest message that is not acknowledged.
    pub(crate) fn oldest(&self) -> Option<i64> {
        (!self.is_idle()).then_some(self.first)
    }

    /// Bytes sent, not acknowledged and not deemed lost.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Asks the window for room for a message of `wanted` bytes. It is all or nothing, so that a nearly full window does
    /// not cut bulk data into crumbs; one message is always admitted.
    pub(crate) fn admit(&self, now: Instant, wanted: usize) -> Admission {
        if self.in_flight > 0 && self.in_flight + wanted > self.congestion.window() {
            return Admission::Full;
        }
        self.congestion.next_send(now).map_or(Admission::Granted, Admission::At)
    }

    /// The largest size of messages with which one of them takes a small part of the window only.
    pub(crate) fn message_size(&self) -> usize {
        self.congestion.message_size()
    }

    /// The largest size of a message that goes out once, to see whether it gets through.
    pub(crate) fn probe_size(&self) -> usize {
        self.congestion.probe_size()
    }

    /// Bytes that may be granted at once: those that the window has left, and no more than the pace lets go soon.
    pub(crate) fn grant(&self) -> usize {
        self.congestion.window().saturating_sub(self.in_flight).min(self.congestion.burst())
    }

    /// Bytes of the largest frame that is unacknowledged; 0 without any.
    pub(crate) fn largest(&self) -> usize {
        self.unacked.iter().flatten().map(|sent| sent.frame.len()).max().unwrap_or(0)
    }

    /// Takes the newest message back, which never reached the receiver; false when this is not it.
    pub(crate) fn withdraw(&mut self, sequence: i64) -> bool {
        if sequence + 1 != self.next_sequence() || self.sent(sequence).is_none() {
            return false;
        }
        if let Some(Some(sent)) = self.unacked.pop_back() {
            if sent.lost {
                self.lost.remove(&sequence);
            } else {
                self.in_flight_by_number.remove(&sent.packet_number);
                self.in_flight -= sent.frame.len();
            }
        }
        true
    }

    /// Whether one more message fits the receiver's memory, whatever its size.
    pub(crate) fn has_place(&self) -> bool {
        self.unacked.len() < MAX_SPAN
    }

    /// From now until one of the messages that follow is acknowledged, an unanswered one is repeated fast, a few times.
    pub(crate) fn fast_probe(&mut self) {
        self.fast_probe = Some((self.next_sequence(), FAST_PROBES));
    }

    /// Stores a new message, which has the number [`Sender::next_sequence`] and is sent at once.
    pub(crate) fn push(&mut self, now: Instant, frame: Bytes) {
        let sequence = self.next_sequence();
        let sent = Sent { frame, sent_at: now, packet_number: 0, transmissions: 0, departure: None, lost: false };
        self.unacked.push_back(Some(sent));
        self.statistics.sent += 1;
        self.transmit(now, sequence);
    }

    /// Whether the next message that must be repeated may go out; `None` without one. The first of the stream always
    /// may: a receiver may have room for no other, and then nothing else ever leaves the window.
    pub(crate) fn admit_repeated(&self, now: Instant) -> Option<Admission> {
        let &sequence = self.lost.first()?;
        let length = self.sent(sequence)?.frame.len();
        Some(if sequence == self.first { Admission::Granted } else { self.admit(now, length) })
    }

    /// The next message that must be repeated, if any; it counts as sent now.
    pub(crate) fn retransmit(&mut self, now: Instant) -> Option<Bytes> {
        let sequence = self.lost.pop_first()?;
        self.statistics.retransmitted += 1;
        self.transmit(now, sequence)
    }

    fn transmit(&mut self, now: Instant, sequence: i64) -> Option<Bytes> {
        let packet_number = self.next_packet_number;
        let length = self.sent(sequence)?.frame.len();
        let departure = self.congestion.on_sent(now, packet_number, length, self.in_flight);
        let sent = self.sent_mut(sequence)?;
        sent.sent_at = now;
        sent.packet_number = packet_number;
        sent.transmissions += 1;
        sent.departure = Some(departure);
        sent.lost = false;
        let frame = sent.frame.clone();
        self.next_packet_number += 1;
        self.in_flight_by_number.insert(packet_number, sequence);
        self.in_flight += length;
        Some(frame)
    }

    /// Takes in the acknowledgement of a message. False when no such message is unacknowledged, which is nothing to
    /// worry about: it was acknowledged before.
    pub(crate) fn acknowledge(&mut self, now: Instant, sequence: i64) -> bool {
        let Some(sent) = self.index(sequence).and_then(|index| self.unacked[index].take()) else { return false };
        if sent.lost {
            self.lost.remove(&sequence);
        } else {
            self.in_flight_by_number.remove(&sent.packet_number);
            self.in_flight -= sent.frame.len();
        }
        while let Some(None) = self.unacked.front() {
            self.unacked.pop_front();
            self.first += 1;
        }
        let elapsed = now.saturating_duration_since(sent.sent_at);
        // Karn's rule: the round trip of what was sent more than once is uncertain.
        let sample = (sent.transmissions == 1).then_some(elapsed);
        if let Some(rtt) = sample {
            self.rtt.sample(now, rtt);
        }
        // A timeout that was too short for the path stays longer until a round trip is known: otherwise every message
        // would be repeated, and none would ever show it (RFC 6298 section 5, Karn's algorithm).
        if self.rtt.smoothed().is_some() {
            self.backoff = 0;
        }
        self.fast_probe = self.fast_probe.filter(|&(from, _)| sequence < from);
        self.statistics.acknowledged += 1;
        self.timer_since = Some(now);
        // What was deemed lost, and all that went out on an earlier connection, teaches nothing about this path.
        if let Some(departure) = sent.departure.filter(|_| !sent.lost) {
            let acknowledged = Acknowledged {
                now,
                bytes: sent.frame.len(),
                packet_number: sent.packet_number,
                in_flight: self.in_flight,
                rtt: sample,
                departure,
            };
            self.congestion.on_acknowledged(&acknowledged, &self.rtt);
        }
        // An acknowledgement that comes sooner than a round trip answers an earlier transmission than the last. Where
        // no round trip is known, as after a reconnect that found only repetitions to send, it counts: otherwise each
        // loss would cost a timeout.
        if sample.is_some() || self.rtt.min_rtt().is_none_or(|min_rtt| elapsed >= min_rtt) {
            self.largest_acked = self.largest_acked.max(Some(sent.packet_number));
        }
        self.detect_losses();
        true
    }

    fn detect_losses(&mut self) {
        let Some(largest) = self.largest_acked else { return };
        while let Some((&packet_number, &sequence)) = self.in_flight_by_number.first_key_value() {
            if packet_number + PACKET_THRESHOLD > largest {
                break;
            }
            self.deem_lost(packet_number, sequence);
        }
    }

    fn deem_lost(&mut self, packet_number: u64, sequence: i64) {
        self.in_flight_by_number.remove(&packet_number);
        if let Some(sent) = self.sent_mut(sequence) {
            sent.lost = true;
            let length = sent.frame.len();
            self.in_flight -= length;
            self.lost.insert(sequence);
        }
    }

    /// When [`Sender::on_timeout`] has to be called, as things stand.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let (_, &sequence) = self.in_flight_by_number.first_key_value()?;
        let oldest = self.sent(sequence)?;
        if self.is_probed_fast(sequence) {
            let answer = self.rtt.smoothed().unwrap_or_default() * 5 / 4;
            let wait = answer.max(FAST_PROBE_INTERVAL) * (1 << oldest.transmissions.clamp(1, 6).saturating_sub(1));
            return Some(oldest.sent_at + wait.min(self.rtt.rto(self.backoff)));
        }
        // There is one timer for all messages. What is acknowledged and what is repeated restarts it, RFC 6298
        // sections 5.3 and 5.6.
        let since = self.timer_since.map_or(oldest.sent_at, |at| at.max(oldest.sent_at));
        Some(since + self.rtt.rto(self.backoff))
    }

    fn is_probed_fast(&self, sequence: i64) -> bool {
        self.fast_probe.is_some_and(|(from, left)| sequence >= from && left > 0)
    }

    /// The retransmission timer has expired. Repeats what it was for: everything that was sent before something
    /// acknowledged, or else one message, to learn whether the peer answers at all.
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        let oldest = self.in_flight_by_number.first_key_value();
        let probing = oldest.is_some_and(|(_, &sequence)| self.is_probed_fast(sequence));
        if let Some((_, left)) = self.fast_probe.as_mut().filter(|_| probing) {
            *left -= 1;
        } else {
            self.statistics.timeouts += 1;
            self.timer_since = Some(now);
            if self.backoff == 0 {
                self.congestion.on_retransmission_timeout();
            }
            self.backoff = self.backoff.saturating_add(1);
        }
        let answered = self.largest_acked.unwrap_or(0);
        let mut any = false;
        while let Some((&packet_number, &sequence)) = self.in_flight_by_number.first_key_value() {
            if packet_number > answered {
                break;
            }
            any = true;
            self.deem_lost(packet_number, sequence);
        }
        if any {
            return;
        }
        // The first in the stream, RFC 6298 section 5.4: it is the only one that a receiver without room takes.
        let first = match self.in_flight_by_number.first_key_value() {
            Some((_, &oldest)) if probing => oldest,
            _ => self.first,
        };
        if let Some(packet_number) = self.sent(first).filter(|sent| !sent.lost).map(|sent| sent.packet_number) {
            self.deem_lost(packet_number, first);
        }
    }

    /// A new connection: everything in flight is sent again, in order, and the path is measured afresh.
    pub(crate) fn on_reconnected(&mut self) {
        while let Some((&packet_number, &sequence)) = self.in_flight_by_number.first_key_value() {
            self.deem_lost(packet_number, sequence);
        }
        self.rtt.reset();
        self.congestion.on_reconnected();
        self.backoff = 0;
        self.timer_since = None;
        self.largest_acked = None;
    }

    /// The smoothed round trip, once something was acknowledged.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// Bytes that may be in flight at the moment.
    pub(crate) fn window(&self) -> usize {
        self.congestion.window()
    }

    pub(crate) fn statistics(&self) -> SendStatistics {
        self.statistics
    }

    fn index(&self, sequence: i64) -> Option<usize> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        (index < self.unacked.len()).then_some(index)
    }

    fn sent(&self, sequence: i64) -> Option<&Sent> {
        self.index(sequence).and_then(|index| self.unacked[index].as_ref())
    }

    fn sent_mut(&mut self, sequence: i64) -> Option<&mut Sent> {
        self.index(sequence).and_then(|index| self.unacked[index].as_mut())
    }
}

#[cfg(test)]
mod tests;
