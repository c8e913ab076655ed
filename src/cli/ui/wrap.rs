//! Breaks long lines between words, as the terminal by itself would break them anywhere.

use std::iter;

use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::size;

/// Cells that a text needs beside its indent; with less room its lines are left to the terminal.
const LEAST: usize = 20;

/// The width of the terminal, in cells.
pub(crate) fn width() -> Option<usize> {
    size::size().map(|size| usize::from(size.cols))
}

/// Breaks a line at blanks so that it fits into `width` cells; all parts but the first are indented by `hang` blanks.
/// Styles in it take no room.
///
/// A literal in backticks stays in one piece, so that it can be copied, and so does a word longer than the line.
pub(crate) fn wrap(line: &str, width: usize, hang: usize) -> String {
    if width < hang + LEAST || cells(line) <= width {
        return line.to_owned();
    }
    let mut wrapped = String::with_capacity(line.len() + line.len() / 4);
    let mut column = 0;
    for (place, piece) in pieces(line).enumerate() {
        let needed = cells(piece);
        // Before the first word that reaches beyond the indent nothing is gained.
        if needed > 0 && column > hang && column + 1 + needed > width {
            wrapped.truncate(wrapped.trim_end_matches(' ').len());
            wrapped.push('\n');
            wrapped.extend(iter::repeat_n(' ', hang));
            column = hang;
        } else if place > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(piece);
        column += needed;
    }
    wrapped
}

/// The parts of a line between its blanks, those within backticks left aside.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    iter::from_fn(move || {
        let line = rest?;
        let end = piece_end(line);
        rest = end.map(|end| &line[end + 1..]);
        Some(&line[..end.unwrap_or(line.len())])
    })
}

/// The blank after the first piece.
fn piece_end(line: &str) -> Option<usize> {
    let last_backtick = line.rfind('`').unwrap_or(0);
    let mut is_literal = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'`' => is_literal = !is_literal,
            // A backtick without another one is a character like others.
            b' ' if !is_literal || at > last_backtick => return Some(at),
            _ => {}
        }
    }
    None
}

fn cells(text: &str) -> usize {
    strip_str(text).map(|part| part.width()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("a short line", 40, 2), "a short line");
        let line = "hint: an instance that was terminated is forgotten after an hour";
        assert_eq!(wrap(line, 31, 2), "hint: an instance that was\n  terminated is forgotten after\n  an hour");
        assert_eq!(wrap(&"x".repeat(10), 22, 2), "x".repeat(10));
        assert_eq!(wrap(&format!("see {} now", "x".repeat(40)), 30, 2), format!("see\n  {}\n  now", "x".repeat(40)));
    }

    #[test]
    fn a_literal_stays_in_one_piece() {
        let line = "start it first: `aws ec2 start-instances` or wait";
        assert_eq!(wrap(line, 36, 2), "start it first:\n  `aws ec2 start-instances` or wait");
        let line = "start it first: `aws ec2 start-instances --instance-ids i-0123abcd`, or wait";
        let literal = "`aws ec2 start-instances --instance-ids i-0123abcd`,";
        assert_eq!(wrap(line, 36, 2), format!("start it first:\n  {literal}\n  or wait"));
        assert_eq!(wrap("a ` alone is a character like others", 22, 2), "a ` alone is a\n  character like\n  others");
    }

    #[test]
    fn styles_take_no_room_and_wide_characters_two_cells() {
        let styled = "\x1b[1m\x1b[31merror:\x1b[0m 16 cells in all, exactly";
        assert_eq!(wrap(styled, 32, 2), styled);
        assert_eq!(wrap(&format!("{} {}", "機".repeat(10), "機".repeat(10)), 40, 2).lines().count(), 2);
        assert_eq!(wrap(&format!("{} {}", "機".repeat(10), "機".repeat(10)), 41, 2).lines().count(), 1);
    }

    #[test]
    fn the_indent_of_a_line_stays_and_no_room_is_lost_to_it() {
        let line = "     fix:  one two three four five six";
        assert_eq!(wrap(line, 32, 11), "     fix:  one two three four\n           five six");
        assert_eq!(wrap(line, 30, 11), line, "too narrow");
        let word = "x".repeat(40);
        assert_eq!(wrap(&format!("     fix:  {word}"), 40, 11), format!("     fix:  {word}"));
    }
}
