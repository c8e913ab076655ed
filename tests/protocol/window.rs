//! What the congestion window reaches on simulated paths, in virtual time, and what bulk data costs a key beside it. The
//! cases are some of the grid of `benches/window`, where all of it can be seen, with bounds that leave room.

use std::time::Duration;

use crate::path::{AgentSpeed, BULK, Case, Measured, measure};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Megabytes a second, and round trips in milliseconds.
const NO_BOTTLENECK: f64 = 1000.0;

/// The case, what was measured, and a line that says so.
fn run(case: Case) -> (Measured, String) {
    let measured = measure(&case);
    let line = format!(
        "{case:?}: {:.2} of a bare writer ({:.1} MB/s), each at least {:.2} of the fastest; keys {:?} idle, {:?} and at \
         most {:?} beside it; {:?} to speed",
        measured.part(),
        measured.bare / 1e6,
        measured.fairness(),
        Measured::worst(&measured.idle),
        Measured::median(&measured.loaded),
        Measured::worst(&measured.loaded),
        measured.to_speed,
    );
    assert!(measured.idle.len() > 3 && measured.loaded.len() > 3, "too few keys: {line}");
    // The first timeout, before a round trip is known, may be too short.
    assert!(
        measured.repeated <= 6 * case.sessions as u64,
        "{} repeated, and nothing is lost: {line}",
        measured.repeated
    );
    (measured, line)
}

/// An upload reaches seven tenths of a bare writer, soon, and a key waits no longer than a second idle round trip.
fn holds(case: Case) {
    let (measured, line) = run(case);
    assert!(measured.part() >= 0.7, "{line}");
    let soon = (case.round_trip * 12).max(ms(500));
    assert!(measured.to_speed.is_some_and(|time| time <= soon), "{line}");
    let bound = 2 * Measured::worst(&measured.idle) + ms(25);
    assert!(Measured::worst(&measured.loaded) <= bound, "{line}");
}

#[test]
fn an_upload_fills_thin_paths_of_any_length_and_a_key_passes_it() {
    for (megabytes, round_trip) in [(1.0, 20.0), (1.0, 100.0), (1.0, 200.0), (5.0, 100.0), (5.0, 200.0)] {
        holds(Case::new(megabytes, round_trip));
    }
}

#[test]
fn an_upload_fills_thick_paths_within_ten_round_trips() {
    for (megabytes, round_trip) in [(20.0, 20.0), (20.0, 200.0), (NO_BOTTLENECK, 20.0), (NO_BOTTLENECK, 100.0)] {
        holds(Case { time: ms(1500), ..Case::new(megabytes, round_trip) });
    }
}

#[test]
fn jitter_of_a_fifth_is_not_taken_for_a_queue() {
    for (megabytes, round_trip) in [(1.0, 100.0), (5.0, 20.0), (20.0, 100.0), (NO_BOTTLENECK, 100.0)] {
        holds(Case { jitter: 0.2, time: ms(2500), ..Case::new(megabytes, round_trip) });
    }
}

#[test]
fn an_agent_that_is_slow_is_a_bottleneck_like_others() {
    for round_trip in [8.0, 100.0] {
        holds(Case { agent: AgentSpeed::SLOW, ..Case::new(NO_BOTTLENECK, round_trip) });
    }
}

#[test]
fn on_short_paths_a_key_waits_for_one_message_and_two_round_trips() {
    for (megabytes, round_trip) in [(1.0, 0.3), (1.0, 2.0), (5.0, 2.0), (20.0, 4.0), (20.0, 8.0), (NO_BOTTLENECK, 2.0)]
    {
        let case = Case { time: ms(3000), ..Case::new(megabytes, round_trip) };
        let (measured, line) = run(case);
        assert!(measured.part() >= 0.7, "{line}");
        let message = Duration::from_secs_f64(BULK as f64 / case.rate.min(100e6));
        let bound = 2 * Measured::worst(&measured.idle) + message;
        assert!(Measured::worst(&measured.loaded) <= bound, "{line}");
    }
}

#[test]
fn sessions_on_one_path_share_it() {
    for (megabytes, round_trip) in [(5.0, 8.0), (5.0, 20.0), (5.0, 100.0), (20.0, 20.0)] {
        let case = Case { sessions: 3, time: Duration::from_secs(20), ..Case::new(megabytes, round_trip) };
        let (measured, line) = run(case);
        assert!(measured.part() >= 0.7 && measured.fairness() >= 0.4, "{line}");
    }
}

#[test]
fn who_comes_and_goes_on_the_path_is_given_way_to_and_filled_in_for() {
    let case = Case { cross: 0.5, time: Duration::from_secs(8), ..Case::new(5.0, 20.0) };
    let (measured, line) = run(case);
    assert!(measured.part() >= 0.7, "{line}");
    assert!(Measured::worst(&measured.loaded) <= 3 * case.round_trip + ms(25), "{line}");
}
