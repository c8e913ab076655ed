use super::*;

const MS: Duration = Duration::from_millis(1);

/// Numbers of messages, and round trips: what is measured, and the least one before.
struct Heard {
    bytes: usize,
    packet_number: u64,
    next_packet_number: u64,
    rtt: Duration,
    min_rtt: Duration,
}

impl Heard {
    /// Hands the acknowledgement over at an instant, with so many bytes in flight.
    fn at(self, controller: &mut CongestionController, now: Instant, in_flight: usize) {
        let Self { bytes, packet_number, next_packet_number, rtt, min_rtt } = self;
        let mut estimator = RttEstimator::default();
        estimator.sample(now, min_rtt);
        controller.on_sent(next_packet_number - 1);
        let acknowledged = Acknowledged { now, bytes, packet_number, in_flight, rtt: Some(rtt) };
        controller.on_acknowledged(&acknowledged, &estimator);
    }

    fn now(self, controller: &mut CongestionController) {
        self.at(controller, Instant::now(), 0);
    }
}

fn heard(bytes: usize, packet_number: u64, next_packet_number: u64, rtt: Duration, min_rtt: Duration) -> Heard {
    Heard { bytes, packet_number, next_packet_number, rtt, min_rtt }
}

/// A controller that has left its fast opening behind.
fn steady() -> CongestionController {
    let mut controller = CongestionController::new(4 << 20);
    controller.on_retransmission_timeout();
    controller.set(INITIAL);
    controller
}

/// A round of a window that is full.
fn round(controller: &mut CongestionController, number: &mut u64, rtt: Duration, min_rtt: Duration) {
    // The first message after a change, and the first that went out when that one was acknowledged.
    for _ in 0..2 {
        controller.on_window_limited();
        *number += 1;
        heard(controller.window() / 2, *number, *number + 1, rtt, min_rtt).now(controller);
    }
}

#[test]
fn opens_fast_then_closes_when_the_round_trip_grows() {
    let mut controller = CongestionController::new(4 << 20);
    let mut number = 0;
    for _ in 0..4 {
        round(&mut controller, &mut number, 20 * MS, 20 * MS);
    }
    let open = controller.window();
    assert!(open >= INITIAL << 4, "{open}");
    round(&mut controller, &mut number, 40 * MS, 20 * MS);
    let closed = controller.window();
    assert!(closed < open * 3 / 2, "{open} and then {closed}");
    for _ in 0..50 {
        round(&mut controller, &mut number, 400 * MS, 20 * MS);
    }
    assert_eq!(controller.window(), MINIMUM);
}

#[test]
fn a_queue_ends_the_fast_opening_within_the_round() {
    let mut controller = CongestionController::new(4 << 20);
    controller.on_window_limited();
    for number in 1..=u64::from(SLOW) {
        heard(1024, number, 1000, 30 * MS, 20 * MS).now(&mut controller);
    }
    assert!(controller.window() < INITIAL, "{}", controller.window());
}

#[test]
fn opens_the_faster_the_shorter_the_queue_is() {
    let grown = |rtt| {
        let (mut controller, mut number) = (steady(), 0);
        round(&mut controller, &mut number, rtt, 20 * MS);
        controller.window()
    };
    assert_eq!([20, 22, 25].map(|ms| grown(ms * MS)), [INITIAL * 5 / 4, INITIAL * 23 / 20, INITIAL]);
    assert_eq!(grown(50 * MS), INITIAL / 2);
}

#[test]
fn what_went_out_before_a_change_is_not_held_against_it() {
    let (mut controller, mut number) = (steady(), 0);
    round(&mut controller, &mut number, 40 * MS, 20 * MS);
    let closed = controller.window();
    // These were in flight when the window was closed.
    for before in 1..=number {
        heard(1024, before, number + 10, 40 * MS, 20 * MS).now(&mut controller);
    }
    assert_eq!(controller.window(), closed);
}

#[test]
fn opens_as_fast_when_acknowledgements_come_in_bursts() {
    let mut controller = CongestionController::new(4 << 20);
    let mut number = 0;
    for _ in 0..5 {
        controller.on_window_limited();
        let messages = controller.window() / 1024;
        let next_packet_number = number + messages as u64 + 1;
        for _ in 0..messages {
            number += 1;
            heard(1024, number, next_packet_number, 20 * MS, 20 * MS).now(&mut controller);
        }
    }
    assert_eq!(controller.window(), INITIAL << 5);
}

#[test]
fn does_not_open_for_a_sender_that_does_not_fill_it() {
    let mut controller = CongestionController::new(4 << 20);
    for number in 1..1000 {
        heard(1, number, number + 1, 20 * MS, 20 * MS).now(&mut controller);
    }
    assert_eq!(controller.window(), INITIAL);
}

#[test]
fn a_full_window_is_halved_now_and_then_until_one_message_has_seen_the_path() {
    let mut controller = steady();
    let size = controller.window();
    let start = Instant::now();
    let hear = |controller: &mut CongestionController, seconds, number, next_packet_number, in_flight| {
        controller.on_window_limited();
        let heard = heard(1024, number, next_packet_number, 30 * MS, 20 * MS);
        heard.at(controller, start + MS * 1000 * seconds, in_flight);
        controller.window()
    };
    hear(&mut controller, 0, 1, 100, size);
    let before = hear(&mut controller, 7, 2, 100, size);
    // It is time, and nothing goes out until half is acknowledged.
    assert_eq!(hear(&mut controller, 9, 3, 100, before), before / 2);
    assert_eq!(hear(&mut controller, 9, 50, 100, before * 3 / 4), before / 2);
    assert_eq!(hear(&mut controller, 9, 60, 100, before / 2), before / 2);
    // The first that has gone out since then is number 100.
    assert_eq!(hear(&mut controller, 9, 99, 120, before / 2), before / 2);
    assert_eq!(hear(&mut controller, 9, 100, 120, before / 2), before / 2 + 1024);
    let mut number = 101;
    while hear(&mut controller, 9, number, 1000, before / 2) < before {
        number += 1;
    }
    assert!(number >= 100 + before as u64 / 2 / 1024 - 1, "{number}");
}

#[test]
fn a_window_that_is_never_full_is_not_halved() {
    let mut controller = steady();
    let (size, start) = (controller.window(), Instant::now());
    for number in 1..100 {
        let now = start + MS * 1000 * number as u32;
        heard(1, number, number + 1, 20 * MS, 20 * MS).at(&mut controller, now, 0);
        assert_eq!(controller.window(), size);
    }
}

#[test]
fn never_leaves_its_bounds() {
    let mut controller = CongestionController::new(100_000);
    let mut number = 0;
    for _ in 0..100 {
        round(&mut controller, &mut number, MS, MS);
    }
    assert_eq!(controller.window(), 100_000);
    for _ in 0..100 {
        controller.on_retransmission_timeout();
    }
    assert_eq!(controller.window(), MINIMUM);
}
