//! What the API of a sandbox was asked.

use std::collections::BTreeMap;

/// The calls that there were so far, in all regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiCalls {
    /// How often each action was called, as IAM spells it, whatever became of it.
    pub made: BTreeMap<String, usize>,
    /// How many of these were too many.
    pub throttled: BTreeMap<String, usize>,
    /// How many calls of any action were under way at the same time, at most.
    pub most_at_once: usize,
    under_way: usize,
}

impl ApiCalls {
    pub(crate) fn begin(&mut self) {
        self.under_way += 1;
        self.most_at_once = self.most_at_once.max(self.under_way);
    }

    pub(crate) fn end(&mut self) {
        self.under_way -= 1;
    }

    pub(crate) fn count(&mut self, action: &str, is_too_much: bool) {
        *self.made.entry(action.to_owned()).or_default() += 1;
        if is_too_much {
            *self.throttled.entry(action.to_owned()).or_default() += 1;
        }
    }
}
