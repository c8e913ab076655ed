//! Words as they are typed in a shell, and what they mean: quotes taken away and put back.
//!
//! Quotes and backslashes are understood as all the shells have them. What would be expanded (`$x`, `*`) stays as it is:
//! a completion must not run anything.

/// A word as it stands on the line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without quotes.
    pub(crate) value: String,
    /// How much of the value the shell has behind it already when it completes: up to the last of its separators, or up
    /// to a quote that is open.
    pub(crate) kept: usize,
    /// The quote that is open at the end.
    pub(crate) open: Option<char>,
}

impl Word {
    /// A word that is the only one. `separators`: characters at which the shell takes words apart for completion.
    pub(crate) fn read(raw: &str, separators: &str) -> Self {
        let mut reader = Reader::new(separators);
        raw.chars().for_each(|c| reader.take(c));
        reader.word
    }
}

/// Takes a line apart at spaces; the last word is the one at its end, and may be empty.
pub(crate) fn split(line: &str, separators: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut reader = Reader::new(separators);
    for c in line.chars() {
        if c.is_whitespace() && !reader.is_quoted() {
            if reader.begun {
                words.push(std::mem::replace(&mut reader, Reader::new(separators)).word);
            }
        } else {
            reader.take(c);
        }
    }
    words.push(reader.word);
    words
}

struct Reader<'a> {
    separators: &'a str,
    word: Word,
    escaped: bool,
    /// Whether there is a word at all: `''` is one.
    begun: bool,
}

impl<'a> Reader<'a> {
    fn new(separators: &'a str) -> Self {
        Self { separators, word: Word::default(), escaped: false, begun: false }
    }

    fn is_quoted(&self) -> bool {
        self.escaped || self.word.open.is_some()
    }

    fn take(&mut self, c: char) {
        self.begun = true;
        if self.escaped {
            self.escaped = false;
            // Between double quotes a backslash is one, unless it stands before these.
            if self.word.open == Some('"') && !"\\\"$`".contains(c) {
                self.word.value.push('\\');
            }
            self.word.value.push(c);
            return;
        }
        match (self.word.open, c) {
            (None | Some('"'), '\\') => self.escaped = true,
            (None, '\'' | '"') => {
                self.word.open = Some(c);
                self.word.kept = self.word.value.len();
            }
            (Some(open), c) if open == c => self.word.open = None,
            (open, c) => {
                self.word.value.push(c);
                if open.is_none() && self.separators.contains(c) {
                    self.word.kept = self.word.value.len();
                }
            }
        }
    }
}

/// A value as a POSIX shell takes it, at a place where this quote is open.
pub(crate) fn quote(value: &str, open: Option<char>) -> String {
    match open {
        Some('\'') => value.replace('\'', "'\\''"),
        Some(_) => escape(value, |c| "\\\"$`".contains(c)),
        // Other scripts than Latin are words as well. A tilde in front stands for the home.
        None => escape(value, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:@%+=,~".contains(c)),
    }
}

fn escape(value: &str, needs: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if needs(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A value as PowerShell takes it. Between single quotes only these have a meaning there, of which it knows five.
pub(crate) fn quote_for_powershell(value: &str) -> String {
    let is_word = value.chars().all(|c| c.is_alphanumeric() || "_-./:=\\".contains(c));
    if is_word && !value.is_empty() {
        return value.to_owned();
    }
    let mut quoted = "'".to_owned();
    for c in value.chars() {
        quoted.push(c);
        if is_single_quote_of_powershell(c) {
            quoted.push(c);
        }
    }
    quoted + "'"
}

/// The apostrophe, and the quotation marks that word processors put in its place.
fn is_single_quote_of_powershell(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}'..='\u{201b}')
}

#[cfg(test)]
mod tests;
