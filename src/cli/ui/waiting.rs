//! Says what is going on when it takes a while.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Ui;
use crate::text::printable;

/// How long people wait without wondering.
const PATIENCE: Duration = Duration::from_millis(300);
/// From here on the line says how long it has been, and is renewed every second.
const LONG: Duration = Duration::from_secs(3);

/// A line on the terminal that says what is being waited for, erased when this is dropped.
#[must_use = "the line is shown only while this lives"]
pub(crate) struct Waiting {
    ui: Ui,
    shared: Option<Arc<Shared>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    what: String,
    done: bool,
    shown: bool,
}

impl Waiting {
    pub(crate) fn new(ui: &Ui, what: String, shown: bool) -> Self {
        let ui = ui.clone();
        if !shown {
            return Self { ui, shared: None };
        }
        let state = Mutex::new(State { what, done: false, shown: false });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let (for_thread, ui_of_thread) = (Arc::clone(&shared), ui.clone());
        // Without the thread the line is missing, and nothing else.
        let _ = thread::Builder::new().name("waiting".into()).spawn(move || for_thread.show(&ui_of_thread));
        Self { ui, shared: Some(shared) }
    }

    /// Now something else is being waited for.
    pub(crate) fn say(&self, what: impl Into<String>) {
        if let Some(shared) = &self.shared {
            let mut state = shared.lock();
            state.what = printable(&what.into()).into_owned();
            if state.shown {
                self.ui.screen().wait(Some(state.what.clone()));
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            let mut state = shared.lock();
            state.done = true;
            if state.shown {
                self.ui.screen().wait(None);
            }
            shared.changed.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, ui: &Ui) {
        let start = Instant::now();
        let mut patience = PATIENCE;
        let mut state = self.lock();
        loop {
            let (next, _) = self
                .changed
                .wait_timeout_while(state, patience, |state| !state.done)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if state.done {
                return;
            }
            let waited = start.elapsed();
            let line =
                if waited < LONG { state.what.clone() } else { format!("{} ({} s)", state.what, waited.as_secs()) };
            ui.screen().wait(Some(line));
            state.shown = true;
            patience = Duration::from_secs(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ui::screen::Screen;
    use crate::testing::Written;

    fn ui(is_terminal: bool) -> (Ui, Written) {
        let written = Written::default();
        (Ui::with_screen(Screen::new(Box::new(written.clone()), is_terminal), false, false), written)
    }

    #[test]
    fn a_long_wait_is_explained_and_the_line_goes() {
        let (ui, written) = ui(true);
        let waiting = Waiting::new(&ui, "Connecting to web-1".into(), true);
        let deadline = Instant::now() + Duration::from_secs(30);
        while written.text().is_empty() {
            assert!(Instant::now() < deadline, "nothing was said");
            thread::yield_now();
        }
        waiting.say("Waiting for its shell");
        drop(waiting);
        assert!(written.text().starts_with("Connecting to web-1"), "{}", written.text());
        let erased = |text: &str| format!("{text}\r{:width$}\r", "", width = text.len());
        let both = erased("Connecting to web-1") + &erased("Waiting for its shell");
        assert!(written.text().ends_with(&both), "{:?}", written.text());
    }

    #[test]
    fn a_short_wait_and_a_file_get_nothing() {
        let (ui, written) = ui(true);
        drop(Waiting::new(&ui, "Connecting".into(), true));
        assert_eq!(written.text(), "");
        let (ui, written) = self::ui(false);
        let waiting = ui.waiting("Connecting");
        assert!(waiting.shared.is_none());
        assert_eq!(written.text(), "");
    }
}
