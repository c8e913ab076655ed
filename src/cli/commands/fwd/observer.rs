//! Reports to the person what happens in a tunnel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::channel::ConnectionEvent;
use crate::cli::advice;
use crate::cli::session::observer::UiObserver;
use crate::cli::ui::Ui;
use crate::session::Observer;
use crate::session::forward::{Side, Stall, TunnelEvent, TunnelObserver};

/// Refused connections are reported one by one as long as they are so far apart; those between are counted.
const REFUSALS_EVERY: Duration = Duration::from_secs(5);

/// That no more files may be open is said again when nothing was heard of it for so long.
const FULL_LASTS: Duration = Duration::from_mins(1);

/// When some tunnel last had no descriptor for another connection. The limit is that of the whole process.
static FULL_AT: Mutex<Option<Instant>> = Mutex::new(None);

/// Reports everything that happens in one tunnel.
pub(crate) struct UiTunnelObserver {
    session: UiObserver,
    destination: String,
    hushed: AtomicBool,
    refusals: Mutex<Refusals>,
    rejections: Mutex<Refusals>,
}

#[derive(Default)]
struct Refusals {
    reported_at: Option<Instant>,
    unreported: u64,
}

impl UiTunnelObserver {
    pub(crate) fn new(ui: &Ui, destination: String) -> Self {
        Self {
            session: UiObserver::new(ui, Some(&destination)),
            destination,
            hushed: AtomicBool::new(false),
            refusals: Mutex::default(),
            rejections: Mutex::default(),
        }
    }

    /// What the tunnel leads to.
    pub(crate) fn destination(&self) -> &str {
        &self.destination
    }

    /// Refused connections are not reported while the destination is probed.
    pub(crate) fn hush(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::Relaxed);
    }

    fn refused(&self) {
        if self.hushed.load(Ordering::Relaxed) {
            return;
        }
        if let Some(more) = more(&self.refusals) {
            self.report(format!("the connection to the destination failed{more}; the agent's log says why"));
        }
    }

    fn rejected(&self, reason: &str) {
        if let Some(more) = more(&self.rejections) {
            self.report(format!("refused: {reason}{more}"));
        }
    }

    fn report(&self, text: String) {
        self.session.notice(&text);
    }
}

/// That no more than so many files may be open, if it was not just said.
pub(crate) fn full(limit: u64) -> Option<String> {
    let now = Instant::now();
    let before = FULL_AT.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
    let is_new = before.is_none_or(|before| now.saturating_duration_since(before) >= FULL_LASTS);
    is_new.then(|| {
        format!(
            "{limit} files may be open, and so many are: further connections wait until others are closed; \
             `ulimit -n` sets the limit"
        )
    })
}

/// Who does not move.
fn stalled(Stall { connection, side, .. }: &Stall) -> String {
    match side {
        Side::Program => format!("the program at {connection} does not read"),
        Side::Destination => format!("the destination does not read what {connection} sends"),
    }
}

fn seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

/// How many were not reported since the last one, in words; `None` when this one is not reported either.
fn more(refusals: &Mutex<Refusals>) -> Option<String> {
    let unreported = refusals.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now())?;
    Some(if unreported > 0 { format!(" ({unreported} more since the last report)") } else { String::new() })
}

impl Refusals {
    /// How many were not reported, if this one is.
    fn add(&mut self, now: Instant) -> Option<u64> {
        if self.reported_at.is_some_and(|at| now.saturating_duration_since(at) < REFUSALS_EVERY) {
            self.unreported += 1;
            return None;
        }
        self.reported_at = Some(now);
        Some(std::mem::take(&mut self.unreported))
    }
}

impl Observer for UiTunnelObserver {
    fn connection(&self, event: &ConnectionEvent) {
        self.session.connection(event);
    }

    fn agent_message(&self, text: &str) {
        self.session.agent_message(text);
    }
}

impl TunnelObserver for UiTunnelObserver {
    fn tunnel(&self, event: &TunnelEvent) {
        match event {
            TunnelEvent::Refused => self.refused(),
            TunnelEvent::Full(limit) => full(*limit).into_iter().for_each(|text| self.report(text)),
            TunnelEvent::Stalled(stall) => {
                self.report(format!("{} and holds up the other connections", stalled(stall)));
            }
            TunnelEvent::Cut(stall) => {
                let what = match stall.side {
                    Side::Program => "it is cut",
                    Side::Destination => "their session is ended",
                };
                self.report(format!(
                    "{} and has held up the other connections for {}; {what} (setting `forward_stall`)",
                    stalled(stall),
                    seconds(stall.lasted)
                ));
            }
            TunnelEvent::Finishing(open) => {
                let what = if *open == 1 { "a connection".to_owned() } else { format!("{open} connections") };
                let what = if *open == 0 { "the last bytes to arrive".to_owned() } else { format!("{what} to end") };
                self.report(format!("waiting for {what}; Ctrl-C ends at once"));
            }
            TunnelEvent::Unfinished { open, lost } => {
                let what = if *lost { "what was on its way is lost, and " } else { "" };
                self.report(format!("nothing has moved for a minute; {what}open connections are reset ({open})"));
            }
            TunnelEvent::Lost(end) => {
                let why = end.as_ref().and_then(advice::reason).map(|why| format!(" ({why})")).unwrap_or_default();
                self.report(format!("the session ended before all that was sent had arrived{why}"));
            }
            TunnelEvent::Left => {
                self.report("no session carried the last connections within a minute; they are reset".to_owned());
            }
            TunnelEvent::Ended(end) => {
                let why = advice::reason(end).map(|why| format!(" ({why})")).unwrap_or_default();
                self.report(format!("the session has ended{why}; the next connection starts a new one"));
            }
            TunnelEvent::LanesEnded(count, end) => {
                let why = advice::reason(end).map(|why| format!(" ({why})")).unwrap_or_default();
                let what = if *count == 1 { "a lane has".to_owned() } else { format!("{count} lanes have") };
                self.report(format!("{what} ended{why}; open connections of the other lanes continue"));
            }
            TunnelEvent::Waiting(reason) => self.report(format!("still trying to start a new session: {reason}")),
            TunnelEvent::Replaced(id) => self.report(format!("continuing on a new session ({id})")),
            TunnelEvent::GaveUp(reason) => self.report(format!("gave up starting a new session: {reason}")),
            TunnelEvent::NoSession(reason) => self.report(format!("cannot start a session: {reason}")),
            TunnelEvent::NoRoom => {
                self.report("refused: all sessions are in use; `--socks-sessions` allows more".to_owned());
            }
            TunnelEvent::Rejected(reason) => self.rejected(reason),
            TunnelEvent::Accept(error) => self.report(format!("cannot accept connections: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_come_thick_are_counted() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let reported: Vec<_> =
            [0, 1, 4, 5, 6, 20].map(|second| refusals.add(start + Duration::from_secs(second))).into();
        assert_eq!(reported, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
