//! Estimates the round trip and from it the retransmission timeout (RFC 6298).

use std::time::{Duration, Instant};

/// The timeout before the first sample. RFC 6298 says one second; both official peers start at 200 ms, and here the
/// receiver acknowledges at once.
const INITIAL_RTO: Duration = Duration::from_millis(200);

/// The lower bound of the timeout, as in Linux: an acknowledgement is sometimes late for reasons of scheduling.
const MIN_RTO: Duration = Duration::from_millis(200);

/// The upper bound of the timeout, back-off included.
const MAX_RTO: Duration = Duration::from_secs(5);

/// The least round trip is that of the last one to two of these, so that a changed path is noticed.
const MIN_RTT_AGE: Duration = Duration::from_secs(10);

/// Smooths round trips, and remembers the least one.
#[derive(Debug, Default)]
pub(crate) struct RttEstimator {
    smoothed: Option<Duration>,
    rttvar: Duration,
    /// Minimum of the current and of the previous period, and when the current one began.
    min_rtt: Option<(Duration, Duration, Instant)>,
}

impl RttEstimator {
    /// Takes in one measured round trip. By Karn's rule the caller measures only messages that were sent once.
    pub(crate) fn sample(&mut self, now: Instant, rtt: Duration) {
        match self.smoothed {
            None => {
                self.smoothed = Some(rtt);
                self.rttvar = rtt / 2;
            }
            Some(smoothed) => {
                self.rttvar = (self.rttvar * 3 + smoothed.abs_diff(rtt)) / 4;
                self.smoothed = Some((smoothed * 7 + rtt) / 8);
            }
        }
        self.min_rtt = Some(match self.min_rtt {
            None => (rtt, rtt, now),
            Some((current, _, since)) if now.saturating_duration_since(since) > MIN_RTT_AGE => (rtt, current, now),
            Some((current, previous, since)) => (current.min(rtt), previous, since),
        });
    }

    /// The smoothed round trip, once there is a sample.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The least round trip of late, once there is a sample.
    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt.map(|(current, previous, _)| current.min(previous))
    }

    /// The retransmission timeout after `backoff` timeouts in a row, each of which doubles it.
    pub(crate) fn rto(&self, backoff: u32) -> Duration {
        let base = match self.smoothed {
            None => INITIAL_RTO,
            Some(smoothed) => (smoothed + self.rttvar * 4).max(MIN_RTO),
        };
        base.saturating_mul(1 << backoff.min(16)).min(MAX_RTO)
    }

    /// Forgets the path: the next one, after a reconnect, may be another.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn follows_rfc_6298() {
        let mut rtt = RttEstimator::default();
        assert_eq!(rtt.rto(0), INITIAL_RTO);
        let now = Instant::now();
        rtt.sample(now, 400 * MS);
        assert_eq!(rtt.rto(0), 1200 * MS);
        rtt.sample(now, 480 * MS);
        // rttvar ¾·200 + ¼·80 = 170, smoothed ⅞·400 + ⅛·480 = 410
        assert_eq!(rtt.smoothed(), Some(410 * MS));
        assert_eq!(rtt.rto(0), 1090 * MS);
        assert_eq!(rtt.rto(1), 2180 * MS);
        assert_eq!(rtt.rto(u32::MAX), MAX_RTO);
    }

    #[test]
    fn minimum_is_forgotten_in_time() {
        let mut rtt = RttEstimator::default();
        let mut now = Instant::now();
        rtt.sample(now, 10 * MS);
        for _ in 0..3 {
            now += MIN_RTT_AGE + MS;
            rtt.sample(now, 50 * MS);
        }
        assert_eq!(rtt.min_rtt(), Some(50 * MS));
    }
}
