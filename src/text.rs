//! Text from elsewhere, made fit for a terminal.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Text that cannot command the terminal, nor reorder what stands beside it: control characters, line feeds among them, and
/// those that turn the direction of writing are written out.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable)
}

/// The same for a message of several lines: line feeds and tabulators stay.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unprintable(c) && c != '\n' && c != '\t')
}

fn escaped(text: &str, is_unprintable: impl Fn(char) -> bool) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(&is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unprintable(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Most texts are, and are told at once: each byte a character, each character a cell.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// How many cells a character takes.
pub(crate) fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// How many cells a text takes.
pub(crate) fn width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    text.chars().map(char_width).sum()
}

/// How many characters of the text fit into so many cells, one of which is kept for an ellipsis if not all do.
pub(crate) fn fitting(text: &str, cells: usize) -> (usize, bool) {
    let (mut used, mut before_ellipsis) = (0, 0);
    for (count, c) in text.chars().enumerate() {
        used += char_width(c);
        if used > cells {
            return (before_ellipsis, true);
        }
        if used < cells {
            before_ellipsis = count + 1;
        }
    }
    (text.chars().count(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(printable("web\x1b[2J\u{9b}1m\n"), "web\\u{1b}[2J\\u{9b}1m\\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(printable_lines("a\n\tb\r\u{2066}\u{1b}[m"), "a\n\tb\\r\\u{2066}\\u{1b}[m");
        assert!(matches!(printable_lines("two\nlines"), Cow::Borrowed(_)));
        assert!(matches!(printable("wéb-日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_is_cut_at_cells_not_characters() {
        assert_eq!(fitting("abc", 3), (3, false));
        assert_eq!(fitting("abcd", 3), (2, true));
        assert_eq!(fitting("日本語", 6), (3, false));
        assert_eq!(fitting("日本語", 5), (2, true));
        assert_eq!(fitting("日本語", 4), (1, true));
        assert_eq!(fitting("e\u{301}x", 2), (3, false));
        assert_eq!(fitting("abc", 0), (0, true));
        assert_eq!(width("日本x"), 5);
    }
}
