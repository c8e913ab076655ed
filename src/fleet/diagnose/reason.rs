//! [`Reason`]: one thing that keeps an instance from being reached, how it was seen, and what fixes it.

use std::time::{Duration, SystemTime};

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

/// How long ago something was, in a unit that says enough, as in "2 hours".
pub(crate) fn ago(now: SystemTime, then: SystemTime) -> String {
    // A clock that is behind makes it the present.
    let seconds = now.duration_since(then).unwrap_or(Duration::ZERO).as_secs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A time as people and programs read it: `2026-01-31T23:59:59Z`.
pub(crate) fn at(time: SystemTime) -> String {
    // Services do not know of times before 1970, which have no such form.
    let time = time.max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_a_unit_that_says_enough() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000);
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(ago(now, now - Duration::from_secs(seconds)), text);
        }
        assert_eq!(ago(now, now + Duration::from_secs(60)), "0 seconds");
        assert_eq!(at(SystemTime::UNIX_EPOCH + Duration::from_secs(60)), "1970-01-01T00:01:00Z");
    }
}
