//! Stopping: the flag that tasks watch, and the polite end of a session.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::channel::{Channel, Event};
use crate::protocol::Flag;

/// How long the agent may take to end the session; after that the service is asked to.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(300);

/// Waits until the flag is set; false if it never will be, because its sender is gone.
pub(super) async fn is_set(flag: &mut watch::Receiver<bool>) -> bool {
    flag.wait_for(|set| *set).await.is_ok()
}

/// Asks the agent to end the session, and the service if the agent does not answer in time.
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
