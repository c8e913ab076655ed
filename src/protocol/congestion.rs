//! How many bytes may be in flight, and how fast they go out.
//!
//! The path is described by two numbers, as in BBR: the rate at which it delivers, the largest of the rounds of late,
//! and the round trip when nothing waits, the least of late. Messages go out at that rate, spread over the round trip, and
//! no more is in flight than twice what the path holds. So neither what a burst adds to the round trip, because the agent
//! takes one message after another, nor the moods of a network pass for a queue.
//!
//! At first the rate doubles with each round, until no more is delivered and messages wait. Later the sender goes faster
//! for a round now and then, to see whether more is delivered, and then slower, so that what waited drains.
//!
//! A queue that stands, whoever made it, holds up a key: every message waits, and not for a moment only. Then the rate
//! becomes the one that was really delivered. A sender who has much of that queue leaves a part of its rate to the others
//! and is in no hurry to try more; one who has little of it does nothing. So sessions that share a path come to equal parts
//! of it, which they would not by rates alone.
//!
//! All numbers here were chosen on the grid of `benches/window`.

mod delivery;
mod pacer;

use std::time::{Duration, Instant};

pub(crate) use delivery::Departure;
use delivery::{Delivery, MaxFilter, RateSample};
use pacer::Pacer;

use super::rtt::RttEstimator;

/// Where the window starts. The path's own TCP starts slowly by itself; this is what an agent takes in about 2 ms
/// (28 MB/s measured with payloads of 1 KiB).
const INITIAL: usize = 64 * 1024;

/// On long round trips it starts larger, spread over the round trip: with so many bytes a second.
const INITIAL_RATE: f64 = 2e6;

/// The window never closes below this.
const MINIMUM: usize = 8 * 1024;

/// The window holds at least what the path delivers in this time beside the round trip: so long an acknowledgement may be
/// late because of a scheduler.
const MIN_QUEUEING: Duration = Duration::from_millis(2);

/// The same where messages are spread: they leave no queue, so that more may be late.
const PACED_QUEUEING: Duration = Duration::from_millis(3);

/// While the rate of the path is not known, each round goes out so many times as fast as the one before was delivered:
/// the least with which it doubles (2 / ln 2).
const STARTUP_GAIN: f64 = 2.885;

/// Then the window is so many times what the path holds, and only [`WINDOW_GAIN`] times that once messages wait.
const STARTUP_WINDOW_GAIN: f64 = 2.5;

/// After that the window is so many times what the path holds.
const WINDOW_GAIN: f64 = 2.0;

/// The rate is known once it has not grown by a quarter in so many rounds.
const FULL_GROWTH: f64 = 1.25;
const FULL_ROUNDS: u32 = 3;

/// The rate is the largest of so many rounds.
const FILTER_ROUNDS: u64 = 10;

/// A round lasts at least so long: on the shortest paths the scheduler's moods are longer than a round trip.
const MIN_ROUND: Duration = Duration::from_millis(5);

/// A message has waited in a queue whose round trip is longer than that of the path by this part of it and this time. With
/// ±20 % of jitter, and the order kept, round trips are up to half as long again without a queue.
const STANDING: f64 = 0.55;
const MIN_STANDING: Duration = Duration::from_millis(1);

/// A queue stands if all messages have waited in it for so long, and for a round trip. What is shorter may be a machine that
/// was busy with something else.
const MIN_SLOW: Duration = Duration::from_millis(100);

/// By so much round trips differ although nothing waits.
const CLOCKS: Duration = Duration::from_millis(1);

/// A sender of whose bytes fewer than this stand in the queue leaves it to others to make it shorter, until it holds a
/// key up for longer than a second round trip and this time.
const QUANTUM: f64 = 24.0 * 1024.0;
const HARD: Duration = Duration::from_millis(10);

/// Who makes a queue shorter leaves this part of the rate that it had to those that have less.
const YIELD: f64 = 0.8;

/// Gains of the rounds in which more is tried, the queue of that drains, and neither; and how many of those follow.
const UP_GAIN: f64 = 1.25;
const DOWN_GAIN: f64 = 0.75;
const DRAIN_GAIN: f64 = 0.35;
const CRUISE_ROUNDS: u64 = 4;

/// Who had more of a queue waits for so many more rounds, at most, before more is tried.
const MOST_PATIENCE: u64 = 12;

