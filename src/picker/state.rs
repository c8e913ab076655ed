//! [`State`]: everything that the picker knows, changed by keys and by what comes in, without a terminal.

#[cfg(test)]
mod tests;

use super::column;
use super::feed::Update;
use super::keys::Key;
use super::line::Line;
use super::list::List;
use super::query::Query;
use super::row::Row;
use crate::config::Column;
use crate::config::settings::COLUMNS;
use crate::fleet::Instance;
use crate::text;

/// The most notes that are kept; those that came first say most.
const MOST_NOTES: usize = 8;

/// The widest that a column grows.
const WIDEST: usize = 60;

/// What a person may do, and begins with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is typed already.
    pub query: String,
    /// Several may be chosen.
    pub multi: bool,
    /// What is shown of each instance, from left to right; the default columns if empty.
    pub columns: Vec<Column>,
    /// The ids of the instances that were used lately, the last first. Up to 255 are looked at.
    pub recent: Vec<String>,
    /// Whether to use colours.
    pub colored: bool,
    /// Why the person is asked, in a few words; may be empty.
    pub title: String,
}

/// The picker.
pub struct State {
    list: List,
    line: Line,
    settings: Settings,
    /// The line was edited since the list was searched.
    edited: bool,
    /// The row that the person stands on. It stays the same instance when others come.
    selected: Option<usize>,
    /// Where it stands among those that match.
    position: usize,
    /// A key was pressed: from here on the selection is the person's own.
    touched: bool,
    /// How many rows the screen has room for.
    page: usize,
    /// The first row on the screen.
    top: usize,
    widths: Vec<usize>,
    marked: usize,
    looking: Option<String>,
    notes: Vec<String>,
    message: Option<String>,
    ticks: usize,
    failed: bool,
}

/// What a key asks of the owner of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// These were chosen; one at least.
    Choose(Vec<Instance>),
    /// The person leaves.
    Leave,
    /// Look around again.
    Refresh,
    /// Put this into the clipboard.
    Copy(String),
    /// Stop, as Ctrl-Z does.
    Suspend,
    /// The screen was disturbed: draw it whole.
    Redraw,
}

impl State {
    /// A picker without rows. It counts as looking for some until it hears otherwise.
    pub fn new(mut settings: Settings) -> Self {
        if settings.columns.is_empty() {
            settings.columns = COLUMNS.to_vec();
        }
        Self {
            list: List::new(&settings.recent),
            line: Line::new(&settings.query),
            widths: settings.columns.iter().map(|column| text::width(&column::title(column))).collect(),
            settings,
            edited: true,
            selected: None,
            position: 0,
            touched: false,
            page: 1,
            top: 0,
            marked: 0,
            looking: Some(String::new()),
            notes: Vec::new(),
            message: None,
            ticks: 0,
            failed: false,
        }
    }

