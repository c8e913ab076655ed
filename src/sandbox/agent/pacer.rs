//! How fast the real agent is with output.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::sandbox::pace::Pace;

/// From one message of a port session to the next: the agent sleeps for 1 ms, and 1,024 bytes a message were measured
/// to make 0.97 MB/s.
const PERIOD: Duration = Duration::from_micros(1_055);

/// How far messages may be behind their time, as timers here are coarser than the period, before it is given up.
const SLACK: Duration = Duration::from_millis(4);

/// Keeps messages apart.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Pace,
    next: Instant,
}

impl Pacer {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, next: Instant::now() }
    }

    /// Waits, after a message, until it is time for the next one.
    pub(crate) async fn wait(&mut self) {
        if self.pace == Pace::Fast {
            return;
        }
        let oldest = Instant::now() - SLACK;
        self.next = self.next.max(oldest) + PERIOD;
        sleep_until(self.next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_no_faster_than_the_period() {
        let mut pacer = Pacer::new(Pace::Real);
        let start = Instant::now();
        for _ in 0..100 {
            pacer.wait().await;
        }
        assert!(start.elapsed() >= 100 * PERIOD - SLACK, "{:?}", start.elapsed());
    }
}