/// More was tried with success if the rate has grown by this.
const UP_GROWTH: f64 = 1.12;

/// How often a sender that fills the window lets the queue drain: more often than the minimum is forgotten.
const MIN_RTT_PROBE_INTERVAL: Duration = Duration::from_secs(8);

/// How fine timers are.
const TICK: Duration = Duration::from_millis(1);

/// Messages take no more than this part of the window, as a key waits for the rest of one; or no more time than
/// [`MIN_QUEUEING`], where that is more, but never more than a quarter of the window.
const MESSAGE_SHARE: usize = 8;

/// What the sender does about the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// It doubles the rate, which was so much when it last grew, so many rounds ago.
    Startup { full: f64, rounds: u32 },
    /// It lets the queue drain that the search has left, or that was there.
    Drain,
    /// It tries more, in a round that began with this rate; so many such rounds in a row have brought more.
    Up { before: f64, successes: u32 },
    /// It waits a round for what that has brought.
    Look { before: f64, successes: u32 },
    /// It lets the queue of that drain.
    Down,
    /// It goes on as it is, for so many rounds more.
    Cruise { left: u64 },
}

/// How far the search for the round trip of the path without a queue is.
#[derive(Clone, Copy, Debug)]
enum MinRttProbe {
    /// Nothing, until it is time; `None` before anything was acknowledged.
    At(Option<Instant>),
    /// Nothing goes out until no more is in flight than half of what the path holds.
    Draining,
    /// What goes out from this transmission on sees the path.
    Measuring(u64),
}

/// Acknowledgements over about one round trip.
#[derive(Debug, Default)]
struct Round {
    count: u64,
    /// The acknowledgement of a message that went out after so many bytes were delivered ends it.
    until: u64,
    began: Option<Instant>,
    /// The least round trip of its messages.
    least: Option<Duration>,
    /// Since when all round trips were those of a queue, and how many bytes had been delivered by then.
    slow_since: Option<(Instant, u64)>,
    /// None of its messages showed what the path takes.
    app_limited: bool,
}

/// An acknowledgement that came in.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    pub(crate) now: Instant,
    /// Size of the message.
    pub(crate) bytes: usize,
    /// That of its last transmission.
    pub(crate) packet_number: u64,
    /// Bytes in flight without it.
    pub(crate) in_flight: usize,
    /// Its round trip, when that is certain.
    pub(crate) rtt: Option<Duration>,
    pub(crate) departure: Departure,
}

/// The window and what decides over it.
#[derive(Debug)]
pub(crate) struct CongestionController {
    limit: usize,
    window: usize,
    /// Bytes a second at which messages go out.
    pace: f64,
    next_packet_number: u64,
    mode: Mode,
    bandwidth: MaxFilter,
    delivery: Delivery,
    pacer: Pacer,
    round: Round,
    /// Messages before this one went out when more was in flight than now would be: they teach nothing about queues.
    judged_from: u64,
    min_rtt: Option<Duration>,
    /// Until a round trip is known, the window opens by what is acknowledged up to this: after a reconnect only
    /// repetitions may be left to send, whose round trips are uncertain.
    blind_limit: usize,
    min_rtt_probe: MinRttProbe,
    /// The rate of the path was known before, however it is now.
    known: bool,
    /// Rounds to wait beside the usual ones before more is tried.
    patience: u64,
    /// Since when the sender could have sent more.
    idle_since: Option<Instant>,
}

