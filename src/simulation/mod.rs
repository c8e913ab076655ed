//! The whole client in virtual time: the real tasks of channels, forwarders and commands, against a service, a gateway
//! and an agent in memory that do what a seed says, and one thing in two that no peer should do.
//!
//! After every run: what was handed out is what was written, from its beginning; a success is told only when all of it
//! was; nothing of another connection; nothing in the clear where encryption was asked for; nothing waits for ever, and a
//! silence is told; a program that is gone is gone for its destination too; nothing is left behind on the service, wherever
//! the program was left; requests keep their distance; memory is bounded. In worlds that only cut, lose and delay, and in
//! those whose gateway only refuses large messages, all of it arrives.
//!
//! `SSMX_SEEDS=N` runs seeds 0 to N-1 (1,000 without it), `SSMX_SEED=N` that seed alone, as a failure says. The
//! runtime picks among tasks that are ready at the same instant by itself, so that a seed repeats the world but not
//! always every step.

mod agent;
mod basic;
mod cloud;
mod exec;
mod forward;
mod gateway;
mod plan;
mod ports;
mod random;
mod work;

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use plan::Plan;
use random::Random;

/// How a seed ended, when all promises were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything arrived, and the program said so.
    Done,
    /// The program said that something went wrong.
    Failed(String),
    /// It went away, or its reader did.
    Left,
    /// It waits still, and has said for what.
    Waiting,
}

fn run(seed: u64) -> Outcome {
    LazyLock::force(&HOOK);
    PANICS.set(0);
    let outcome = run_world(seed);
    assert_eq!(PANICS.get(), 0, "a task panicked");
    outcome
}

thread_local!(static PANICS: Cell<usize> = const { Cell::new(0) });

/// Counts the panics of each thread: the runtime catches those of tasks, and other tasks take them for an end.
static HOOK: LazyLock<()> = LazyLock::new(|| {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.set(PANICS.get() + 1);
        usual(info);
    }));
});

fn run_world(seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let plan = Plan::draw(&mut random);
    note(&plan);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    match random.chance(400) {
        true => runtime.block_on(exec::run(plan, random)),
        false => runtime.block_on(forward::run(plan, random)),
    }
}

/// Tells what happens, when one seed is looked at.
#[allow(clippy::print_stdout, reason = "a person reads it")]
fn note(what: &dyn std::fmt::Debug) {
    if std::env::var_os("SSMX_SEED").is_some() {
        println!("{what:?}");
    }
}

/// Text that shows where a piece of it belongs.
fn text(length: usize, number: u64) -> Bytes {
    let mut text = Vec::with_capacity(length + 64);
    let mut index = 0_u64;
    while text.len() < length {
        text.extend_from_slice(format!("{MARK}{number:x}.{:x}|", index * 7919).as_bytes());
        index += 1;
    }
    text.truncate(length);
    text.into()
}

/// Stands in all text, and in nothing that is encrypted.
const MARK: &str = "plain";

#[test]
fn promises_are_kept_whatever_the_peers_do() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("SSMX_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SSMX_SEEDS").unwrap_or(1000),
    };
    let next = AtomicU64::new(seeds.start);
    let done = AtomicU64::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    match std::panic::catch_unwind(|| run(seed)) {
                        Ok(Outcome::Done) => drop(done.fetch_add(1, Ordering::Relaxed)),
                        Ok(outcome) => note(&outcome),
                        Err(_) => failed.lock().expect("no panic").push(seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    assert!(failed.is_empty(), "seeds {failed:?} failed; SSMX_SEED=N replays one");
    let (done, ran) = (done.into_inner(), seeds.end - seeds.start);
    assert!(ran < 100 || done * 5 > ran * 2, "only {done} of {ran} came to a good end");
}
