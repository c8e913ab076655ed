//! What was found out of a target, for a person.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::report::Report;
use crate::aws::PingStatus;
use crate::fleet::diagnose::{Facts, Reason, Verdict};
use crate::text::{printable, printable_lines};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const UNSURE: Style = AnsiColor::Yellow.on_default().bold();
const LABEL: Style = Style::new().dimmed();

/// A headline, and below it the reasons with their fixes.
pub(crate) fn report(report: &Report, colored: bool) -> String {
    let (facts, diagnosis) = (&report.facts, &report.diagnosis);
    let subject = match facts.name() {
        Some(name) => format!("{} ({})", printable(name), facts.id),
        None => printable(&facts.id).into_owned(),
    };
    let summary = printable_lines(&diagnosis.summary);
    let mut text = match diagnosis.verdict {
        Verdict::Reachable => format!("{subject} {GOOD}can be reached{GOOD:#}{}\n", agent(facts)),
        Verdict::NotConnected => format!("{subject} {BAD}cannot be reached{BAD:#}: {summary}\n"),
        Verdict::NoSuchTarget => format!("{subject} {BAD}cannot be reached{BAD:#}: {summary}\n"),
        Verdict::Undetermined(_) => format!("{subject} {UNSURE}may or may not be reached{UNSURE:#}: {summary}\n"),
    };
    match diagnosis.reasons.as_slice() {
        // The headline has said it.
        [only] if only.what == diagnosis.summary => details(&mut text, only, 2),
        reasons => {
            for (place, reason) in reasons.iter().enumerate() {
                let _ = writeln!(text, "  {}. {}", place + 1, printable_lines(&reason.what));
                details(&mut text, reason, 5);
            }
        }
    }
    for caution in &diagnosis.cautions {
        let _ = writeln!(text, "  {UNSURE}note{UNSURE:#}: {}", printable_lines(&caution.what));
        details(&mut text, caution, 8);
    }
    if colored { text } else { anstream::adapter::strip_str(&text).to_string() }
}

fn details(text: &mut String, reason: &Reason, indent: usize) {
    let mut line = |label: &str, content: &str| {
        let _ = writeln!(text, "{:indent$}{LABEL}{label:5}{LABEL:#}{}", "", printable_lines(content));
    };
    line("seen:", &format!(" {}", reason.seen));
    for (place, fix) in reason.fix.iter().enumerate() {
        line(if place == 0 { "fix:" } else { "" }, &format!(" {fix}"));
    }
}

/// What is known of the agent, in a few words.
fn agent(facts: &Facts) -> String {
    let Some(agent) = facts.known_agent() else { return String::new() };
    let version = agent.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let online = if agent.ping == PingStatus::Online { " online" } else { "" };
    let platform = agent.platform_name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    printable(&format!(": agent{version}{online}{platform}")).into_owned()
}
