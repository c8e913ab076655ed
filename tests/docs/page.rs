//! What a page asks for: its commands, and what they are to print.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// A command of a page.
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) command: String,
    pub(super) code: i32,
    printed: Vec<String>,
}

/// The port of the documentation on which something answers.
const SERVED: &str = "8000";

/// The other ports that it names. Any can be taken on the machine that runs the test.
const OTHERS: [&str; 5] = ["1080", "5432", "6379", "9000", "9001"];

/// The ports that were tried.
static TRIED: AtomicU16 = AtomicU16::new(0);

/// A listener below the ports that the system gives to connections: any of those could take one while the commands run.
fn listen() -> TcpListener {
    let first = (process::id() % 10_000) as u16;
    let ports = std::iter::repeat_with(|| 20_000 + (first + TRIED.fetch_add(1, Ordering::Relaxed)) % 12_000);
    ports.take(1_000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("a free port")
}

/// Free ports in place of those of the documentation.
pub(super) struct Ports(Vec<(&'static str, String)>);

impl Ports {
    pub(super) fn free(serve: impl Fn(TcpListener)) -> Self {
        let number = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
        let served = listen();
        // All at once, so that they differ.
        let others = OTHERS.map(|port| (port, listen()));
        let mut ports = vec![(SERVED, number(&served))];
        ports.extend(others.iter().map(|(port, listener)| (*port, number(listener))));
        serve(served);
        Self(ports)
    }

    pub(super) fn put_into(&self, text: &str) -> String {
        // Numbers and what is between them.
        let mut parts: Vec<String> = Vec::new();
        for c in text.chars() {
            match parts.last_mut() {
                Some(part) if part.ends_with(|last: char| last.is_ascii_digit()) == c.is_ascii_digit() => part.push(c),
                _ => parts.push(c.into()),
            }
        }
        let replaced =
            |part: String| self.0.iter().find(|(port, _)| *port == part).map_or(part, |(_, free)| free.clone());
        parts.into_iter().map(replaced).collect()
    }
}

/// The commands of the marked blocks.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut inside): (Vec<Step>, bool) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console sandbox";
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            let (command, code) = command.split_once("# exit code ").unwrap_or((command, "0"));
            let (command, code) = (command.to_owned(), code.trim().parse().expect("a code"));
            steps.push(Step { line: number + 1, command, code, printed: Vec::new() });
        } else {
            let step = steps.last_mut().expect("a command before what it prints");
            match line.strip_prefix("> ") {
                Some(more) => step.command.push_str(&format!("\n{more}")),
                None => step.printed.push(line.to_owned()),
            }
        }
    }
    steps
}

impl Step {
    /// Whether a command that printed this printed what is shown. In any order, as it has two streams.
    pub(super) fn is_shown_by(&self, printed: &str) -> bool {
        let mut lines: Vec<String> = printed.lines().map(plain).filter(|line| !line.is_empty()).collect();
        let shown: Vec<String> = self.printed.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect();
        let all_there = shown.iter().filter(|line| *line != "…").all(|shown| {
            let found = lines.iter().position(|line| is_like(line, shown));
            found.map(|found| lines.remove(found)).is_some()
        });
        all_there && (lines.is_empty() || shown.is_empty() || shown.iter().any(|line| line == "…"))
    }
}

/// A line without what the width of columns makes of it.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line is as shown, where `…` stands for anything.
fn is_like(line: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = shown.contains('…').then(|| parts.next_back()).flatten() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[test]
fn lines_are_like_what_is_shown() {
    for (line, shown) in [("a b c", "a b c"), ("a b c", "a…c"), ("a b c", "…"), ("a b c d", "a…c…"), ("ab", "a…b")]
    {
        assert!(is_like(line, shown), "{line} {shown}");
    }
    for (line, shown) in [("a b c", "a b"), ("a b c", "a…b"), ("b", "a…"), ("a b", "a…c…b")] {
        assert!(!is_like(line, shown), "{line} {shown}");
    }
    let step = |printed: &[&str]| Step {
        line: 1,
        command: String::new(),
        code: 0,
        printed: printed.iter().map(|&line| line.to_owned()).collect(),
    };
    assert!(step(&["a", "b"]).is_shown_by("b\na\n") && step(&["a", "…"]).is_shown_by("b\na\n"));
    assert!(!step(&["a"]).is_shown_by("b\na\n") && !step(&["a", "b"]).is_shown_by("a\n"));
    assert!(step(&[]).is_shown_by("anything"));
}
