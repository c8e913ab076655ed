//! Text as a snapshot: what differs from run to run has a fixed word in its place.
//!
//! `insta::assert_snapshot!(finished.shown(), @"…")` holds the whole of what a program wrote, so that a change of a text
//! is a change in a test, to be reviewed as such.

use std::sync::LazyLock;

use regex::Regex;

use super::command::Finished;

/// What differs from run to run, and what stands there instead. The order counts: longer shapes come first.
const VARYING: &[(&str, &str)] = &[
    (r"/tmp/[A-Za-z0-9._-]+", "/tmp/TEMPORARY"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "REQUEST-ID"),
    (r"\b(sandbox|ssmx)-[0-9a-z]{17}\b", "SESSION-ID"),
    (r"(127\.0\.0\.1|localhost|\[::1\]):[0-9]{4,5}\b", "$1:PORT"),
];

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    VARYING.iter().map(|(shape, fixed)| (Regex::new(shape).expect("a regular expression"), *fixed)).collect()
});

impl Finished {
    /// The exit code and both streams as a person or a script gets them, with fixed words for what varies.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("exit code: {}\n", self.code());
        for (name, text) in [("stdout", self.out()), ("stderr", self.err())] {
            if !text.is_empty() {
                shown.push_str(&format!("--- {name}\n{}", settled(&text)));
                if !text.ends_with('\n') {
                    shown.push_str("<no line feed>\n");
                }
            }
        }
        shown
    }
}

/// A text with fixed words for what varies.
pub(crate) fn settled(text: &str) -> String {
    RULES.iter().fold(text.to_owned(), |text, (shape, fixed)| shape.replace_all(&text, *fixed).into_owned())
}
