//! [`Matcher`]: whether a row is meant, how well, and by which letters.

use nucleo_matcher::{Config, Utf32Str};

use super::column;
use super::query::{Query, Term, Value, Word};
use super::row::{Row, Text, needed};
use crate::config::Column;

/// Below this for each letter, letters in order in a tag are there by chance: they have more gaps than letters.
const LEAST_SCORE: u16 = 14;

/// The fewest letters that mean anything in order in a tag.
const LEAST_IN_TAG: u16 = 3;

/// The least of an id or an address by which a row is excluded, in characters.
const LEAST_OF_ID: usize = 4;

/// How well a row matches; more is better.
///
/// What is meant exactly comes first, then what has the words in its name, in its id or an address, in anything, and last what
/// has only their letters in order. Among equals the better score is the better match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quality {
    pub(super) kind: Kind,
    pub(super) score: u16,
}

/// By what a row matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Letters in order.
    Letters,
    /// Whole words, somewhere.
    Anywhere,
    /// Whole words in the name, the id or an address.
    Id,
    /// Whole words in the name.
    Name,
    /// One of these as a whole.
    Exact,
}

/// Looks rows through for one query.
pub(super) struct Matcher {
    engine: nucleo_matcher::Matcher,
    query: Query,
    words: Vec<Needle>,
    not: Vec<Needle>,
    /// The letters of all words.
    needed: u64,
}

/// A word as the engine wants it.
struct Needle {
    text: Text,
    plain: String,
    cased: bool,
    letters: u64,
}

impl Matcher {
    pub(super) fn new() -> Self {
        let engine = nucleo_matcher::Matcher::new(Config::DEFAULT);
        Self { engine, query: Query::default(), words: Vec::new(), not: Vec::new(), needed: 0 }
    }

    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    pub(super) fn set_query(&mut self, query: Query) {
        self.words = query.words().map(Needle::new).collect();
        self.not = query
            .terms()
            .iter()
            .filter_map(|term| match term {
                Term::NotWord(word) => Some(Needle::new(word)),
                _ => None,
            })
            .collect();
        self.needed = self.words.iter().fold(0, |all, word| all | word.letters);
        self.query = query;
    }

    /// How well the row matches, if it does.
    pub(super) fn quality(&mut self, row: &Row, letters: u64) -> Option<Quality> {
        if letters & self.needed != self.needed {
            return None;
        }
        let engine = &mut self.engine;
        for term in self.query.terms() {
            let holds = match term {
                Term::Value(value) => has_value(row, value),
                Term::NotValue(value) => !has_value(row, value),
                Term::Word(_) | Term::NotWord(_) => true,
            };
            if !holds {
                return None;
            }
        }
        if self.not.iter().any(|word| word.is_part_of_any(engine, row)) {
            return None;
        }
        let mut all = Quality { kind: Kind::Exact, score: 0 };
        for word in &self.words {
            let one = word.quality(engine, row)?;
            all.kind = all.kind.min(one.kind);
            all.score = all.score.saturating_add(one.score);
        }
        if self.words.is_empty() {
            all.kind = Kind::Anywhere;
        }
        Some(all)
    }

    /// The places of letters in `text` by which the query matches, each once and in order. Letters with others between
    /// them count where `scattered` says so.
    pub(super) fn places(&mut self, text: &Text, scattered: bool, places: &mut Vec<u32>) {
        places.clear();
        for word in &self.words {
            if !text.has(word.letters) {
                continue;
            }
            word.configure(&mut self.engine);
            let (haystack, needle) = (text.as_str(), word.text.as_str());
            let found = self.engine.substring_indices(haystack, needle, places);
            if found.is_none() && scattered {
                let _ = self.engine.fuzzy_indices(haystack, needle, places);
            }
        }
        places.sort_unstable();
        places.dedup();
    }
}

impl Needle {
    fn new(word: &Word) -> Self {
        Self { text: Text::new(&word.text), plain: word.text.clone(), cased: word.cased, letters: needed(&word.text) }
    }

    fn configure(&self, engine: &mut nucleo_matcher::Matcher) {
        engine.config.ignore_case = !self.cased;
        // An accent that was typed is meant.
        engine.config.normalize = matches!(self.text.as_str(), Utf32Str::Ascii(_));
    }

    fn part(&self, engine: &mut nucleo_matcher::Matcher, text: &Text) -> Option<u16> {
        if text.has(self.letters) { engine.substring_match(text.as_str(), self.text.as_str()) } else { None }
    }

    fn scattered(&self, engine: &mut nucleo_matcher::Matcher, text: &Text) -> Option<u16> {
        if text.has(self.letters) { engine.fuzzy_match(text.as_str(), self.text.as_str()) } else { None }
    }

    fn is_part_of_any(&self, engine: &mut nucleo_matcher::Matcher, row: &Row) -> bool {
        self.configure(engine);
        // A few digits stand in most ids by chance.
        let ids = Some(&row.ids).filter(|_| self.plain.len() >= LEAST_OF_ID);
        let mut texts = [&row.name, &row.rest].into_iter().chain(ids).chain(&row.tags);
        texts.any(|text| self.part(engine, text).is_some())
    }

    fn quality(&self, engine: &mut nucleo_matcher::Matcher, row: &Row) -> Option<Quality> {
        self.configure(engine);
        if let Some(score) = self.part(engine, &row.name) {
            let is_all = row.name.as_str().len() == self.text.as_str().len();
            return Some(Quality { kind: if is_all { Kind::Exact } else { Kind::Name }, score });
        }
        if let Some(score) = self.part(engine, &row.ids) {
            let is_all = row.instance.id == self.plain || row.instance.private_ip.as_ref() == Some(&self.plain);
            return Some(Quality { kind: if is_all { Kind::Exact } else { Kind::Id }, score });
        }
        let tag = row.tags.iter().filter_map(|tag| self.part(engine, tag)).max();
        if let Some(score) = tag.or_else(|| self.part(engine, &row.rest)) {
            return Some(Quality { kind: Kind::Anywhere, score });
        }
        // A name is what people remember.
        if let Some(score) = self.scattered(engine, &row.name) {
            return Some(Quality { kind: Kind::Letters, score });
        }
        let length = u16::try_from(self.text.as_str().len()).unwrap_or(u16::MAX);
        if length < LEAST_IN_TAG {
            return None;
        }
        let score = row.tags.iter().filter_map(|tag| self.scattered(engine, tag)).max()?;
        let is_meant = score >= LEAST_SCORE.saturating_mul(length);
        is_meant.then_some(Quality { kind: Kind::Letters, score: score / 2 })
    }
}

/// Whether a tag of the instance has the value, or a column, where it has no such tag.
fn has_value(row: &Row, value: &Value) -> bool {
    let mut tags = row.instance.tags.iter().filter(|(key, _)| value.is_key(key)).peekable();
    if tags.peek().is_some() {
        return tags.any(|(_, text)| value.is_value(text));
    }
    match Column::named(&value.key.text) {
        Some(Column::Tag(_)) | None => false,
        // The family is what one means, not the name and version.
        Some(Column::Platform) if row.instance.platform.is_some_and(|platform| value.is_value(platform.as_str())) => {
            true
        }
        Some(column) => {
            let text = column::text(&column, &row.instance);
            !text.is_empty() && value.is_value(&text)
        }
    }
}

#[cfg(test)]
mod tests;
