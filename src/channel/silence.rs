//! Notices that the agent is silent although the connection to the service lives.
//!
//! The gateway answers pings whether the agent is there or not. What shows that the agent lives are its own messages and
//! acknowledgements.

use std::time::{Duration, Instant};

use super::event::ConnectionEvent;
use crate::protocol::DataChannel;

/// An agent that owes an answer for so long is reported.
const REPORT_AFTER: Duration = Duration::from_secs(5);

/// A session that is not ready, and whose agent does nothing for it for so long, has failed. A real agent runs within a
/// second, and gives an answer of ours 15 s.
pub(super) const START_TIMEOUT: Duration = Duration::from_mins(1);

/// What is known of the agent.
#[derive(Debug)]
pub(super) struct Silence {
    heard: u64,
    /// Since when an answer is owed and nothing was heard.
    since: Instant,
    progress: Progress,
    /// Since when the agent does nothing for the session.
    idle_since: Instant,
    reported: bool,
}

/// What a session has come to; connections on which it does not change are of no use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    received: u64,
    acknowledged: u64,
}

impl Progress {
    pub(super) fn of(channel: &DataChannel) -> Self {
        Self { received: channel.receive_statistics().received, acknowledged: channel.send_statistics().acknowledged }
    }
}

impl Silence {
    pub(super) fn new(now: Instant) -> Self {
        Self { heard: 0, since: now, progress: Progress::default(), idle_since: now, reported: false }
    }

    /// There is a connection again, after this long without; during that the agent could not be heard.
    pub(super) fn connected(&mut self, now: Instant, outage: Duration) {
        self.since = now;
        self.idle_since = (self.idle_since + outage).min(now);
    }

    /// Until now nothing was owed, and nobody has looked.
    pub(super) fn rested(&mut self, now: Instant) {
        self.since = now;
    }

    /// Whether the agent was reported as silent.
    pub(super) fn is_reported(&self) -> bool {
        self.reported
    }

    /// Looks once; `excused`: we are not listening, or it is for us to do something. Returns what the owner should know.
    pub(super) fn look(&mut self, now: Instant, channel: &DataChannel, excused: bool) -> Option<ConnectionEvent> {
        let progress = Progress::of(channel);
        if excused || self.progress != progress {
            (self.progress, self.idle_since) = (progress, now);
        }
        let heard = channel.receive_statistics().heard();
        if self.heard != heard {
            self.heard = heard;
            let silent = now.saturating_duration_since(std::mem::replace(&mut self.since, now));
            return std::mem::take(&mut self.reported).then_some(ConnectionEvent::AgentHeard(silent));
        }
        let owes = channel.awaits_acknowledgement() || !(channel.is_ready() || channel.awaits_request());
        if excused || !owes {
            self.since = now;
        }
        let silent = now.saturating_duration_since(self.since);
        if self.reported || silent < REPORT_AFTER {
            return None;
        }
        self.reported = true;
        Some(ConnectionEvent::AgentSilent(silent))
    }

    /// Whether the session is not ready, and will not be.
    pub(super) fn is_hopeless(&self, now: Instant, channel: &DataChannel) -> bool {
        !channel.is_ready() && now.saturating_duration_since(self.idle_since) >= START_TIMEOUT
    }
}
