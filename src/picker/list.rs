//! [`List`]: all instances that have come, and those that match, best first.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::matcher::{Kind, Matcher, Quality};
use super::query::Query;
use super::row::Row;
use crate::fleet::{Instance, Place};

/// The most instances that are listed. What comes beyond it is counted and left out.
pub(crate) const MOST_ROWS: usize = 100_000;

/// The instances, and which of them match the query.
pub(super) struct List {
    rows: Vec<Row>,
    /// For each row: the letters in it, and how good it is if it matches.
    letters: Vec<u64>,
    ranks: Vec<Option<u64>>,
    /// For each row its place by name, for those that are otherwise equal.
    order: Vec<u32>,
    by_identity: HashMap<(String, Place), usize>,
    recent: HashMap<String, u8>,
    matcher: Matcher,
    /// Rows that match, best first.
    shown: Vec<u32>,
    stale_order: bool,
    stale_shown: bool,
    /// The look around that is under way.
    look: u32,
    pub(super) left_out: usize,
    most: usize,
}

impl List {
    /// An empty list. Of the instances that were used lately, the last comes first in `recent`.
    pub(super) fn new(recent: &[String]) -> Self {
        let newest_first = recent.iter().take(usize::from(u8::MAX)).zip((1..=u8::MAX).rev());
        // The first of several counts: it is put in last.
        let recent: HashMap<String, u8> = newest_first.map(|(id, rank)| (id.clone(), rank)).rev().collect();
        Self {
            rows: Vec::new(),
            letters: Vec::new(),
            ranks: Vec::new(),
            order: Vec::new(),
            by_identity: HashMap::new(),
            recent,
            matcher: Matcher::new(),
            shown: Vec::new(),
            stale_order: false,
            stale_shown: false,
            look: 0,
            left_out: 0,
            most: MOST_ROWS,
        }
    }

    /// Adds instances; one that is there already is replaced.
    pub(super) fn add(&mut self, instances: Vec<Instance>) {
        for instance in instances {
            let identity = (instance.id.clone(), instance.place.clone());
            let mut row = Row::new(instance, self.look);
            let letters = row.letters();
            let rank = self.matcher.quality(&row, letters).map(|quality| rank(&self.recent, &row, quality));
            match self.by_identity.get(&identity) {
                Some(&at) => {
                    row.marked = self.rows[at].marked;
                    self.stale_order |= self.rows[at].instance.name != row.instance.name;
                    self.rows[at] = row;
                    self.letters[at] = letters;
                    self.ranks[at] = rank;
                }
                None if self.rows.len() >= self.most => {
                    self.left_out += 1;
                    continue;
                }
                None => {
                    self.by_identity.insert(identity, self.rows.len());
                    self.rows.push(row);
                    self.letters.push(letters);
                    self.ranks.push(rank);
                    self.stale_order = true;
                }
            }
            self.stale_shown = true;
        }
    }

    /// From here on everything is looked at anew.
    pub(super) fn start_look(&mut self) {
        self.look = self.look.wrapping_add(1);
        self.left_out = 0;
    }

    /// Removes what was not seen since [`Self::start_look`]. Rows change their numbers: returns where `kept` is now.
    pub(super) fn remove_unseen(&mut self, kept: Option<usize>) -> Option<usize> {
        let look = self.look;
        self.retain(|row| row.seen == look, kept)
    }

    /// Removes what is gone. Rows change their numbers: returns where `kept` is now.
    pub(super) fn remove(&mut self, gone: &[(Place, String)], kept: Option<usize>) -> Option<usize> {
        let gone: HashSet<(&Place, &String)> = gone.iter().map(|(place, id)| (place, id)).collect();
        self.retain(|row| !gone.contains(&(&row.instance.place, &row.instance.id)), kept)
    }

