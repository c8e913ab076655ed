//! [`pick_plainly`]: the same choice with numbered lines, for a terminal that cannot draw and for screen readers.

use std::io;

use super::column;
use super::feed::Feed;
use super::layout::columns;
use super::run::Outcome;
use super::state::{Settings, State};
use crate::config::Column;
use crate::fleet::Instance;
use crate::terminal::{ByteInput, Output, Terminations, size};
use crate::text::{fitting, printable, width};

/// How many instances are listed at a time.
const MOST_LISTED: usize = 20;

/// The longest line that is read, in bytes. The rest of a longer one is left out.
const MOST_TYPED: usize = 4096;

/// The width of a terminal that does not know it.
const UNKNOWN: usize = 80;

/// Lets a person choose by number, or narrow the list with words. Waits for all instances first. Standard output is left
/// alone, and the modes of the terminal too.
///
/// # Errors
/// Standard input or standard error cannot be used.
pub(crate) async fn pick_plainly(
    mut feed: Feed,
    settings: Settings,
    terminations: &mut Terminations,
) -> io::Result<Outcome> {
    let mut output = Output::stderr()?;
    let multi = settings.multi;
    let width = size::size().map_or(UNKNOWN, |size| size.cols.into());
    let mut asked = settings.query.clone();
    let mut state = State::new(settings);
    loop {
        tokio::select! {
            signal = terminations.next() => return Ok(Outcome::Stopped(signal)),
            update = feed.updates.recv() => match update {
                Some(update) => state.apply(update),
                None => state.feed_ended(),
            },
        }
        if state.is_hopeless() {
            return Ok(Outcome::Failed);
        }
        if !state.is_looking() {
            break;
        }
    }
    // Only now: what was typed until here is an answer too.
    let mut input = ByteInput::open()?;
    loop {
        state.ask(&asked);
        let (text, listed) = page(&mut state, width);
        output.write_all(text.as_bytes()).await?;
        output.write_all(question(multi).as_bytes()).await?;
        output.flush().await?;
        let line = tokio::select! {
            signal = terminations.next() => return Ok(Outcome::Stopped(signal)),
            line = line(&mut input) => line?,
        };
        match line.map(|line| answer(&line, listed.len(), multi)) {
            None => {
                output.write_all(b"\n").await?;
                output.flush().await?;
                return Ok(Outcome::Left);
            }
            Some(Answer::Leave) => return Ok(Outcome::Left),
            Some(Answer::Numbers(numbers)) => {
                return Ok(Outcome::Chosen(numbers.into_iter().map(|number| listed[number - 1].clone()).collect()));
            }
            Some(Answer::Words(words)) => asked = words,
        }
    }
}

fn question(multi: bool) -> String {
    let numbers = if multi { "Numbers" } else { "Number" };
    format!("{numbers}, or text to filter, Enter to cancel: ")
}

/// A page of the list, and what is on it.
fn page(state: &mut State, cells: usize) -> (String, Vec<Instance>) {
    let (matching, all) = state.counts();
    let (_, rows) = state.window(MOST_LISTED);
    let listed: Vec<Instance> = rows.into_iter().map(|at| state.row(at).instance.clone()).collect();
    let settings = state.settings();
    let shown = columns(&settings.columns, state.widths(), cells.saturating_sub(5));
    let mut text = String::from("\n");
    if !settings.title.is_empty() {
        text.push_str(&printable(&settings.title));
        text.push('\n');
    }
    let line = |text: &mut String, number: &str, cell: &dyn Fn(&Column) -> String| {
        text.push_str(&format!("{number:>3}"));
        for (at, cells) in &shown {
            let cell = cell(&settings.columns[*at]);
            let (fit, cut) = fitting(&cell, (*cells).into());
            let mut cell: String = cell.chars().take(fit).collect();
            if cut {
                cell.push('…');
            }
            let padding = usize::from(*cells).saturating_sub(width(&cell));
            text.push_str(&format!("  {cell}{:padding$}", ""));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    if !listed.is_empty() {
        line(&mut text, "", &column::title);
    }
    for (number, instance) in (1..).zip(&listed) {
        line(&mut text, &format!("{number}"), &|column| printable(&column::text(column, instance)).into_owned());
    }
    for note in state.notes() {
        text.push_str(&format!("({note})\n"));
    }
    if matching == 0 {
        text.push_str(&format!("None of {all} match.\n"));
    } else if matching > listed.len() {
        text.push_str(&format!("{} more of {all} match.\n", matching - listed.len()));
    }
    (text, listed)
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Leave,
    /// Numbers of the list, from 1.
    Numbers(Vec<usize>),
    Words(String),
}

fn answer(line: &str, listed: usize, multi: bool) -> Answer {
    let words: Vec<&str> = line.split([',', ' ', '\t']).filter(|word| !word.is_empty()).collect();
    let number = |word: &&str| word.parse().ok().filter(|number| (1..=listed).contains(number));
    let numbers: Option<Vec<usize>> = words.iter().map(number).collect();
    match numbers {
        Some(numbers) if numbers.is_empty() => Answer::Leave,
        Some(mut numbers) if multi || numbers.len() == 1 => {
            let mut seen = std::collections::HashSet::new();
            numbers.retain(|number| seen.insert(*number));
            Answer::Numbers(numbers)
        }
        _ => Answer::Words(line.trim().to_owned()),
    }
}

/// The next line, without its end; none at the end of input.
async fn line(input: &mut ByteInput) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        match input.next().await? {
            None if bytes.is_empty() => return Ok(None),
            None | Some(b'\n') => return Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Some(byte) if bytes.len() < MOST_TYPED => bytes.push(byte),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picker::feed::Update;
    use crate::testing::{fleet, instance};

    #[test]
    fn numbers_are_chosen_and_words_narrow() {
        assert_eq!(answer(" 3 ", 5, false), Answer::Numbers(vec![3]));
        assert_eq!(answer("6", 5, false), Answer::Words("6".into()));
        assert_eq!(answer("0", 5, false), Answer::Words("0".into()));
        assert_eq!(answer("1, 3 1", 5, true), Answer::Numbers(vec![1, 3]));
        assert_eq!(answer("1 3", 5, false), Answer::Words("1 3".into()));
        assert_eq!(answer("web 1", 5, true), Answer::Words("web 1".into()));
        assert_eq!((answer("", 5, true), answer(" \t", 5, false)), (Answer::Leave, Answer::Leave));
    }

    #[test]
    fn a_page_is_numbered_and_says_what_it_leaves_out() {
        let mut state = State::new(Settings { title: "which?".into(), ..Settings::default() });
        state.apply(Update::Found(fleet(100)));
        state.apply(Update::Note("denied".into()));
        let (text, listed) = page(&mut state, 80);
        assert_eq!(listed.len(), 20);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "which?");
        assert!(lines[2].starts_with("     NAME"), "{text}");
        assert!(lines[3].starts_with("  1  dev-api-00008"), "{text}");
        assert!(lines[22].starts_with(" 20  "), "{text}");
        assert_eq!(lines[23..], ["(denied)", "80 more of 100 match."]);
        assert!(lines.iter().all(|line| width(line) <= 80), "{text}");
        state.ask("nothing-like-it");
        assert_eq!(page(&mut state, 80), ("\nwhich?\n(denied)\nNone of 100 match.\n".to_owned(), Vec::new()));
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        let mut state = State::new(Settings::default());
        state.apply(Update::Found(vec![instance("i-1", "a\x1b[2J")]));
        assert!(!page(&mut state, 80).0.contains('\x1b'));
    }
}
