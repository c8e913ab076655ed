//! Pauses between attempts that double, up to a longest one.

use std::time::Duration;

/// The pauses between attempts at one thing. It neither sleeps nor draws: that is its user's part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Pauses of `first`, twice that, and so on, up to `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// What [`Backoff::next_pause`] will return.
    pub(crate) const fn peek(&self) -> Duration {
        self.next
    }

    /// The pause before the next attempt.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }

    /// The pause before the next attempt, between half and whole, as the random number says: so that many who failed at
    /// the same instant do not come back at the same instant.
    pub(crate) fn next_jittered(&mut self, random: u16) -> Duration {
        let half = self.next_pause() / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new(SECOND, SECOND * 5);
        assert_eq!(backoff.peek(), SECOND);
        assert_eq!([(); 5].map(|()| backoff.next_pause().as_secs()), [1, 2, 4, 5, 5]);
    }

    #[test]
    fn jitter_takes_off_half_at_most() {
        let drawn = |random| Backoff::new(SECOND, SECOND).next_jittered(random);
        assert_eq!((drawn(0), drawn(u16::MAX)), (SECOND / 2, SECOND));
        assert!(drawn(1 << 15) > drawn(1 << 14));
    }
}