    fn retain(&mut self, stays: impl Fn(&Row) -> bool, kept: Option<usize>) -> Option<usize> {
        let staying: Vec<bool> = self.rows.iter().map(stays).collect();
        if staying.iter().all(|stays| *stays) {
            return kept;
        }
        let kept = kept.filter(|at| staying[*at]).map(|at| staying[..at].iter().filter(|stays| **stays).count());
        keep(&mut self.rows, &staying);
        keep(&mut self.letters, &staying);
        keep(&mut self.ranks, &staying);
        self.by_identity.clear();
        for (at, row) in self.rows.iter().enumerate() {
            self.by_identity.insert((row.instance.id.clone(), row.instance.place.clone()), at);
        }
        (self.stale_order, self.stale_shown) = (true, true);
        kept
    }

    /// Looks everything through for a query; what a query that is narrower than the one before cannot find any more is
    /// not looked at again.
    pub(super) fn search(&mut self, query: Query) {
        if query == *self.matcher.query() {
            return;
        }
        let narrower = query.narrows(self.matcher.query());
        self.matcher.set_query(query);
        for at in 0..self.rows.len() {
            if narrower && self.ranks[at].is_none() {
                continue;
            }
            let row = &self.rows[at];
            self.ranks[at] =
                self.matcher.quality(row, self.letters[at]).map(|quality| rank(&self.recent, row, quality));
        }
        self.stale_shown = true;
    }

    /// The rows that match, best first.
    pub(super) fn shown(&mut self) -> &[u32] {
        if self.stale_order {
            let mut by_name: Vec<u32> = (0..).take(self.rows.len()).collect();
            by_name.sort_by_cached_key(|at| self::by_name(&self.rows[*at as usize].instance));
            self.order.resize(self.rows.len(), 0);
            for (place, at) in (0..).zip(by_name) {
                self.order[at as usize] = place;
            }
            self.stale_order = false;
            self.stale_shown = true;
        }
        if self.stale_shown {
            let ranked = (0..).zip(&self.ranks).zip(&self.order);
            let mut ranked: Vec<(Reverse<u64>, u32, u32)> =
                ranked.filter_map(|((at, rank), order)| rank.map(|rank| (Reverse(rank), *order, at))).collect();
            ranked.sort_unstable();
            self.shown.clear();
            self.shown.extend(ranked.into_iter().map(|(_, _, at)| at));
            self.stale_shown = false;
        }
        &self.shown
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn row_mut(&mut self, at: usize) -> &mut Row {
        &mut self.rows[at]
    }

    pub(super) fn matcher(&mut self) -> &mut Matcher {
        &mut self.matcher
    }
}

fn keep<T>(all: &mut Vec<T>, staying: &[bool]) {
    let mut staying = staying.iter();
    all.retain(|_| staying.next().is_some_and(|stays| *stays));
}

/// Those without a name stand last.
fn by_name(instance: &Instance) -> (bool, Vec<u8>, String, Place) {
    let name = instance.name.as_deref().unwrap_or_default();
    (name.is_empty(), natural(name), instance.id.clone(), instance.place.clone())
}

/// Bytes by whose order `web-9` stands before `web-10`, without regard to case.
fn natural(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 2);
    let mut rest = name.as_bytes();
    while let Some(first) = rest.first() {
        if !first.is_ascii_digit() {
            key.push(first.to_ascii_lowercase());
            rest = &rest[1..];
            continue;
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zeros = rest[..digits].iter().take_while(|byte| **byte == b'0').count();
        // A longer number is a larger one; it stands where digits stand among the other characters.
        key.extend([b'0', u8::try_from(digits - zeros).unwrap_or(u8::MAX)]);
        key.extend_from_slice(&rest[zeros..digits]);
        rest = &rest[digits..];
    }
    key
}

/// One number by which the better row has the higher one: how it matches, whether it can be reached, how lately it was
/// used, and last how good the match is among those of a kind. Letters in order are the exception: there a better match
/// says more than all else.
fn rank(recent: &HashMap<String, u8>, row: &Row, quality: Quality) -> u64 {
    let kind = quality.kind as u64;
    let letters = if quality.kind == Kind::Letters { u64::from(quality.score) } else { 0 };
    let reachable = u64::from(3 - row.instance.status.rank().min(3));
    let recent = u64::from(recent.get(&row.instance.id).copied().unwrap_or(0));
    kind << 42 | letters << 26 | reachable << 24 | recent << 16 | u64::from(quality.score)
}

#[cfg(test)]
mod tests;
