//! What is measured of one tunnel.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Result;
use super::server::{CHUNK, Request, give, take};
use super::under_test::UnderTest;

pub(crate) const MIB: u64 = 1024 * 1024;

/// Round trips of one byte of which the median counts.
const ROUND_TRIPS: usize = 200;

/// What was measured.
pub(crate) struct Figures {
    /// MiB a second, with one connection and with eight.
    up: [f64; 2],
    down: [f64; 2],
    /// Round trip of one byte: median, idle and beside an upload on another connection.
    idle: Duration,
    loaded: Duration,
    /// CPU seconds a GiB that was moved, and MiB of memory at most.
    usage: Option<(f64, f64)>,
}

/// Measures a tunnel: `up` and `down` MiB each way.
pub(crate) fn measure(tunnel: &UnderTest, up: u64, down: u64) -> Result<Figures> {
    // The first connection starts what is started on demand.
    round_trips(tunnel.port, 1)?;
    let idle = median_round_trip(tunnel.port, ROUND_TRIPS)?;
    let before = tunnel.usage();
    let speeds = |count: u64, upwards: bool| -> Result<[f64; 2]> {
        Ok([speed(tunnel.port, 1, count, upwards)?, speed(tunnel.port, 8, count, upwards)?])
    };
    let (up_speeds, down_speeds) = (speeds(up, true)?, speeds(down, false)?);
    let after = tunnel.usage();
    let gib = (2 * (up + down)) as f64 / 1024.0;
    let usage = before.zip(after).map(|((before, _), (after, memory))| ((after - before) / gib, memory));
    let loaded = under_load(tunnel.port).map_err(|error| format!("round trips under load: {error}"))?;
    Ok(Figures { up: up_speeds, down: down_speeds, idle, loaded, usage })
}

/// MiB a second over so many connections together.
pub(crate) fn speed(port: u16, connections: u64, mib: u64, upwards: bool) -> Result<f64> {
    let each = mib * MIB / connections;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..connections).map(|_| scope.spawn(move || transfer(port, each, upwards))).collect();
        all.into_iter().try_for_each(|one| one.join().expect("transfers do not panic"))
    })
    .map_err(|error| format!("{} over {connections}: {error}", if upwards { "up" } else { "down" }))?;
    Ok((each * connections) as f64 / MIB as f64 / began.elapsed().as_secs_f64())
}

fn transfer(port: u16, count: u64, upwards: bool) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut buffer = vec![0x5a; CHUNK];
    if upwards {
        stream.write_all(&Request::Take(count).encode())?;
        give(&mut stream, count, &buffer)?;
        take(&mut stream, 1, &mut buffer)
    } else {
        stream.write_all(&Request::Give(count).encode())?;
        take(&mut stream, count, &mut buffer)
    }
}

/// Round trips of one byte.
pub(crate) fn round_trips(port: u16, count: usize) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.write_all(&Request::Echo.encode())?;
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])?;
        all.push(began.elapsed());
    }
    Ok(all)
}

/// The median round trip of one byte.
pub(crate) fn median_round_trip(port: u16, count: usize) -> Result<Duration> {
    let mut all = round_trips(port, count)?;
    all.sort_unstable();
    Ok(all[count / 2])
}

/// An upload that goes on until it is stopped.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Load {
    pub(crate) fn start(port: u16) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stops = over.clone();
        let thread = std::thread::spawn(move || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.write_all(&Request::Count.encode())?;
            let buffer = vec![0x5a; CHUNK];
            while !stops.load(Ordering::Relaxed) {
                stream.write_all(&buffer)?;
            }
            Ok(())
        });
        Self { over, thread }
    }

    pub(crate) fn stop(self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        Ok(self.thread.join().expect("the load does not panic")?)
    }
}

/// The median round trip beside an upload that never ends.
fn under_load(port: u16) -> Result<Duration> {
    let load = Load::start(port);
    let loaded = median_round_trip(port, ROUND_TRIPS);
    load.stop()?;
    loaded
}

impl Figures {
    /// The heads of the columns of [`Figures::line`].
    pub(crate) const HEADER: [&str; 2] = [
        "                                  up, MiB/s         down, MiB/s      round trip, ms       CPU    memory",
        "                           1 conn.   8 conn.   1 conn.   8 conn.      idle    loaded     s/GiB       MiB",
    ];

    /// The figures in a line, and in another one what they are as a multiple of the baseline's.
    pub(crate) fn line(&self, name: &str, baseline: Option<&Self>) -> String {
        let mut lines = row(name, &self.values());
        if let Some(baseline) = baseline {
            let ratios = self.values().into_iter().zip(baseline.values());
            let ratios: Vec<_> = ratios.map(|(ours, theirs)| ours.zip(theirs).map(|(a, b)| a / b)).collect();
            lines.push('\n');
            lines.push_str(&row("  times the relay's", &ratios));
        }
        lines
    }

    fn values(&self) -> Vec<Option<f64>> {
        let milliseconds = |time: Duration| Some(time.as_secs_f64() * 1000.0);
        let [up, up_8] = self.up.map(Some);
        let [down, down_8] = self.down.map(Some);
        let (cpu, memory) = self.usage.unzip();
        vec![up, up_8, down, down_8, milliseconds(self.idle), milliseconds(self.loaded), cpu, memory]
    }
}

fn row(name: &str, values: &[Option<f64>]) -> String {
    let mut row = format!("{name:<24}");
    for value in values {
        match value {
            Some(value) => row.push_str(&format!("{value:>10.3}")),
            None => row.push_str(&format!("{:>10}", "–")),
        }
    }
    row
}
