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

/// The same for a document in JSON, which stays the same document: there such characters stand in strings only, which may
/// have them as `\uXXXX`. Those that JSON itself escapes are escaped already.
pub(crate) fn printable_json(text: &str) -> Cow<'_, str> {
    let is_raw = |c: char| is_unprintable(c) && !c.is_ascii_whitespace();
    if !text.chars().any(is_raw) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_raw(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A line that has been printed with styles, of which the sequences stay: what can reorder it is written out, and so is
/// what old terminals take for the beginning of a sequence.
pub(crate) fn printable_styled(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unprintable(c) && !c.is_ascii())
}

/// Rows and columns of a screenful.
const SCREEN: (usize, usize) = (24, 80);

/// As much of a text as fits on a screen of 24 rows and 80 columns, and how many characters were left out behind it.
pub(crate) fn screenful(text: &str) -> (&str, usize) {
    let (rows, columns) = SCREEN;
    let (mut row, mut column) = (0, 0);
    for (at, c) in text.char_indices() {
        if c == '\n' {
            (row, column) = (row + 1, 0);
        } else {
            column += 1;
            if column > columns {
                (row, column) = (row + 1, 1);
            }
        }
        if row == rows {
            return (text[..at].trim_end(), text[at..].trim_start().chars().count());
        }
    }
    (text, 0)
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
        || matches!(
            c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
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
        for c in [
            '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{80}', '\u{9f}',
            '\u{7f}',
        ] {
            let written = format!("a\\u{{{:x}}}b", u32::from(c));
            let text = format!("a{c}b");
            assert_eq!([printable(&text), printable_lines(&text)], [written.as_str(); 2]);
        }
        assert!(matches!(printable_lines("two\nlines"), Cow::Borrowed(_)));
        assert!(matches!(printable("wéb-日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_is_the_same_document_without_them() {
        let value = serde_json::json!({ "name": "\u{9b}31m\u{202e}\u{7f}\u{1b}\n\u{feff} 日本 😀" });
        let plain = format!("{value:#}\n");
        let text = printable_json(&plain);
        assert!(text.chars().all(|c| !is_unprintable(c) || c == '\n'), "{text}");
        assert!(text.contains("\\u009b31m\\u202e\\u007f\\u001b\\n\\ufeff 日本 😀"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert_eq!(printable_styled("\x1b[1mx\x1b[0m\u{9b}\u{202e}\n"), "\x1b[1mx\x1b[0m\\u{9b}\\u{202e}\n");
    }

    #[test]
    fn long_texts_are_cut_to_a_screenful() {
        assert_eq!(screenful("short\ntext"), ("short\ntext", 0));
        assert_eq!(screenful(&"x".repeat(24 * 80)), ("x".repeat(24 * 80).as_str(), 0));
        assert_eq!(screenful(&"x".repeat(24 * 80 + 7)), ("x".repeat(24 * 80).as_str(), 7));
        let lines = "line\n".repeat(30);
        assert_eq!(screenful(&lines), ("line\n".repeat(24).trim_end(), 6 * 5));
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
