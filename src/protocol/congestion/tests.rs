use super::*;

const MS: Duration = Duration::from_millis(1);
const LIMIT: usize = 16 << 20;
const MESSAGE: usize = 1000;

/// A controller at the near end of a path that takes so many bytes a second and queues the rest.
struct Path {
    controller: CongestionController,
    rtt: RttEstimator,
    start: Instant,
    now: Instant,
    bytes_per_second: f64,
    round_trip: Duration,
    busy_until: Instant,
    /// When which message will be acknowledged.
    in_flight: std::collections::VecDeque<(Instant, Instant, u64, Departure)>,
    next: u64,
    /// What a sender has that does not always have enough.
    every: Option<Duration>,
    longest: Duration,
}

impl Path {
    fn new(bytes_per_second: f64, round_trip: Duration) -> Self {
        let start = Instant::now();
        let mut path = Self {
            controller: CongestionController::new(LIMIT),
            rtt: RttEstimator::default(),
            start,
            now: start,
            bytes_per_second,
            round_trip,
            busy_until: start,
            in_flight: std::collections::VecDeque::new(),
            next: 1,
            every: None,
            longest: Duration::ZERO,
        };
        // The handshake.
        path.send();
        path.write_every(MS * 1000, round_trip.as_millis() as u32 + 1);
        path
    }

    fn send(&mut self) {
        self.busy_until =
            self.busy_until.max(self.now) + Duration::from_secs_f64(MESSAGE as f64 / self.bytes_per_second);
        let departure = self.controller.on_sent(self.now, self.next, MESSAGE, self.bytes_in_flight());
        self.in_flight.push_back((self.busy_until + self.round_trip, self.now, self.next, departure));
        self.next += 1;
    }

    fn bytes_in_flight(&self) -> usize {
        self.in_flight.len() * MESSAGE
    }

    fn run_until(&mut self, until: Instant) {
        let mut next_write = self.now + self.every.unwrap_or_default();
        while self.now < until {
            while let Some(&(at, sent_at, packet_number, departure)) = self.in_flight.front()
                && at <= self.now
            {
                self.in_flight.pop_front();
                let rtt = self.now - sent_at;
                self.longest = self.longest.max(rtt);
                self.rtt.sample(self.now, rtt);
                let in_flight = self.bytes_in_flight();
                let (now, bytes, rtt) = (self.now, MESSAGE, Some(rtt));
                let acknowledged = Acknowledged { now, bytes, packet_number, in_flight, rtt, departure };
                self.controller.on_acknowledged(&acknowledged, &self.rtt);
            }
            while self.next > 1
                && (self.every.is_none() || next_write <= self.now)
                && self.bytes_in_flight() + MESSAGE <= self.controller.window()
                && self.controller.next_send(self.now).is_none()
            {
                self.send();
                next_write = self.now + self.every.unwrap_or_default();
            }
            self.now += Duration::from_micros(100);
        }
    }

    /// Fills the window for so many milliseconds.
    fn upload(&mut self, milliseconds: u32) {
        self.run_until(self.now + MS * milliseconds);
    }

    /// The same of a sender that writes a message now and then.
    fn write_every(&mut self, every: Duration, milliseconds: u32) {
        self.every = Some(every);
        self.upload(milliseconds);
        self.every = None;
    }

    /// What the path holds.
    fn holds(&self) -> f64 {
        self.bytes_per_second * self.round_trip.as_secs_f64()
    }

    /// The window as a multiple of that.
    fn gain(&self) -> f64 {
        self.controller.window() as f64 / self.holds()
    }

    /// How long a message of now would wait behind others.
    fn queue(&self) -> Duration {
        self.busy_until.saturating_duration_since(self.now)
    }
}

#[test]
fn doubles_each_round_trip_until_the_path_is_full_and_then_holds_twice_what_it_holds() {
    let mut path = Path::new(8e6, 100 * MS);
    let first = path.controller.window();
    path.upload(350);
    assert!(path.controller.window() >= 5 * first / 2, "{first} at first, {} now", path.controller.window());
    path.upload(1500);
    assert!((1.5..2.6).contains(&path.gain()), "{}", path.gain());
    assert!(path.longest <= 3 * path.round_trip, "{:?}", path.longest);
}

