//! Tunnels beside a plain TCP relay in the same run: throughput each way with one connection and with eight, latency
//! idle and under load, CPU seconds a GiB, and resident memory. Then what lanes are for, at the real agent's pace:
//! parallel downloads with one, four and eight of them, and the round trip of a byte beside connections that move much
//! or do not move at all.
//!
//! `cargo bench --bench tunnel` measures `ssmx fwd` against agents without a pace and against agents at the pace of the
//! real one. With `SSMX_BENCH_PLUGIN=/path/to/session-manager-plugin` the official client is measured beside it.
//! At a distance, uploads are measured beside a bare writer on the same path: 32 KiB messages, 16 MiB in flight, no window
//! of its own. `SSMX_BENCH_TARGET` names an instance that is no sandbox's, and the argument `distance MILLISECONDS` measures
//! the one path that is there.
//! `SSMX_BENCH_MIB` sets how much is moved where nothing slows it down (64).

#![allow(clippy::disallowed_methods, reason = "tests and benchmarks have an environment of their own")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod bare;
mod distance;
mod lanes;
mod measure;
mod relay;
mod server;
mod under_test;

use std::error::Error;
use std::process::{Command, ExitCode};

use measure::{Figures, measure};
use server::Server;
use under_test::UnderTest;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How much is moved each way through one that sends at the real agent's pace, in MiB: eight seconds' worth.
const PACED_MIB: u64 = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["relay", port, to] => relay::run(port, to),
        ["bare", port] => bare::run(port),
        ["inside", pace] => inside(pace),
        ["distance", milliseconds] => at(milliseconds),
        // Alone, in a sandbox.
        ["lanes"] => Server::start().and_then(|server| lanes::measure(&server)),
        // What cargo adds when all benchmarks are only built or tested.
        [.., "--test"] => Ok(()),
        _ => outside().and_then(|()| at_distances()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program again in a sandbox, once for each pace.
fn outside() -> Result<()> {
    for pace in ["fast", "real"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        command.args(["sandbox", "--agent-pace", pace, "--"]).arg(std::env::current_exe()?).args(["inside", pace]);
        let status = command.status()?;
        if !status.success() {
            return Err(format!("the run with `--agent-pace {pace}` ended with {status}").into());
        }
    }
    Ok(())
}

/// Runs this program again in a sandbox, once for each round trip of the path.
fn at_distances() -> Result<()> {
    println!("\nUploads at a distance, agents without a pace.\n{}", distance::HEADER);
    for milliseconds in distance::ROUND_TRIPS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmx"));
        command.args(["sandbox", "--agent-pace", "fast"]);
        if milliseconds > 0 {
            command.args(["--fault", &format!("delay={}ms", milliseconds / 2)]);
        }
        command.arg("--").arg(std::env::current_exe()?).args(["distance", &milliseconds.to_string()]);
        let status = command.status()?;
        if !status.success() {
            return Err(format!("the run at {milliseconds} ms ended with {status}").into());
        }
    }
    Ok(())
}

fn at(milliseconds: &str) -> Result<()> {
    println!("{}", distance::measure(milliseconds.parse()?)?);
    Ok(())
}

fn inside(pace: &str) -> Result<()> {
    let server = Server::start()?;
    let mib = match std::env::var("SSMX_BENCH_MIB") {
        Ok(mib) => mib.parse()?,
        Err(_) => 64,
    };
    let slow = pace == "real";
    let down = if slow { PACED_MIB } else { mib };
    println!("\nAgents' pace: {pace}. Up {mib} MiB, down {down} MiB.");
    for line in Figures::HEADER {
        println!("{line}");
    }
    let baseline = measure(&UnderTest::relay(&server)?, mib, mib)?;
    println!("{}", baseline.line("TCP relay", None));
    let ssmx = measure(&UnderTest::ssmx(&server, "auto")?, mib, down)?;
    println!("{}", ssmx.line("ssmx fwd", Some(&baseline)));
    if let Ok(plugin) = std::env::var("SSMX_BENCH_PLUGIN") {
        // It sends 1,024 bytes a millisecond.
        let official = measure(&UnderTest::plugin(&plugin, &server)?, PACED_MIB, down.min(PACED_MIB))?;
        println!("{}", official.line("session-manager-plugin", Some(&baseline)));
    }
    if slow {
        lanes::measure(&server)?;
    }
    Ok(())
}
