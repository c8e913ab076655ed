//! A command line cut into words, by the rules of google/shlex, which the real agent uses.
//!
//! They are not those of a shell: nothing is expanded, a backslash takes any character literally (a line feed too,
//! and inside double quotes as well), and `#` begins a comment only where a word could begin. Written apart from what
//! a client quotes with, so that a mistake on either side shows.

/// Why a command line has no words. The texts are those of the real agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SplitError {
    /// The line ends in a backslash.
    #[error("EOF found after escape character")]
    UnfinishedEscape,
    /// The line ends inside quotes.
    #[error("EOF found when expecting closing quote")]
    UnfinishedQuote,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BetweenWords,
    Comment,
    Word,
    Escaped,
    Single,
    Double,
    EscapedInDouble,
}

/// The words of a command line.
pub(crate) fn split(line: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::BetweenWords;
    for character in line.chars() {
        state = match (state, character) {
            (State::BetweenWords, ' ' | '\t' | '\r' | '\n') => State::BetweenWords,
            (State::BetweenWords, '#') => State::Comment,
            (State::Comment, '\n') => State::BetweenWords,
            (State::Comment, _) => State::Comment,
            (State::Word, ' ' | '\t' | '\r' | '\n') => {
                words.push(std::mem::take(&mut word));
                State::BetweenWords
            }
            (State::BetweenWords | State::Word, '\'') => State::Single,
            (State::BetweenWords | State::Word, '"') => State::Double,
            (State::BetweenWords | State::Word, '\\') => State::Escaped,
            (State::Single, '\'') | (State::Double, '"') => State::Word,
            (State::Double, '\\') => State::EscapedInDouble,
            (before, other) => {
                word.push(other);
                match before {
                    State::Single | State::Double => before,
                    State::EscapedInDouble => State::Double,
                    _ => State::Word,
                }
            }
        };
    }
    match state {
        State::BetweenWords | State::Comment => {}
        State::Word => words.push(word),
        State::Escaped | State::EscapedInDouble => return Err(SplitError::UnfinishedEscape),
        State::Single | State::Double => return Err(SplitError::UnfinishedQuote),
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_words(line: &str, words: &[&str]) {
        assert_eq!(split(line).unwrap(), words, "{line:?}");
    }

    #[test]
    fn words() {
        assert_words("", &[]);
        assert_words(" \t\r\n ", &[]);
        assert_words(" a  b\tc\nd\r\n", &["a", "b", "c", "d"]);
        // The example of google/shlex itself.
        let example = "one two \"three four\" \"five \\\"six\\\"\" seven#eight # nine # ten\n eleven 'twelve\\'";
        assert_words(example, &["one", "two", "three four", "five \"six\"", "seven#eight", "eleven", "twelve\\"]);
    }

    #[test]
    fn quotes() {
        assert_words("'' \"\" a''b", &["", "", "ab"]);
        assert_words("a'b c'\"d e\"f", &["ab cd ef"]);
        assert_words("'$HOME `x` \\ \" *'", &["$HOME `x` \\ \" *"]);
        assert_words("'it'\\''s'", &["it's"]);
        assert_words("'a\nb'", &["a\nb"]);
    }

    #[test]
    fn a_backslash_takes_everything_literally() {
        assert_words("\\n \"\\n\" '\\n'", &["n", "n", "\\n"]);
        assert_words("a\\\nb", &["a\nb"]);
        assert_words("\\ \\'\\\"\\#", &[" '\"#"]);
        assert_words("\"\\$x \\a\"", &["$x a"]);
    }

    #[test]
    fn comments_begin_between_words_only() {
        assert_words("a #b 'c\nd", &["a", "d"]);
        assert_words("a#b", &["a#b"]);
        assert_words("''#b", &["#b"]);
        assert_words("# all", &[]);
    }

    #[test]
    fn unfinished_lines() {
        assert_eq!(split("a \\"), Err(SplitError::UnfinishedEscape));
        assert_eq!(split("\"a\\"), Err(SplitError::UnfinishedEscape));
        assert_eq!(split("a 'b"), Err(SplitError::UnfinishedQuote));
        assert_eq!(split("\"b"), Err(SplitError::UnfinishedQuote));
    }
}
