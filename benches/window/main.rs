//! The congestion window on simulated paths, in virtual time: a grid of rate, round trip, jitter, speed of the agent,
//! cross traffic and sessions, beside a writer without a window of its own (32 KiB messages, 16 MiB in flight).
//!
//! `cargo bench --bench window` prints the table; words behind `--` select rows that contain all of them.
//!
//! | column | |
//! |---|---|
//! | part | throughput as a part of what the bare writer reaches, from ten round trips (half a second at least) on |
//! | fair | the part of the fastest session that the slowest one gets |
//! | idle, median, worst | a byte there and back on another connection, before and beside the upload: the difference is the queue |
//! | to 80 % | when four fifths of the bare writer's speed were reached, in round trips of the path |
//!
//! `!` marks what is beyond the bounds: 70 % of the bare writer, a byte that takes longer than two idle round trips and
//! 25 ms, a session with less than 40 % of another. Cross traffic, busy machines and several uploads may take longer.

#![allow(clippy::disallowed_methods, reason = "tests and benchmarks have an environment of their own")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(dead_code, reason = "the model is shared with the tests")]

#[path = "../../tests/protocol/path.rs"]
mod path;

use std::time::Duration;

use path::{AgentSpeed, Case, Measured, measure};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.iter().any(|word| word == "--test") {
        return;
    }
    println!(
        "{:<44} {:>8} {:>6} {:>6}  {:>9} {:>9} {:>9}  {:>9}",
        "path", "MB/s", "part", "fair", "idle, ms", "median", "worst", "to 80 %"
    );
    for (name, case) in grid() {
        if arguments.iter().all(|word| name.contains(word.as_str())) {
            println!("{name:<44} {}", row(&case, &measure(&case)));
        }
    }
}

/// All cases, each with its name.
fn grid() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for rate in [1.0, 5.0, 20.0, 1000.0] {
        for round_trip in [0.3, 2.0, 8.0, 20.0, 100.0, 200.0] {
            for jitter in [0.0, 0.2] {
                let line = if rate < 1000.0 { format!("{rate} MB/s") } else { "no bottleneck".to_owned() };
                let name = format!("{line}, {round_trip} ms ±{:.0} %", jitter * 100.0);
                let case = Case { jitter, ..Case::new(rate, round_trip) };
                let mut add = |what: &str, case| cases.push((format!("{name}{what}"), case));
                add("", case);
                if jitter == 0.0 {
                    add(", slow agent", Case { agent: AgentSpeed::SLOW, ..case });
                }
                if jitter == 0.0 {
                    add(", busy machine", Case { stall: Duration::from_millis(15), ..case });
                }
                if jitter == 0.0 {
                    add(", very busy machine", Case { stall: Duration::from_millis(50), ..case });
                }
                if rate < 1000.0 {
                    add(", cross traffic", Case { cross: 0.5, time: Duration::from_secs(8), ..case });
                    add(", 3 sessions", Case { sessions: 3, time: Duration::from_secs(20), ..case });
                }
            }
        }
    }
    cases
}

fn row(case: &Case, measured: &Measured) -> String {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let to_speed = measured.to_speed.map_or("never".to_owned(), |time| {
        let round_trip = case.round_trip.as_secs_f64();
        if case.round_trip < Duration::from_millis(5) {
            return format!("{:.0} ms", milliseconds(time));
        }
        format!("{:.1} rt", time.as_secs_f64() / round_trip)
    });
    format!(
        "{:>8.2} {:>6.2} {:>6.2}  {:>9.1} {:>9.1} {:>9.1}  {:>9}  {}",
        measured.uploads.iter().sum::<f64>() / 1e6,
        measured.part(),
        measured.fairness(),
        milliseconds(Measured::median(&measured.idle)),
        milliseconds(Measured::median(&measured.loaded)),
        milliseconds(Measured::worst(&measured.loaded)),
        to_speed,
        if verdict(case, measured) { "" } else { "!" },
    )
}

/// Whether a case is within the bounds: 70 % of the bare writer, and a key that waits no longer than an idle round trip
/// more and 25 ms.
fn verdict(case: &Case, measured: &Measured) -> bool {
    let bound = 2 * Measured::worst(&measured.idle) + Duration::from_millis(25);
    let part = if case.cross > 0.0 { 0.6 } else { 0.7 };
    measured.part() >= part && Measured::worst(&measured.loaded) <= bound && measured.fairness() >= 0.4
}
