//! How keys are reported: the enhancements of the kitty protocol, which fish and editors use.

/// Entries that terminals keep; a further one pushes out the oldest.
const MAX_DEPTH: usize = 8;

/// The enhancements of one screen: those that are on, over those that were.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyboard {
    base: u16,
    pushed: Vec<u16>,
}

impl Keyboard {
    pub(super) const fn new() -> Self {
        Self { base: 0, pushed: Vec::new() }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.base == 0 && self.pushed.is_empty()
    }

    pub(super) fn push(&mut self, flags: u16) {
        if self.pushed.len() == MAX_DEPTH {
            self.pushed.remove(0);
        }
        self.pushed.push(flags);
    }

    pub(super) fn pop(&mut self, count: u16) {
        let left = self.pushed.len().saturating_sub(count.max(1).into());
        self.pushed.truncate(left);
        if left == 0 {
            // Whatever else there was is gone as well.
            self.base = 0;
        }
    }

    pub(super) fn set(&mut self, flags: u16, how: u16) {
        let current = self.pushed.last_mut().unwrap_or(&mut self.base);
        *current = match how {
            2 => *current | flags,
            3 => *current & !flags,
            _ => flags,
        };
    }

    pub(super) fn undo(&self) -> String {
        let pops = if self.pushed.is_empty() { String::new() } else { format!("\x1b[<{}u", self.pushed.len()) };
        if self.base == 0 { pops } else { format!("{pops}\x1b[=0;1u") }
    }

    pub(super) fn redo(&self) -> String {
        let base = if self.base == 0 { String::new() } else { format!("\x1b[={};1u", self.base) };
        self.pushed.iter().fold(base, |all, flags| format!("{all}\x1b[>{flags}u"))
    }
}
