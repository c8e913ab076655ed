//! Words as they are typed in a shell, and what they mean: quotes taken away and put back.
//!
//! Quotes and backslashes are understood as all the shells have them. What would be expanded (`$x`, `*`) stays as it is:
//! a completion must not run anything.

/// A word as it stands on the line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without quotes.
    pub(crate) value: String,
    /// How much of the value the shell has behind it already when it completes: up to the last of its separators, or up
    /// to a quote that is open.
    pub(crate) kept: usize,
    /// The quote that is open at the end.
    pub(crate) open: Option<char>,
}

impl Word {
    /// A word that is the only one. `separators`: characters at which the shell takes words apart for completion.
    pub(crate) fn read(raw: &str, separators: &str) -> Self {
        let mut reader = Reader::new(separators);
        raw.chars().for_each(|c| reader.take(c));
        reader.word
    }
}

/// Takes a line apart at spaces; the last word is the one at its end, and may be empty.
pub(crate) fn split(line: &str, separators: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut reader = Reader::new(separators);
    for c in line.chars() {
        if c.is_whitespace() && !reader.is_quoted() {
            if reader.begun {
                words.push(std::mem::replace(&mut reader, Reader::new(separators)).word);
            }
        } else {
            reader.take(c);
        }
    }
    words.push(reader.word);
    words
}

struct Reader<'a> {
    separators: &'a str,
    word: Word,
    escaped: bool,
    /// Whether there is a word at all: `''` is one.
    begun: bool,
}

impl<'a> Reader<'a> {
    fn new(separators: &'a str) -> Self {
        Self { separators, word: Word::default(), escaped: false, begun: false }
    }

    fn is_quoted(&self) -> bool {
        self.escaped || self.word.open.is_some()
    }

    fn take(&mut self, c: char) {
        self.begun = true;
        if self.escaped {
            self.escaped = false;
            // Between double quotes a backslash is one, unless it stands before these.
            if self.word.open == Some('"') && !"\\\"$`".contains(c) {
                self.word.value.push('\\');
            }
            self.word.value.push(c);
            return;
        }
        match (self.word.open, c) {
            (None | Some('"'), '\\') => self.escaped = true,
            (None, '\'' | '"') => {
                self.word.open = Some(c);
                self.word.kept = self.word.value.len();
            }
            (Some(open), c) if open == c => self.word.open = None,
            (open, c) => {
                self.word.value.push(c);
                if open.is_none() && self.separators.contains(c) {
                    self.word.kept = self.word.value.len();
                }
            }
        }
    }
}

/// A value as a POSIX shell takes it, at a place where this quote is open.
pub(crate) fn quote(value: &str, open: Option<char>) -> String {
    match open {
        Some('\'') => value.replace('\'', "'\\''"),
        Some(_) => escape(value, |c| "\\\"$`".contains(c)),
        // Other scripts than Latin are words as well. A tilde in front stands for the home.
        None => escape(value, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:@%+=,~".contains(c)),
    }
}

fn escape(value: &str, needs: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if needs(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str) -> Vec<String> {
        split(line, ":=@").into_iter().map(|word| word.value).collect()
    }

    #[test]
    fn a_line_is_taken_apart_as_a_shell_does() {
        for (line, expected) in [
            ("ssmx", &["ssmx"][..]),
            ("ssmx ", &["ssmx", ""]),
            ("  ssmx  a\t'b c' ", &["ssmx", "a", "b c", ""]),
            (r#"ssmx a\ b "c \"d\" \e" 'f\'"#, &["ssmx", "a b", "c \"d\" \\e", "f\\"]),
            ("ssmx 'web ser", &["ssmx", "web ser"]),
            ("ssmx '' x", &["ssmx", "", "x"]),
            ("ssmx we\\", &["ssmx", "we"]),
            ("", &[""]),
        ] {
            assert_eq!(values(line), expected, "{line}");
        }
    }

    #[test]
    fn what_the_shell_keeps_ends_at_a_separator_or_an_open_quote() {
        let kept = |raw: &str| {
            let word = Word::read(raw, ":=@");
            word.value[..word.kept].to_owned()
        };
        assert_eq!(kept("web-1"), "");
        assert_eq!(kept("root@web-1"), "root@");
        assert_eq!(kept("--profile=wo"), "--profile=");
        assert_eq!(kept("web-1:/etc/h"), "web-1:");
        assert_eq!(kept("--profile='my wo"), "--profile=");
        assert_eq!(kept("'root@web"), "");
        assert_eq!(kept(r"a\:b"), "");
        assert_eq!(Word::read("root@web", "").kept, 0);
    }

    #[test]
    fn what_was_quoted_reads_as_it_was() {
        for value in ["web-1", "web server (1)", "it's", r#"a"$b`\c"#, "*?[x]", "#x;&|<>", "münchen", "!x"] {
            for open in [None, Some('\''), Some('"')] {
                let typed = format!("{}{}", open.map_or(String::new(), String::from), quote(value, open));
                assert_eq!(Word::read(&typed, "").value, value, "{typed}");
            }
        }
        assert_eq!(quote("~/a:b@c=d", None), "~/a:b@c=d");
    }

    proptest::proptest! {
        #[test]
        fn no_line_brings_it_down(line in r#"[a '"\\@:]{0,30}"#) {
            let words = split(&line, ":=@");
            proptest::prop_assert!(words.iter().all(|word| word.value.is_char_boundary(word.kept)));
        }
    }
}
