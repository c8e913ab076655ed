//! Rust source as words and signs, without its comments and without what is in its literals.

/// A word or a sign, and the line it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// An identifier or a keyword, without the `r#` of a raw one.
    Word(&'a str),
    /// A character that is neither. `::` is two of them.
    Sign(char),
    /// A string, with what is between its quotes; a character or a number, as it is written.
    Literal(&'a str),
}

impl<'a> Token<'a> {
    pub(crate) fn word(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Word(word) => Some(word),
            Kind::Sign(_) | Kind::Literal(_) => None,
        }
    }

    pub(crate) fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut reader = Reader { text, at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(token) = reader.token() {
        tokens.push(token);
    }
    tokens
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn token(&mut self) -> Option<Token<'a>> {
        loop {
            let line = self.line;
            let rest = self.rest();
            let first = rest.chars().next()?;
            let kind = if first.is_whitespace() {
                self.take(first.len_utf8());
                continue;
            } else if rest.starts_with("//") {
                self.take(rest.find('\n').unwrap_or(rest.len()));
                continue;
            } else if rest.starts_with("/*") {
                self.take(block_comment(rest));
                continue;
            } else if let Some((before, hashes)) = raw_string(rest) {
                let end = format!("\"{}", "#".repeat(hashes));
                let length = rest[before..].find(&end).unwrap_or(rest.len() - before);
                self.take((before + length + end.len()).min(rest.len()));
                Kind::Literal(&rest[before..before + length])
            } else if let Some(before) = ["\"", "b\"", "c\""].iter().find(|quote| rest.starts_with(**quote)) {
                let length = until_quote(&rest[before.len()..], '"');
                self.take((before.len() + length + 1).min(rest.len()));
                Kind::Literal(&rest[before.len()..before.len() + length])
            } else if let Some(length) = character(rest) {
                Kind::Literal(self.take(length))
            } else if first == '\'' {
                // A lifetime or a label: nothing that an import could be.
                Kind::Literal(self.take(1 + word(&rest[1..])))
            } else if first.is_ascii_digit() {
                Kind::Literal(self.take(word(rest)))
            } else if word(rest) > 0 {
                if rest.starts_with("r#") {
                    self.take(2);
                }
                Kind::Word(self.take(word(self.rest())))
            } else {
                self.take(first.len_utf8());
                Kind::Sign(first)
            };
            return Some(Token { kind, line });
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.rest()[..length];
        self.at += length;
        self.line += taken.matches('\n').count();
        taken
    }
}

/// The bytes of the word at the beginning.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The bytes of a comment, which may have others in it.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// How long the beginning of a raw string is, and how many `#` it has.
fn raw_string(text: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')))?;
    let hashes = text[prefix.len()..].find('"')?;
    Some((prefix.len() + hashes + 1, hashes))
}

/// The bytes before a quote that no backslash stands in front of.
fn until_quote(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at,
            _ => {}
        }
    }
    text.len()
}

/// The bytes of a character or byte literal, which a lifetime is not.
fn character(text: &str) -> Option<usize> {
    let prefix = if text.starts_with("b'") { 2 } else { usize::from(text.starts_with('\'')) };
    let inside = text.get(prefix..).filter(|_| prefix > 0)?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return Some(prefix + until_quote(inside, '\'') + 1);
    }
    inside[first.len_utf8()..].starts_with('\'').then(|| prefix + first.len_utf8() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).iter().filter_map(Token::word).collect()
    }

    #[test]
    fn comments_and_literals_hide_what_is_in_them() {
        assert_eq!(words("a // crate::b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(words(r##"a "b \" c" d r#"e " f"# g b"h" 'i' '\'' j"##), ["a", "d", "g", "j"]);
        assert_eq!(words("fn a<'b>(c: &'b str) -> char { 'd' }"), ["fn", "a", "c", "str", "char"]);
        assert_eq!(words("r#use 0x1f 1.5e3"), ["use"]);
    }

    #[test]
    fn a_token_knows_its_line() {
        let lines: Vec<_> = tokens("a\n\"\n\"\n/*\n*/b").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 5]);
    }
}