#[test]
fn no_queue_stands_on_a_path_that_is_known() {
    let mut path = Path::new(4e6, 40 * MS);
    path.upload(2000);
    let mut longest = Duration::ZERO;
    for _ in 0..2000 {
        path.upload(1);
        longest = longest.max(path.queue());
    }
    assert!(longest <= path.round_trip, "{longest:?}");
    assert!(path.controller.bandwidth.get() >= 3.6e6, "{}", path.controller.bandwidth.get());
}

#[test]
fn messages_are_spread_over_the_round_trip() {
    let mut path = Path::new(20e6, 50 * MS);
    path.upload(2000);
    let before = path.next;
    path.upload(5);
    let sent = path.next - before;
    assert!((50..=150).contains(&sent), "{sent} in a tenth of a round trip that takes 1,000");
}

#[test]
fn a_sender_that_does_not_fill_the_window_changes_nothing() {
    let mut path = Path::new(20e6, 50 * MS);
    let window = path.controller.window();
    path.write_every(20 * MS, 5000);
    assert!(path.controller.window().abs_diff(window) <= window / 50, "{}", path.controller.window());
    assert!(matches!(path.controller.mode, Mode::Startup { .. }));
    path.upload(1000);
    assert!(path.gain() > 1.0, "and then it still opens fast: {}", path.gain());
}

#[test]
fn a_path_that_becomes_slower_is_not_flooded_and_one_that_becomes_faster_is_filled_again() {
    let mut path = Path::new(10e6, 40 * MS);
    path.upload(2000);
    path.bytes_per_second = 1e6;
    path.upload(3000);
    assert!(path.queue() <= 2 * path.round_trip, "{:?}", path.queue());
    assert!(path.controller.window() <= 200_000, "{}", path.controller.window());
    path.bytes_per_second = 10e6;
    path.upload(3000);
    assert!(path.controller.bandwidth.get() >= 8e6, "{}", path.controller.bandwidth.get());
}

#[test]
fn the_queue_drains_now_and_then_so_that_the_round_trip_of_the_path_stays_known() {
    let mut path = Path::new(2e6, 20 * MS);
    for _ in 0..60 {
        path.upload(1000);
        let min_rtt = path.rtt.min_rtt().unwrap();
        assert!(min_rtt <= path.round_trip + 5 * MS, "{min_rtt:?} after {:?}", path.now - path.start);
    }
}

#[test]
fn silence_halves_the_rate() {
    let mut path = Path::new(8e6, 100 * MS);
    path.upload(3000);
    let (rate, window) = (path.controller.bandwidth.get(), path.controller.window());
    path.controller.on_retransmission_timeout();
    assert!(path.controller.bandwidth.get() <= rate / 2.0 + 1.0);
    assert!(path.controller.window() <= window / 2 + MESSAGE);
}

#[test]
fn after_a_reconnect_repetitions_open_the_window_no_further_than_it_was() {
    let mut path = Path::new(8e6, 100 * MS);
    path.upload(3000);
    let before = path.controller.window();
    path.controller.on_reconnected();
    assert_eq!(path.controller.window(), INITIAL);
    // Of repetitions no round trip is known.
    let rtt = RttEstimator::default();
    let departure = path.controller.on_sent(path.now, path.next, MESSAGE, 0);
    for _ in 0..2 * before / MESSAGE {
        let acknowledged = Acknowledged {
            now: path.now,
            bytes: MESSAGE,
            packet_number: path.next,
            in_flight: 0,
            rtt: None,
            departure,
        };
        path.controller.on_acknowledged(&acknowledged, &rtt);
    }
    assert!((before - MESSAGE..=before).contains(&path.controller.window()));
}

#[test]
fn never_leaves_its_bounds() {
    let mut path = Path::new(1e6, 100 * MS);
    path.controller.limit = 100_000;
    path.upload(3000);
    assert!(path.controller.window() <= 100_000);
    path.controller.mode = Mode::Drain;
    for _ in 0..100 {
        path.controller.on_retransmission_timeout();
    }
    assert_eq!(path.controller.window(), MINIMUM);
    assert_eq!(CongestionController::new(0).window(), MINIMUM);
}

#[test]
fn messages_take_a_small_part_of_the_window_or_of_the_time() {
    let mut path = Path::new(1e6, 20 * MS);
    path.upload(3000);
    assert!(path.controller.message_size() <= 8 * 1024, "{}", path.controller.message_size());
    let mut path = Path::new(20e6, 100 * MS);
    path.upload(3000);
    assert!(path.controller.message_size() >= 32 * 1024, "{}", path.controller.message_size());
}
