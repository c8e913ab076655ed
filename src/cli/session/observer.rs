//! Reports to the person what happens in a session.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::channel::ConnectionEvent;
use crate::cli::ui::Ui;
use crate::session::Observer;

/// Reports everything to the person.
pub(crate) struct UiObserver {
    ui: Ui,
    /// Stands before every line when several sessions run side by side: a name and a colon.
    prefix: String,
}

impl UiObserver {
    /// `name` tells sessions apart that run side by side.
    pub(crate) fn new(ui: &Ui, name: Option<&str>) -> Self {
        Self { ui: ui.clone(), prefix: name.map(|name| format!("{name}: ")).unwrap_or_default() }
    }

    /// Says something about the session.
    pub(crate) fn notice(&self, text: &str) {
        self.ui.notice(format!("{}{text}", self.prefix));
    }
}

impl Observer for UiObserver {
    fn connection(&self, event: &ConnectionEvent) {
        self.notice(&match event {
            ConnectionEvent::Lost(reason) => format!("connection lost ({reason}); reconnecting…"),
            ConnectionEvent::Waiting(reason) => format!("still no connection: {reason}"),
            ConnectionEvent::Restored(after) => {
                format!("connection restored after {:.1} s; nothing was lost", after.as_secs_f64())
            }
            ConnectionEvent::AgentSilent(after) => silent(*after),
            ConnectionEvent::AgentHeard(after) => heard(*after),
        });
    }

    fn agent_message(&self, text: &str) {
        self.notice(text.trim_end());
    }
}

fn silent(after: Duration) -> String {
    format!("the agent has not answered for {} s; still waiting (the connection is up)", after.as_secs())
}

fn heard(after: Duration) -> String {
    format!("the agent answers again, after {:.1} s", after.as_secs_f64())
}

/// Reports a lost connection only when it stays lost: the terminal belongs to another program.
pub(crate) struct QuietObserver {
    ui: Ui,
    /// An outage that is shorter is not reported.
    threshold: Duration,
    outage: Arc<Mutex<Outage>>,
}

#[derive(Default)]
struct Outage {
    /// Newest reason.
    reason: String,
    /// Reports it when the time has come.
    alarm: Option<AbortHandle>,
    reported: bool,
}

impl Outage {
    /// Reports it, unless it is over: an alarm that has gone off and waits for the lock cannot be aborted any more.
    fn report(&mut self, ui: &Ui, threshold: Duration) {
        if self.alarm.is_none() {
            return;
        }
        self.reported = true;
        ui.warning(format!(
            "the connection has been lost for {} s ({}); reconnecting…",
            threshold.as_secs(),
            self.reason
        ));
    }
}

/// How long a connection may be lost before it is reported.
const OUTAGE_TIMEOUT: Duration = Duration::from_secs(10);

impl QuietObserver {
    pub(crate) fn new(ui: &Ui) -> Self {
        Self { ui: ui.clone(), threshold: OUTAGE_TIMEOUT, outage: Arc::default() }
    }
}

impl Observer for QuietObserver {
    fn connection(&self, event: &ConnectionEvent) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            ConnectionEvent::Lost(reason) | ConnectionEvent::Waiting(reason) => {
                outage.reason.clone_from(reason);
                if outage.alarm.is_some() {
                    return;
                }
                let (ui, threshold, shared) = (self.ui.clone(), self.threshold, Arc::clone(&self.outage));
                let alarm = tokio::spawn(async move {
                    tokio::time::sleep(threshold).await;
                    let mut outage = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    outage.report(&ui, threshold);
                });
                outage.alarm = Some(alarm.abort_handle());
            }
            ConnectionEvent::Restored(after) => {
                outage.alarm.take().inspect(AbortHandle::abort);
                if std::mem::take(&mut outage.reported) {
                    let after = after.as_secs_f64();
                    self.ui.warning(format!("connection restored after {after:.1} s; nothing was lost"));
                }
            }
            ConnectionEvent::AgentSilent(after) => self.ui.warning(silent(*after)),
            ConnectionEvent::AgentHeard(after) => self.ui.warning(heard(*after)),
        }
    }

    fn agent_message(&self, text: &str) {
        tracing::info!(message = text.trim_end(), "message from the agent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::screen::Screen;
    use crate::testing::Written;

    fn quiet(threshold: Duration) -> (QuietObserver, Written) {
        let written = Written::default();
        let ui = Ui::with_screen(Screen::new(Box::new(written.clone()), false), true, false);
        (QuietObserver { ui, threshold, outage: Arc::default() }, written)
    }

    #[tokio::test]
    async fn a_short_outage_is_not_reported() {
        let (observer, written) = quiet(Duration::from_millis(5));
        observer.connection(&ConnectionEvent::Lost("cut".into()));
        let alarm = observer.outage.lock().unwrap().alarm.clone().unwrap();
        observer.connection(&ConnectionEvent::Restored(Duration::from_millis(1)));
        while !alarm.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(written.text(), "");
    }

    #[tokio::test]
    async fn an_alarm_that_is_late_reports_nothing() {
        let (observer, written) = quiet(Duration::from_mins(1));
        observer.connection(&ConnectionEvent::Lost("cut".into()));
        observer.connection(&ConnectionEvent::Restored(Duration::from_mins(1)));
        observer.outage.lock().unwrap().report(&observer.ui, observer.threshold);
        observer.connection(&ConnectionEvent::Lost("cut".into()));
        observer.connection(&ConnectionEvent::Restored(Duration::from_millis(1)));
        assert_eq!(written.text(), "");
    }

    #[tokio::test]
    async fn a_long_outage_is_reported_once_with_its_newest_reason_and_its_end() {
        let (observer, written) = quiet(Duration::ZERO);
        observer.connection(&ConnectionEvent::Lost("cut".into()));
        observer.connection(&ConnectionEvent::Waiting("no route".into()));
        let alarm = observer.outage.lock().unwrap().alarm.clone().unwrap();
        while !alarm.is_finished() {
            tokio::task::yield_now().await;
        }
        observer.connection(&ConnectionEvent::Restored(Duration::from_secs(30)));
        let text = written.text();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("(no route)") && text.contains("restored after 30.0 s"), "{text}");
    }
}
