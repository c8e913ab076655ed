//! The end of what a program sends, held back for a while.
//!
//! Agents close a whole connection when one direction of its stream ends. So when the program here has sent all it has
//! to send, that is not passed on at once, which would cost it the answer: it is held back until the remote side is
//! done, or has been silent for a while; a shorter while when the session is wanted for something else. Silence counts
//! only from when all that the program sent has arrived, and while there is a connection on which an answer could come.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::stop::is_set;

/// How long the remote side may be silent after the program has sent its last byte, before the end is passed on.
pub(in crate::session) const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may be silent when there is a hurry.
const HURRIED_TIMEOUT: Duration = Duration::from_secs(1);

/// The end of what one program sends.
pub(in crate::session) struct HalfClose {
    /// Whether the program has sent its last byte, and it has arrived.
    finished: watch::Receiver<bool>,
    /// Whether there is a hurry.
    hurry: watch::Receiver<bool>,
    timeout: Duration,
    /// Since when there is a connection to the service; `None` while there is none.
    connected: watch::Receiver<Option<std::time::Instant>>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Sending,
    /// The program is done, and the remote side was last heard then.
    HeldSince(Instant),
    PassedOn,
}

impl HalfClose {
    /// `finished` becomes true when the program has sent its last byte and all of them have arrived. `hurry` counts for
    /// programs of which it would not be seen that they are gone: the others do wait for an answer.
    pub(in crate::session) fn new(
        finished: watch::Receiver<bool>,
        hurry: watch::Receiver<bool>,
        timeout: Duration,
        shows_when_gone: bool,
    ) -> Self {
        let hurry = if shows_when_gone { watch::channel(false).1 } else { hurry };
        let always = watch::channel(Some(Instant::now().into_std())).1;
        Self { finished, hurry, timeout, connected: always, state: State::Sending }
    }

    /// Has time count only while there is a connection.
    pub(in crate::session) fn over(self, connected: watch::Receiver<Option<std::time::Instant>>) -> Self {
        Self { connected, ..self }
    }

    /// The same where there is never a hurry.
    pub(in crate::session) fn patient(finished: watch::Receiver<bool>, timeout: Duration) -> Self {
        Self::new(finished, watch::channel(false).1, timeout, true)
    }

    /// The remote side has sent something.
    pub(in crate::session) fn heard(&mut self) {
        if let State::HeldSince(at) = &mut self.state {
            *at = Instant::now();
        }
    }

    /// Resolves once, when the end is to be passed on. Dropping the future loses nothing.
    pub(in crate::session) async fn due(&mut self) {
        loop {
            match self.state {
                State::Sending => {
                    if !is_set(&mut self.finished).await {
                        return pending().await;
                    }
                    self.state = State::HeldSince(Instant::now());
                }
                State::HeldSince(since) => {
                    let Some(up) = *self.connected.borrow_and_update() else {
                        if self.connected.changed().await.is_err() {
                            return pending().await;
                        }
                        continue;
                    };
                    let since = since.max(Instant::from_std(up));
                    tokio::select! {
                        // Lost, or back again.
                        Ok(()) = self.connected.changed() => continue,
                        () = sleep_until(since + self.timeout) => {}
                        () = async {
                            if !is_set(&mut self.hurry).await {
                                return pending().await;
                            }
                            sleep_until(since + HURRIED_TIMEOUT).await;
                        } => {}
                    }
                    self.state = State::PassedOn;
                    return;
                }
                State::PassedOn => return pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_silence_and_comes_once() {
        let timeout = Duration::from_millis(30);
        let (finished, seen) = watch::channel(false);
        let (_hurry, hurried) = watch::channel(false);
        let mut end = HalfClose::new(seen, hurried, timeout, true);
        assert!(end.due().now_or_never().is_none(), "the program may still send");
        finished.send_replace(true);
        assert!(end.due().now_or_never().is_none(), "the remote side may still answer");
        end.heard();
        let heard_at = Instant::now();
        end.due().await;
        assert!(heard_at.elapsed() >= timeout - Duration::from_millis(1), "{:?}", heard_at.elapsed());
        assert!(end.due().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_hurry_is_for_programs_that_may_be_gone() {
        for shows_when_gone in [false, true] {
            let (_finished, finished) = watch::channel(true);
            let (_hurry, hurried) = watch::channel(true);
            let mut end = HalfClose::new(finished, hurried, Duration::from_hours(1), shows_when_gone);
            assert!(end.due().now_or_never().is_none());
            tokio::time::pause();
            tokio::time::advance(2 * HURRIED_TIMEOUT).await;
            assert_eq!(end.due().now_or_never().is_some(), !shows_when_gone);
            tokio::time::resume();
        }
    }
}
