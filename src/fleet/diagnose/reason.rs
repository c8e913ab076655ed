//! [`Reason`]: one thing that keeps an instance from being reached, how it was seen, and what fixes it.

/// One thing that keeps an instance from being reached, or may do so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// A name for it that stays the same, for programs.
    pub code: &'static str,
    /// Whether it was seen, or else is to be checked by a person.
    pub certain: bool,
    /// What it is: a clause that follows "cannot be reached:".
    pub what: String,
    /// How it was seen, or why it could not be.
    pub seen: String,
    /// What to do about it, best first.
    pub fix: Vec<String>,
}

impl Reason {
    /// Something that was seen.
    pub(crate) fn seen(code: &'static str, what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { code, certain: true, what: what.into(), seen: seen.into(), fix: Vec::new() }
    }

    /// Something that is to be checked.
    pub(crate) fn possible(code: &'static str, what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { certain: false, ..Self::seen(code, what, seen) }
    }

    /// Adds something to do about it.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix.push(fix.into());
        self
    }
}
