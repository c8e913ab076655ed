//! What was found out of a target, for a person.

use anstyle::{AnsiColor, Style};

use super::report::Finding;
use crate::aws::PingStatus;
use crate::cli::ui::wrap::wrap;
use crate::fleet::diagnose::{Facts, Reason, Verdict};
use crate::text::{printable, printable_lines};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const UNSURE: Style = AnsiColor::Yellow.on_default().bold();
const LABEL: Style = Style::new().dimmed();

/// A headline, and below it the reasons with their fixes. Lines longer than `width` are broken between words.
pub(crate) fn finding(finding: &Finding, colored: bool, width: Option<usize>) -> String {
    let (facts, diagnosis) = (&finding.facts, &finding.diagnosis);
    let subject = match facts.name() {
        Some(name) => format!("{} ({})", printable(name), facts.id),
        None => printable(&facts.id).into_owned(),
    };
    let summary = printable_lines(&diagnosis.summary);
    let mut lines = Lines { text: String::new(), width };
    let headline = match diagnosis.verdict {
        Verdict::Reachable => format!("{subject} {GOOD}can be reached{GOOD:#}{}", agent(facts)),
        Verdict::NotConnected => format!("{subject} {BAD}cannot be reached{BAD:#}: {summary}"),
        Verdict::NoSuchTarget => format!("{subject} {BAD}cannot be reached{BAD:#}: {summary}"),
        Verdict::Undetermined(_) => format!("{subject} {UNSURE}may or may not be reachable{UNSURE:#}: {summary}"),
    };
    lines.push(&headline, 4);
    match diagnosis.reasons.as_slice() {
        // The headline has said it.
        [only] if only.what == diagnosis.summary => lines.details(only, 2),
        reasons => {
            for (place, reason) in reasons.iter().enumerate() {
                lines.push(&format!("  {}. {}", place + 1, printable_lines(&reason.what)), 5);
                lines.details(reason, 5);
            }
        }
    }
    for caution in &diagnosis.cautions {
        lines.push(&format!("  {UNSURE}note{UNSURE:#}: {}", printable_lines(&caution.what)), 8);
        lines.details(caution, 8);
    }
    if colored { lines.text } else { anstream::adapter::strip_str(&lines.text).to_string() }
}

struct Lines {
    text: String,
    width: Option<usize>,
}

impl Lines {
    /// Adds a line. Where it has to be broken, its other parts are indented by `hang`.
    fn push(&mut self, line: &str, hang: usize) {
        match self.width {
            Some(width) => self.text.push_str(&wrap(line, width, hang)),
            None => self.text.push_str(line),
        }
        self.text.push('\n');
    }

    fn details(&mut self, reason: &Reason, indent: usize) {
        let seen = [("seen:", &reason.seen)].into_iter();
        let fixes = reason.fix.iter().enumerate().map(|(place, fix)| (if place == 0 { "fix:" } else { "" }, fix));
        for (label, content) in seen.chain(fixes) {
            let line = format!("{:indent$}{LABEL}{label:5}{LABEL:#} {}", "", printable_lines(content));
            self.push(&line, indent + 6);
        }
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