    /// Takes what came in.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Started => {
                self.list.start_look();
                self.looking = Some(String::new());
                self.notes.clear();
            }
            Update::Waiting(what) => self.looking = Some(text::printable(&what).into_owned()),
            Update::Found(instances) => {
                for instance in &instances {
                    for (column, width) in self.settings.columns.iter().zip(&mut self.widths) {
                        *width =
                            (*width).max(text::width(&text::printable(&column::text(column, instance)))).min(WIDEST);
                    }
                }
                self.list.add(instances);
            }
            Update::Gone(gone) => {
                self.selected = self.list.remove(&gone, self.selected);
                self.count_marks();
            }
            Update::Note(note) if self.notes.len() < MOST_NOTES => {
                self.notes.push(text::printable(note.trim_end()).into_owned());
            }
            Update::Note(_) => {}
            Update::Failed => self.failed = true,
            Update::Done { whole } => {
                self.looking = None;
                if whole {
                    self.selected = self.list.remove_unseen(self.selected);
                    self.count_marks();
                }
                if self.list.left_out > 0 {
                    self.notes.push(format!("{} more not shown", self.list.left_out));
                }
            }
        }
    }

    fn count_marks(&mut self) {
        self.marked = self.list.rows().iter().filter(|row| row.marked).count();
    }

    /// Nothing more comes.
    pub fn feed_ended(&mut self) {
        self.looking = None;
    }

    /// Takes a key.
    pub fn handle(&mut self, key: Key) -> Option<Action> {
        self.message = None;
        let action = self.act(key);
        self.touched = true;
        action
    }

    fn act(&mut self, key: Key) -> Option<Action> {
        match key {
            Key::Enter => return self.choose(),
            Key::Esc | Key::Ctrl('c' | 'g' | 'q') => return Some(Action::Leave),
            Key::Ctrl('d') if self.line.is_empty() => return Some(Action::Leave),
            Key::Ctrl('r') => return Some(Action::Refresh),
            Key::Ctrl('y') => {
                self.settle();
                return self.selected.map(|at| Action::Copy(self.list.rows()[at].instance.id.clone()));
            }
            Key::Ctrl('z') => return Some(Action::Suspend),
            Key::Ctrl('l') => return Some(Action::Redraw),
            Key::Up | Key::Ctrl('p' | 'k') => self.go_to(|position, _| position.saturating_sub(1)),
            Key::Down | Key::Ctrl('n' | 'j') => self.go_to(|position, _| position + 1),
            Key::PageUp => self.go_to(|position, page| position.saturating_sub(page)),
            Key::PageDown => self.go_to(|position, page| position + page),
            Key::Alt('<') => self.go_to(|_, _| 0),
            Key::Alt('>') => self.go_to(|_, _| usize::MAX),
            Key::Tab => {
                self.mark();
                self.go_to(|position, _| position + 1);
            }
            Key::BackTab => {
                self.mark();
                self.go_to(|position, _| position.saturating_sub(1));
            }
            Key::Ctrl('a') if self.settings.multi => self.mark_all(),
            Key::Left | Key::Ctrl('b') => self.line.left(),
            Key::Right | Key::Ctrl('f') => self.line.right(),
            Key::WordLeft | Key::Alt('b') => self.line.word_left(),
            Key::WordRight | Key::Alt('f') => self.line.word_right(),
            Key::Home | Key::Ctrl('a') => self.line.home(),
            Key::End | Key::Ctrl('e') => self.line.end(),
            other => self.edit(other),
        }
        None
    }

    fn edit(&mut self, key: Key) {
        match key {
            Key::Char(c) => self.line.insert(c.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => self.line.insert(text.trim()),
            Key::Backspace => self.line.backspace(),
            Key::Delete | Key::Ctrl('d') => self.line.delete_char(),
            Key::Ctrl('w') | Key::AltBackspace => self.line.delete_word(),
            Key::Ctrl('u') => self.line.delete_to_start(),
            _ => return,
        }
        self.edited = true;
    }

    fn choose(&mut self) -> Option<Action> {
        self.settle();
        let mut chosen: Vec<Instance> = Vec::new();
        if self.marked > 0 {
            chosen.extend(self.list.rows().iter().filter(|row| row.marked).map(|row| row.instance.clone()));
        } else if let Some(at) = self.selected {
            chosen.push(self.list.rows()[at].instance.clone());
        }
        if chosen.is_empty() {
            self.show_message("nothing matches".to_owned());
            return None;
        }
        Some(Action::Choose(chosen))
    }

    fn go_to(&mut self, place: impl FnOnce(usize, usize) -> usize) {
        self.settle();
        let place = place(self.position, self.page);
        let shown = self.list.shown();
        self.position = place.min(shown.len().saturating_sub(1));
        self.selected = shown.get(self.position).map(|at| *at as usize);
    }

    fn mark(&mut self) {
        self.settle();
        if !self.settings.multi {
            return;
        }
        if let Some(at) = self.selected {
            self.set_mark(at, !self.list.rows()[at].marked);
        }
    }

    fn mark_all(&mut self) {
        self.settle();
        let shown = self.list.shown().to_vec();
        let all = shown.iter().all(|at| self.list.rows()[*at as usize].marked);
        for at in shown {
            self.set_mark(at as usize, !all);
        }
    }

    fn set_mark(&mut self, at: usize, marked: bool) {
        let row = self.list.row_mut(at);
        let was = std::mem::replace(&mut row.marked, marked);
        self.marked = self.marked + usize::from(marked) - usize::from(was);
    }

    /// Brings the list and the selection up to date with what was typed and what came in.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.edited) {
            self.list.search(Query::parse(&self.line.text(), true));
            self.selected = None;
            self.position = 0;
        }
        let shown = self.list.shown();
        // Before the first key the first row was not chosen: a better one may take its place.
        let selected = self.selected.filter(|_| self.touched);
        let stays = selected.and_then(|at| shown.iter().position(|shown| *shown as usize == at));
        self.position = match stays {
            Some(position) => position,
            None if self.touched => self.position.min(shown.len().saturating_sub(1)),
            None => 0,
        };
        self.selected = shown.get(self.position).map(|at| *at as usize);
    }

    /// Asks for something else, to the end of the last word.
    pub(super) fn ask(&mut self, query: &str) {
        self.line = Line::new(query);
        self.line.insert(" ");
        self.edited = true;
    }

    /// Shows a message until the next key.
    pub fn show_message(&mut self, message: String) {
        self.message = Some(message);
    }

    /// A moment has passed, for the sign that something is going on.
    pub fn tick(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
    }

    /// Whether instances are still being looked for.
    pub fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Whether there is nothing to choose, and never will be.
    pub(super) fn is_hopeless(&self) -> bool {
        self.failed && self.list.rows().is_empty()
    }

    /// Makes room for so many rows, and returns those to show: their place in the list of those that match, and their
    /// numbers.
    pub(super) fn window(&mut self, page: usize) -> (usize, Vec<usize>) {
        self.settle();
        self.page = page.max(1);
        let shown = self.list.shown();
        let last_top = shown.len().saturating_sub(self.page);
        let least = (self.position + 1).saturating_sub(self.page);
        self.top = self.top.clamp(least, self.position).min(last_top);
        let rows = shown.iter().skip(self.top).take(page).map(|at| *at as usize).collect();
        (self.top, rows)
    }

    /// How many match, and how many there are.
    pub fn counts(&mut self) -> (usize, usize) {
        self.settle();
        (self.list.shown().len(), self.list.rows().len())
    }

    /// The instance that the person stands on.
    pub fn selected(&mut self) -> Option<&Instance> {
        self.settle();
        self.selected.map(|at| &self.list.rows()[at].instance)
    }

    pub(super) fn selected_at(&self) -> Option<usize> {
        self.selected
    }

    pub(super) fn list(&mut self) -> &mut List {
        &mut self.list
    }

    pub(super) fn row(&self, at: usize) -> &Row {
        &self.list.rows()[at]
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn widths(&self) -> &[usize] {
        &self.widths
    }

    pub(super) fn marked(&self) -> usize {
        self.marked
    }

    pub(super) fn looking(&self) -> Option<(&str, usize)> {
        self.looking.as_deref().map(|what| (what, self.ticks))
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}
