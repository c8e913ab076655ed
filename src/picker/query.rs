//! [`Query`]: what a person typed to narrow the list.

use crate::fleet::query::glob;

/// A query, all of whose terms must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    terms: Vec<Term>,
}

/// One word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// Letters that stand in this order in the name, in a tag, or together in an id or an address.
    Word(Word),
    /// `!word`: the word stands nowhere.
    NotWord(Word),
    /// `key=value`: a tag, or a column, has the value.
    Value(Value),
    /// `!key=value`: it has not.
    NotValue(Value),
}

/// Letters to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The letters, in lower case if case does not matter.
    pub text: String,
    /// Whether case matters: it does once a letter is in upper case.
    pub cased: bool,
}

/// The value that a tag or a column should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// The key of the tag, or the name of the column.
    pub key: Word,
    /// The value, in which `*` stands for any letters.
    pub value: Word,
    /// It is still being typed: the beginning of a value is enough.
    pub unfinished: bool,
}

impl Query {
    /// Reads what was typed. With `unfinished` the last word is still being typed, unless white space follows it: until
    /// then `Env=pr` finds also `Env=prod`.
    pub(crate) fn parse(text: &str, unfinished: bool) -> Self {
        let unfinished = unfinished && !text.ends_with(char::is_whitespace);
        let mut words = text.split_whitespace().peekable();
        let mut terms = Vec::new();
        while let Some(word) = words.next() {
            let unfinished = unfinished && words.peek().is_none();
            let (not, word) = word.strip_prefix('!').map_or((false, word), |word| (true, word));
            let term = match word.split_once('=').filter(|(key, _)| !key.is_empty()) {
                // Without a value yet, those that have the key are wanted.
                Some((_, "")) if not && unfinished => continue,
                Some((key, value)) if not => Term::NotValue(Value::new(key, value, false)),
                Some((key, value)) => Term::Value(Value::new(key, value, unfinished)),
                None if word.is_empty() => continue,
                None if not => Term::NotWord(Word::new(word)),
                None => Term::Word(Word::new(word)),
            };
            terms.push(term);
        }
        Self { terms }
    }

    /// The terms, as typed.
    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The words that are to be found, and shown where they are.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Word> {
        self.terms.iter().filter_map(|term| match term {
            Term::Word(word) => Some(word),
            _ => None,
        })
    }

    /// Whether all that this query finds was found by `wider` too, so that only that needs to be looked through.
    pub(crate) fn narrows(&self, wider: &Self) -> bool {
        let Some((last, before)) = wider.terms.split_last() else { return true };
        let Some((here, _)) = self.terms[before.len().min(self.terms.len())..].split_first() else { return false };
        self.terms[..before.len()] == *before
            && match (last, here) {
                (last, here) if last == here => true,
                (Term::Word(last), Term::Word(here)) => {
                    here.text.to_lowercase().starts_with(&last.text.to_lowercase())
                        && (!last.cased || here.text.starts_with(&last.text))
                }
                _ => false,
            }
    }
}

impl Word {
    fn new(text: &str) -> Self {
        let cased = text.chars().any(char::is_uppercase);
        Self { text: text.to_owned(), cased }
    }

    /// Whether the text is this one, where `*` stands for any letters.
    pub(crate) fn is_glob_of(&self, text: &str) -> bool {
        if self.cased { glob::matches(&self.text, text) } else { glob::matches(&self.text, &text.to_lowercase()) }
    }
}

impl Value {
    fn new(key: &str, value: &str, unfinished: bool) -> Self {
        Self { key: Word::new(key), value: Word::new(value), unfinished }
    }

    /// Whether a tag or column of this name is meant.
    pub(crate) fn is_key(&self, key: &str) -> bool {
        if self.key.cased { self.key.text == key } else { self.key.text == key.to_lowercase() }
    }

    /// Whether it is the value that is meant.
    pub(crate) fn is_value(&self, value: &str) -> bool {
        // A value of `key=` finds all that have the key.
        if self.value.text.is_empty() {
            return self.unfinished || value.is_empty();
        }
        if !self.unfinished {
            return self.value.is_glob_of(value);
        }
        let begun = Word { text: format!("{}*", self.value.text), cased: self.value.cased };
        begun.is_glob_of(value)
    }
}

#[cfg(test)]
mod tests;
