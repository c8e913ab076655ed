//! What lanes are for: parallel downloads, and connections beside others that move much or do not move.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Result;
use super::measure::{MIB, median_round_trip, speed};
use super::server::{CHUNK, Request, Server};
use super::under_test::UnderTest;

/// How much is downloaded in all, in MiB.
const DOWN_MIB: u64 = 8;

/// What is sent to the one that does not read, in MiB.
const UNREAD_MIB: usize = 32;

/// Round trips of one byte beside others.
const ROUND_TRIPS: usize = 100;

/// How long the others are at it before the round trips begin.
const HEAD_START: Duration = Duration::from_secs(1);

/// What goes on beside the round trips.
#[derive(Clone, Copy)]
enum Beside {
    Download,
    Upload,
    Echo,
    /// Much was sent into an echo that its program does not read.
    Stalled,
}

pub(crate) fn measure(server: &Server) -> Result<()> {
    println!("\nDownloads over 8 connections, {DOWN_MIB} MiB in all       MiB/s     times one lane");
    let mut one = None;
    for lanes in ["1", "auto", "4", "8"] {
        let tunnel = UnderTest::ssmx(server, lanes)?;
        let rate = speed(tunnel.port, 8, DOWN_MIB, false)?;
        let baseline = *one.get_or_insert(rate);
        println!("ssmx fwd --lanes {lanes:<30} {rate:>12.3} {:>18.2}", rate / baseline);
    }
    println!("\nA byte there and back                          idle, ms   beside, ms");
    for (name, beside) in [
        ("beside a download", Beside::Download),
        ("beside an upload", Beside::Upload),
        ("beside an echo", Beside::Echo),
        ("beside one that does not read", Beside::Stalled),
    ] {
        let tunnel = UnderTest::ssmx(server, "auto")?;
        let idle = median_round_trip(tunnel.port, ROUND_TRIPS)?;
        let loaded = under(tunnel.port, beside)?;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!("{name:<44} {:>10.3} {:>12.3}", ms(idle), ms(loaded));
    }
    Ok(())
}

/// The median round trip beside something else.
fn under(port: u16, beside: Beside) -> Result<Duration> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let request = match beside {
            Beside::Download => Request::Give(u64::MAX),
            Beside::Upload => Request::Take(u64::MAX),
            Beside::Echo | Beside::Stalled => Request::Echo,
        };
        stream.write_all(&request.encode())?;
        stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        stream.set_write_timeout(Some(Duration::from_millis(100)))?;
        let (reads, writes) = match beside {
            Beside::Download => (true, false),
            Beside::Upload | Beside::Stalled => (false, true),
            Beside::Echo => (true, true),
        };
        let over = &over;
        let mut reader = stream.try_clone()?;
        if reads {
            scope.spawn(move || {
                let mut buffer = vec![0; CHUNK];
                while !over.load(Ordering::Relaxed) {
                    // That nothing comes for a while is no reason to stop.
                    let _ = reader.read(&mut buffer);
                }
            });
        }
        let (sent, most) = (std::sync::atomic::AtomicUsize::new(0), UNREAD_MIB * MIB as usize);
        let limit = if matches!(beside, Beside::Stalled) { most } else { usize::MAX };
        let sent = &sent;
        let mut writer = stream.try_clone()?;
        std::thread::scope(|inner| -> Result<Duration> {
            if writes {
                inner.spawn(move || {
                    let buffer = vec![0x5a; CHUNK];
                    while !over.load(Ordering::Relaxed) && sent.load(Ordering::Relaxed) < limit {
                        if let Ok(count) = writer.write(&buffer) {
                            sent.fetch_add(count, Ordering::Relaxed);
                        }
                    }
                });
            }
            let began = Instant::now();
            while began.elapsed() < HEAD_START {
                std::thread::sleep(Duration::from_millis(50));
            }
            let loaded = median_round_trip(port, ROUND_TRIPS);
            over.store(true, Ordering::Relaxed);
            loaded
        })
    })
}
