//! Stopping: what tasks watch for it, and the polite end of a session.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::channel::{Channel, Event};
use crate::protocol::Flag;

/// How long the agent may take to end the session; after that the service is asked to.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(300);

/// Whether and how to stop. It only ever goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Go on.
    Not,
    /// Take no more connections, let the open ones end, and then stop.
    Finish,
    /// Stop now; open connections are reset.
    Now,
}

/// Waits until it is time to stop in this way, or sooner. A sender that is gone means now.
pub(super) async fn reaches(stop: &mut watch::Receiver<Stop>, at_least: Stop) {
    // An error is the sender that is gone.
    let _ = stop.wait_for(|stop| *stop >= at_least).await;
}

/// Waits until the flag is set; false if it never will be, because its sender is gone.
pub(super) async fn is_set(flag: &mut watch::Receiver<bool>) -> bool {
    flag.wait_for(|set| *set).await.is_ok()
}

/// Asks the agent to end the session, and the service if the agent does not answer in time: 300 ms and 5 s at most.
pub(super) async fn farewell(mut channel: Channel) {
    let input = channel.input();
    let ended = async {
        if input.flag(Flag::TerminateSession).await.is_err() {
            return;
        }
        while let Some(event) = channel.next().await {
            if matches!(event, Event::Ended(_)) {
                return;
            }
        }
    };
    let has_ended = timeout(FAREWELL_TIMEOUT, ended).await.is_ok();
    if !has_ended {
        channel.terminate().await;
    }
}
