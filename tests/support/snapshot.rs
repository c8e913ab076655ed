//! Text as a snapshot: what differs from run to run has a fixed word in its place.
//!
//! `insta::assert_snapshot!(finished.shown(), @"…")` holds the whole of what a program wrote, so that a change of a text
//! is a change in a test, to be reviewed as such.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use regex::{Captures, Regex};

use super::command::Finished;

/// What differs from run to run, and what stands there instead. The order counts: longer shapes come first.
const VARYING: &[(&str, &str)] = &[
    // What mktemp makes in the folder of a test.
    (r"/tmp\.[A-Za-z0-9]{6,10}\b", "/TEMPORARY"),
    (r"\bkey/[0-9a-f-]{36}\b", "key/KEY-ID"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "REQUEST-ID"),
    (r"\b(sandbox|ssmx)-[0-9a-z]{17}\b", "SESSION-ID"),
    (r"(127\.0\.0\.1|localhost|\[::1\]):[0-9]{4,5}\b", "$1:PORT"),
    (r"\bafter [0-9]+\.[0-9] s\b", "after TIME"),
    (r"\bpid [0-9]+\b", "pid PID"),
    // Each system has its own numbers, and each network its own way not to know a name.
    (r"\(os error [0-9]+\)", "(os error NUMBER)"),
    (r"failed to lookup address information: [A-Za-z ,]+", "failed to lookup address information: REASON"),
    // An age in a column goes with the blanks that fill it up.
    (r"(just now|\b[0-9]+ (s|min) ago) {2,}", "just now  "),
    (r"\b[0-9]+ (s|min) ago\b", "just now"),
    (r"\b[0-9]+ d(ays)? ago\b", "N d$1 ago"),
    // The ports that the system gives, and the program of the test, which has some.
    (r"(:|\b[Pp]ort )[0-9]{5}\b", "${1}PORT"),
    (r"\be2e-[0-9a-f]+ \(pid\b", "e2e (pid"),
];

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    // The checkout may itself be in the folder for temporary files: the program comes first.
    let program = std::fs::canonicalize(env!("CARGO_BIN_EXE_ssmx")).expect("the program was built");
    let programs = [env!("CARGO_BIN_EXE_ssmx"), program.to_str().expect("a path in UTF-8")];
    let programs = format!(r"({})\b", programs.map(regex::escape).join("|"));
    // What a test makes is in the folder that the environment names.
    let temporary = regex::escape(std::env::temp_dir().to_str().expect("a path in UTF-8").trim_end_matches('/'));
    let temporary = format!("{temporary}/[A-Za-z0-9._-]+");
    let machine = [(programs.as_str(), "/bin/ssmx"), (temporary.as_str(), "/tmp/TEMPORARY")];
    let rules = machine.iter().chain(VARYING);
    rules.map(|(shape, fixed)| (Regex::new(shape).expect("a regular expression"), *fixed)).collect()
});

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z").expect("a regular expression")
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

#[cfg(unix)]
impl super::pty::Pty {
    /// The lines on the screen, for a snapshot of a text: one that did not fit into a row is whole again.
    pub(crate) fn text(&self) -> String {
        on_screen(self.contents().lines())
    }
}

/// The rows of a screen, for a snapshot of a layout.
#[cfg(unix)]
pub(crate) fn rows(screen: &vt100::Screen) -> String {
    let (_, cols) = screen.size();
    on_screen(screen.rows(0, cols.get()))
}

/// Without the blanks at the ends of lines and of the screen, and with fixed words for what varies.
#[cfg(unix)]
fn on_screen(lines: impl Iterator<Item = impl AsRef<str>>) -> String {
    let lines: Vec<String> = lines.map(|line| line.as_ref().trim_end().to_owned()).collect();
    settled(lines.join("\n").trim_end())
}

/// A text with fixed words for what varies.
pub(crate) fn settled(text: &str) -> String {
    let text = TIME
        .replace_all(text, |found: &Captures<'_>| if is_today(&found[0]) { "TIMESTAMP" } else { &found[0] }.to_owned());
    RULES.iter().fold(text.into_owned(), |text, (shape, fixed)| shape.replace_all(&text, *fixed).into_owned())
}

/// Whether a time is within the last day. Those that are the same in each run are long past.
fn is_today(time: &str) -> bool {
    let time = humantime::parse_rfc3339(time).expect("a time");
    SystemTime::now().duration_since(time).is_ok_and(|passed| passed < Duration::from_hours(24))
}

/// One of several cases that share a snapshot: a text under a title.
pub(crate) fn case(title: impl std::fmt::Display, text: &str) -> String {
    format!("=== {title}\n{text}\n")
}

/// All of them.
pub(crate) fn cases(texts: impl IntoIterator<Item = (impl std::fmt::Display, String)>) -> String {
    texts.into_iter().map(|(title, text)| case(title, &text)).collect()
}

/// A command line as a title.
pub(crate) fn typed(words: &[&str]) -> String {
    shlex::try_join(words.iter().copied()).expect("no word has a NUL")
}

/// What we say where ssh runs us and adds a line of its own.
pub(crate) fn without_lines_of_ssh(text: &str) -> String {
    let ours: Vec<_> = text.lines().filter(|line| !line.contains("Connection closed by")).collect();
    settled(&ours.join("\n"))
}

/// What is said of a connection that was cut more than once: whether a close or a reset is seen is up to the timing.
pub(crate) fn without_reasons(text: &str) -> String {
    let lost = Regex::new(r"connection lost \(.*\);").expect("a regular expression");
    lost.replace_all(&settled(text), "connection lost (REASON);").into_owned()
}

/// What we say at last, after what a remote side or a shell may have written: from the first line on that is an error.
pub(crate) fn from_error(text: &str) -> String {
    settled(text.find("error: ").map_or("", |at| &text[at..]).trim_end())
}
