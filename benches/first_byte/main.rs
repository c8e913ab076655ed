//! From the start of a program to the first byte of the other side: `fwd`, `exec`, what `ssh` goes through and `shell`,
//! on paths of several lengths. The median of all starts and the worst one, since a person meets both.
//!
//! Beside them, in the same run: a program that only starts, and a plain connection through the same path, which takes
//! two round trips. The last column is the number of round trips: what a path adds to the median, in its own length.
//! Connections are not encrypted here; TLS adds one more to each that is not made beside another.
//!
//! `SSMX_BENCH_STARTS` sets how often each is started (100).

#![allow(clippy::disallowed_methods, reason = "tests and benchmarks have an environment of their own")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod path;
mod server;
mod starts;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ssmx::sandbox::agent::Instances;
use ssmx::sandbox::{Options, Sandbox};

use path::Path;
use server::Server;
use starts::{KINDS, Kind, Starts};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Round trips of the paths, in milliseconds. The first one is the base of the last column.
const PATHS: [u64; 3] = [0, 20, 100];

fn main() -> ExitCode {
    // What cargo adds when all benchmarks are only built or tested.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let count = match std::env::var("SSMX_BENCH_STARTS") {
        Ok(count) => count.parse::<usize>()?.max(1),
        Err(_) => 100,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let sandbox = runtime.block_on(Sandbox::start(Options::new(Arc::new(Instances::new()))))?;
    let port = sandbox.endpoint().rsplit(':').next().unwrap_or_default().parse()?;
    let server = Server::start()?;
    println!("{count} starts each, in milliseconds; the name of the instance is looked up each time.\n");
    println!("round trip  what                          median     worst   times --version   round trips");
    let mut bases = [Duration::ZERO; KINDS.len()];
    for round_trip in PATHS {
        let length = Duration::from_millis(round_trip);
        let to_sandbox = runtime.block_on(Path::start(port, length))?;
        let to_server = runtime.block_on(Path::start(server.echo, length))?;
        let starts = Starts::new(&sandbox.environment(), to_sandbox.port, to_server.port, &server)?;
        let mut only_started = Duration::ZERO;
        for (kind, base) in KINDS.into_iter().zip(&mut bases) {
            let (median, worst) = measure(&starts, kind, count)?;
            if round_trip == PATHS[0] {
                *base = median;
            }
            if kind == Kind::Version {
                only_started = median;
            }
            let times = median.as_secs_f64() / only_started.as_secs_f64();
            let added = median.saturating_sub(*base);
            let trips = (round_trip > 0).then(|| format!("{:.1}", added.as_secs_f64() / length.as_secs_f64()));
            println!(
                "{round_trip:>7} ms  {:<26}{:>10.1}{:>10.1}{times:>18.1}{:>14}",
                kind.name(),
                milliseconds(median),
                milliseconds(worst),
                trips.as_deref().unwrap_or("–")
            );
        }
    }
    runtime.block_on(sandbox.shutdown());
    Ok(())
}

/// The median and the worst of so many starts.
fn measure(starts: &Starts, kind: Kind, count: usize) -> Result<(Duration, Duration)> {
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        all.push(starts.once(kind).map_err(|error| format!("{}: {error}", kind.name()))?);
    }
    all.sort_unstable();
    Ok((all[count / 2], all[count - 1]))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
