//! What is left of the speed at a distance: uploads beside a bare writer on the same path, and a byte there and back
//! beside them.

use std::process::{Child, Command};
use std::time::Duration;

use super::Result;
use super::measure::{Load, round_trips};
use super::server::Server;
use super::under_test::UnderTest;

/// Round trips of the path, in milliseconds.
pub(crate) const ROUND_TRIPS: [u64; 4] = [0, 20, 100, 200];

/// How long an upload is measured, after ten round trips in which it may find its speed.
const MEASURED: Duration = Duration::from_secs(3);

/// Bytes there and back that are measured.
const BYTES: usize = 15;

pub(crate) const HEADER: &str =
    "round trip     bare writer, MB/s     ssmx fwd, MB/s     part     byte idle, ms     beside an upload, ms     worst";

/// Measures one path, whose round trip is known.
pub(crate) fn measure(milliseconds: u64) -> Result<String> {
    let server = Server::start()?;
    let settled = Duration::from_millis(milliseconds * 10).max(Duration::from_millis(500));
    let bare = {
        let _writer = Bare::start(&server)?;
        server.wait_for_counted(1)?;
        std::thread::sleep(settled);
        server.speed(MEASURED)
    };
    let ssmx = UnderTest::ssmx(&server, "1")?;
    round_trips(ssmx.port, 1)?;
    let idle = median(round_trips(ssmx.port, BYTES)?);
    let counted = server.counted();
    let load = Load::start(ssmx.port);
    server.wait_for_counted(counted + 1)?;
    std::thread::sleep(settled);
    let speed = server.speed(MEASURED);
    let loaded = round_trips(ssmx.port, BYTES)?;
    load.stop()?;
    let worst = loaded.iter().max().copied().unwrap_or_default();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(format!(
        "{milliseconds:>7} ms {:>21.1} {:>18.1} {:>8.2} {:>17.1} {:>24.1} {:>9.1}",
        bare / 1e6,
        speed / 1e6,
        speed / bare,
        ms(idle),
        ms(median(loaded)),
        ms(worst),
    ))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The bare writer in a process of its own; ends when dropped.
struct Bare(Child);

impl Bare {
    fn start(server: &Server) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Ok(Self(command.args(["bare", &server.port.to_string()]).spawn()?))
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