impl CongestionController {
    /// A controller whose window never opens beyond `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(MINIMUM);
        let window = INITIAL.min(limit);
        Self {
            limit,
            window,
            pace: 0.0,
            next_packet_number: 0,
            mode: Mode::Startup { full: 0.0, rounds: 0 },
            bandwidth: MaxFilter::default(),
            delivery: Delivery::default(),
            pacer: Pacer::default(),
            round: Round { app_limited: true, ..Round::default() },
            judged_from: 0,
            min_rtt: None,
            blind_limit: window,
            min_rtt_probe: MinRttProbe::At(None),
            known: false,
            patience: 0,
            idle_since: None,
        }
    }

    /// Bytes that may be in flight.
    pub(crate) fn window(&self) -> usize {
        match self.min_rtt_probe {
            MinRttProbe::At(_) => self.window,
            MinRttProbe::Draining | MinRttProbe::Measuring(_) => {
                ((self.held(1.0) / 2.0) as usize).clamp(MINIMUM, self.window)
            }
        }
    }

    /// When the next message may go out, if the window has room; `None`: at once.
    pub(crate) fn next_send(&self, now: Instant) -> Option<Instant> {
        self.pacer.next(now)
    }

    /// Bytes that may be granted at once, as a timer that is to come before the next of them would be too fine.
    pub(crate) fn burst(&self) -> usize {
        if self.min_rtt.is_some_and(pacer::is_paced) { (self.pace * TICK.as_secs_f64()) as usize } else { usize::MAX }
    }

    /// The size of messages with which a key waits for a small part of the window only.
    pub(crate) fn message_size(&self) -> usize {
        let in_time = (self.bandwidth.get() * MIN_QUEUEING.as_secs_f64()) as usize;
        (self.window / MESSAGE_SHARE).max(in_time.min(self.window / 4))
    }

    /// The size of a message that goes out once, to see whether it gets through.
    pub(crate) fn probe_size(&self) -> usize {
        self.window / 2
    }

    /// A message goes out, for the first time or again; its number is the largest so far. So many bytes are in flight
    /// before it.
    pub(crate) fn on_sent(&mut self, now: Instant, packet_number: u64, bytes: usize, in_flight: usize) -> Departure {
        self.next_packet_number = packet_number + 1;
        // A sender that lets a moment pass in which there is room has too little to send.
        let could = self.idle_since.map(|since| self.pacer.next(since).unwrap_or(since));
        if could.is_some_and(|since| now.saturating_duration_since(since) > MIN_QUEUEING) {
            self.delivery.on_app_limited(in_flight);
        }
        let departure = self.delivery.depart(now, in_flight);
        self.pacer.on_sent(now, bytes, self.pace, self.min_rtt);
        self.note_room(now, in_flight + bytes);
        departure
    }

    /// A message is acknowledged; `rtt` has taken in its round trip.
    pub(crate) fn on_acknowledged(&mut self, acknowledged: &Acknowledged, rtt: &RttEstimator) {
        let &Acknowledged { now, bytes, in_flight, ref departure, .. } = acknowledged;
        self.min_rtt = rtt.min_rtt();
        let sample = self.delivery.arrive(now, bytes, departure, self.min_rtt);
        if self.min_rtt.is_none() {
            self.window = (self.window + bytes).min(self.blind_limit.max(self.window));
        } else {
            let sample = sample.filter(|_| acknowledged.rtt.is_some());
            let is_over = self.take_in(acknowledged, sample);
            self.probe_min_rtt(acknowledged);
            let app_limited = sample.is_none_or(|sample| sample.app_limited);
            self.advance(acknowledged, app_limited, is_over);
            self.update();
        }
        self.note_room(now, in_flight);
    }

    /// Nothing came back for a whole retransmission timeout, for the first time since something did.
    pub(crate) fn on_retransmission_timeout(&mut self) {
        // Who sends little has flooded nothing.
        if self.delivery.is_app_limited() {
            return;
        }
        let half = self.bandwidth.get() / 2.0;
        self.bandwidth.reset(self.round.count, half);
        if self.min_rtt.is_some() {
            // A sender that does not know the path yet still does not.
            if !matches!(self.mode, Mode::Startup { .. }) {
                self.correct();
            }
            self.update();
        }
    }

    /// A new connection, whose path is another. What is in flight is sent again, within the window.
    pub(crate) fn on_reconnected(&mut self) {
        let next_packet_number = self.next_packet_number;
        let blind_limit = self.window;
        *self = Self { next_packet_number, blind_limit, judged_from: next_packet_number, ..Self::new(self.limit) };
    }

    /// Notes whether there is room for a message.
    fn note_room(&mut self, now: Instant, in_flight: usize) {
        let has_room = in_flight + self.message_size() <= self.window();
        self.idle_since = has_room.then(|| self.idle_since.unwrap_or(now));
    }

    /// Takes in what an acknowledgement says. True when a round is over.
    fn take_in(&mut self, acknowledged: &Acknowledged, sample: Option<RateSample>) -> bool {
        let &Acknowledged { now, packet_number, ref departure, .. } = acknowledged;
        if let Some(rtt) = acknowledged.rtt.filter(|_| packet_number >= self.judged_from) {
            self.round.least = Some(self.round.least.map_or(rtt, |least| least.min(rtt)));
            let slow = self.is_slow(rtt);
            let began = (now, self.delivery.delivered());
            self.round.slow_since = slow.then(|| self.round.slow_since.unwrap_or(began));
        }
        if let Some(RateSample { bytes_per_second, app_limited }) = sample {
            self.round.app_limited &= app_limited;
            let counts = packet_number >= self.judged_from;
            if counts && (!app_limited || bytes_per_second > self.bandwidth.get()) {
                self.bandwidth.take(self.round.count, bytes_per_second, FILTER_ROUNDS);
            }
        }
        let began = *self.round.began.get_or_insert(now);
        departure.delivered() >= self.round.until && now.saturating_duration_since(began) >= MIN_ROUND
    }

    /// Decides what comes next.
    fn advance(&mut self, acknowledged: &Acknowledged, app_limited: bool, is_over: bool) {
        let &Acknowledged { now, in_flight, rtt, .. } = acknowledged;
        if is_over {
            self.end_round(now);
        }
        let holds = (self.held(1.0) as usize).max(MINIMUM);
        match self.mode {
            Mode::Drain | Mode::Down if in_flight <= holds => self.cruise(),
            Mode::Drain => {}
            _ if app_limited => {}
            _ => {
                if let Some((rtt, rate)) = rtt.zip(self.slow_rate(now)) {
                    self.judge(rtt, rate);
                }
            }
        }
    }

    fn end_round(&mut self, now: Instant) {
        let delivered = self.delivery.delivered();
        let before = std::mem::take(&mut self.round);
        self.round = Round {
            count: before.count + 1,
            until: delivered,
            began: Some(now),
            least: None,
            slow_since: before.slow_since,
            app_limited: true,
        };
        let slow = before.least.is_some_and(|least| self.is_slow(least));
        let bandwidth = self.bandwidth.get();
        self.mode = match self.mode {
            Mode::Startup { .. } if before.app_limited => self.mode,
            Mode::Startup { full, .. } if bandwidth >= full * FULL_GROWTH => {
                Mode::Startup { full: bandwidth, rounds: 0 }
            }
            // Without a queue it is not the path that holds the rate down.
            Mode::Startup { .. } if !self.is_queued(before.least) => self.mode,
            Mode::Startup { full, rounds } if rounds + 1 < FULL_ROUNDS && !slow => {
                Mode::Startup { full, rounds: rounds + 1 }
            }
            Mode::Startup { .. } => Mode::Drain,
            Mode::Up { before, successes } => Mode::Look { before, successes },
            Mode::Look { before, successes } if bandwidth >= before * UP_GROWTH => match successes {
                0 => Mode::Up { before: bandwidth, successes: 1 },
                _ => Mode::Startup { full: bandwidth, rounds: 0 },
            },
            Mode::Look { .. } => Mode::Down,
            Mode::Cruise { left: 0 } => Mode::Up { before: bandwidth, successes: 0 },
            Mode::Cruise { left } => Mode::Cruise { left: left - 1 },
            Mode::Down => self.cruising(),
            Mode::Drain => Mode::Drain,
        };
    }

    /// Whether a round trip is that of a message that has waited in a queue.
    fn is_slow(&self, rtt: Duration) -> bool {
        let Some(min_rtt) = self.min_rtt else { return false };
        rtt > min_rtt + min_rtt.mul_f64(STANDING) + MIN_STANDING
    }

    /// Whether anything waits at all, by the least round trip of a round.
    fn is_queued(&self, least: Option<Duration>) -> bool {
        least.zip(self.min_rtt).is_some_and(|(least, min_rtt)| least > min_rtt + min_rtt / 4 + CLOCKS)
    }

    /// A queue stands, in which messages wait until `rtt`, while `rate` is delivered. A sender whose part of it is small
    /// leaves it to the others to make it shorter, so that all get the same in the end.
    fn judge(&mut self, rtt: Duration, rate: f64) {
        let Some(min_rtt) = self.min_rtt else { return };
        let own = rate * rtt.saturating_sub(min_rtt).as_secs_f64();
        let is_hard = rtt > 2 * min_rtt + HARD;
        let is_starting = matches!(self.mode, Mode::Startup { .. });
        if (own < QUANTUM || is_starting) && !is_hard {
            return;
        }
        // While the rate doubles, what is delivered lags behind; the largest was seen last.
        let rate = rate * YIELD;
        if rate < self.bandwidth.get() && !is_starting {
            self.bandwidth.reset(self.round.count, rate);
        }
        self.patience = ((own / QUANTUM).max(1.0).log2() * 2.0) as u64;
        self.correct();
    }

    /// Bytes a second that were delivered while there was a queue all the time, if that is long enough to be one.
    fn slow_rate(&self, now: Instant) -> Option<f64> {
        let ((since, delivered), min_rtt) = self.round.slow_since.zip(self.min_rtt)?;
        let time = now.saturating_duration_since(since);
        let long = time >= min_rtt.max(MIN_SLOW);
        long.then(|| (self.delivery.delivered() - delivered) as f64 / time.as_secs_f64())
    }

    /// The rate was too high: lets the queue drain, and judges by what goes out from now on.
    fn correct(&mut self) {
        self.mode = Mode::Drain;
        self.judged_from = self.next_packet_number;
        (self.round.least, self.round.slow_since) = (None, None);
    }

    fn cruise(&mut self) {
        self.mode = self.cruising();
    }

    /// Not all senders on a path try more in the same round.
    fn cruising(&mut self) -> Mode {
        self.known = true;
        let patience = std::mem::take(&mut self.patience).min(MOST_PATIENCE);
        Mode::Cruise { left: CRUISE_ROUNDS + patience - self.next_packet_number % 3 }
    }

    /// Lets the queue drain when it is time.
    fn probe_min_rtt(&mut self, &Acknowledged { now, packet_number, in_flight, rtt, bytes, .. }: &Acknowledged) {
        let again = MinRttProbe::At(Some(now + MIN_RTT_PROBE_INTERVAL));
        // A large message takes its own time as well.
        let own = Duration::from_secs_f64((bytes as f64 / self.bandwidth.get().max(1.0)).min(1.0));
        let sees_path = rtt.zip(self.min_rtt).is_some_and(|(rtt, min_rtt)| rtt <= min_rtt + min_rtt / 16 + own);
        self.min_rtt_probe = match self.min_rtt_probe {
            MinRttProbe::At(_) if sees_path => again,
            MinRttProbe::At(Some(at)) if now < at => return,
            // A sender that does not fill the window leaves no queue.
            MinRttProbe::At(Some(_)) if !self.delivery.is_app_limited() => MinRttProbe::Draining,
            MinRttProbe::At(_) => again,
            MinRttProbe::Draining if in_flight <= self.window() => MinRttProbe::Measuring(self.next_packet_number),
            MinRttProbe::Measuring(from) if packet_number >= from => again,
            same => same,
        };
    }

    /// Bytes that the path holds, so many times.
    fn held(&self, gain: f64) -> f64 {
        let Some(min_rtt) = self.min_rtt else { return self.window as f64 };
        self.bandwidth.get() * min_rtt.as_secs_f64() * gain
    }

    /// Works the window and the pace out.
    fn update(&mut self) {
        let Some(min_rtt) = self.min_rtt else { return };
        let bandwidth = self.bandwidth.get();
        let (window_gain, pace_gain) = match self.mode {
            Mode::Startup { .. } if self.round.slow_since.is_some() => (WINDOW_GAIN, STARTUP_GAIN),
            Mode::Startup { .. } => (STARTUP_WINDOW_GAIN, STARTUP_GAIN),
            Mode::Drain => (1.0, DRAIN_GAIN),
            Mode::Up { .. } => (WINDOW_GAIN, UP_GAIN),
            Mode::Down => (WINDOW_GAIN, DOWN_GAIN),
            Mode::Look { .. } | Mode::Cruise { .. } => (WINDOW_GAIN, 1.0),
        };
        let late = if pacer::is_paced(min_rtt) { PACED_QUEUEING } else { MIN_QUEUEING };
        let least = bandwidth * (min_rtt + late).as_secs_f64();
        let window = self.held(window_gain).max(least) as usize;
        let floor = match self.mode {
            Mode::Startup { .. } if !self.known => INITIAL.max((INITIAL_RATE * min_rtt.as_secs_f64()) as usize),
            _ => MINIMUM,
        };
        self.window = window.max(floor).min(self.limit);
        self.pace = (pace_gain * bandwidth).max(floor as f64 / min_rtt.as_secs_f64().max(1e-6));
    }
}

#[cfg(test)]
mod tests;
