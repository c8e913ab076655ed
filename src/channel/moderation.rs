//! Reading a download in batches.
//!
//! Real agents send 1 KiB each millisecond. Read one by one, each of these messages costs a wake-up, a read, a write of
//! its acknowledgement and a write to a program, which is far more than all that is done with it. So a connection on
//! which many have come in a row, and nothing was asked for meanwhile, is left alone for a moment after each batch. Nobody
//! waits for these moments: an answer to what was sent just now is read at once.

use std::time::{Duration, Instant};

/// Messages in a row that make a download. Real agents take 16 ms for them: the first answers to what was sent are there.
const DOWNLOAD: u64 = 16;

/// For how long a download is not read after a batch: two or three messages of a real agent.
const PAUSE: Duration = Duration::from_millis(2);

/// Messages in a batch that shows an agent that is faster than real ones. Such a one may wait for acknowledgements, so that
/// leaving it alone would slow it down for good.
const LARGE: u64 = 4;

/// Whether a connection is to be read.
#[derive(Debug, Default)]
pub(super) struct Moderation {
    /// Messages that have come since something was sent.
    run: u64,
    paused_until: Option<Instant>,
}

impl Moderation {
    /// So many messages have come at once.
    pub(super) fn received(&mut self, now: Instant, messages: u64) {
        self.run = self.run.saturating_add(messages);
        if messages > 0 {
            let is_download = self.run >= DOWNLOAD && messages < LARGE;
            self.paused_until = is_download.then(|| now + PAUSE);
        }
    }

    /// Something was sent, and may have an answer.
    pub(super) fn sent(&mut self) {
        *self = Self::default();
    }

    /// Until when nothing is to be read, if that is so.
    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_read_in_batches_and_an_answer_at_once() {
        let start = Instant::now();
        let mut moderation = Moderation::default();
        for _ in 1..DOWNLOAD {
            moderation.received(start, 1);
            assert_eq!(moderation.paused_until(start), None);
        }
        moderation.received(start, 1);
        assert_eq!(moderation.paused_until(start), Some(start + PAUSE));
        assert_eq!(moderation.paused_until(start + PAUSE), None);
        moderation.received(start + PAUSE, 2);
        assert!(moderation.paused_until(start + PAUSE).is_some());
        // An agent that waits for acknowledgements of a few messages would wait for the pauses, and take them for a queue.
        moderation.received(start + PAUSE, 5);
        assert_eq!(moderation.paused_until(start + PAUSE), None);
        // A fast agent fills batches by itself.
        moderation.received(start + PAUSE, LARGE);
        assert_eq!(moderation.paused_until(start + PAUSE), None);
        moderation.received(start + PAUSE, 1);
        moderation.sent();
        assert_eq!(moderation.paused_until(start + PAUSE), None);
        moderation.received(start + PAUSE, 1);
        assert_eq!(moderation.paused_until(start + PAUSE), None);
    }
}
