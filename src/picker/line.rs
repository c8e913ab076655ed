//! [`Line`]: the line in which the query is edited.

/// The most characters that a query may have. A longer one is a mistaken paste.
pub(super) const MOST_CHARS: usize = 500;

/// A line of text, and where the cursor stands in it.
#[derive(Debug, Default)]
pub(super) struct Line {
    chars: Vec<char>,
    cursor: usize,
}

impl Line {
    /// A line with the cursor behind the text.
    pub(super) fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    pub(super) fn text(&self) -> String {
        self.chars.iter().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// The text before and behind the cursor.
    pub(super) fn split(&self) -> (String, String) {
        let (before, behind) = self.chars.split_at(self.cursor);
        (before.iter().collect(), behind.iter().collect())
    }

    /// Inserts text at the cursor. Line ends and tabs become spaces, other control characters are left out.
    pub(super) fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if c.is_whitespace() { ' ' } else { c };
            if c.is_control() || self.chars.len() >= MOST_CHARS {
                continue;
            }
            self.chars.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.cursor.saturating_sub(1);
    }

    pub(super) fn right(&mut self) {
        self.cursor = (self.cursor + 1).min(self.chars.len());
    }

    pub(super) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(super) fn end(&mut self) {
        self.cursor = self.chars.len();
    }

    pub(super) fn word_left(&mut self) {
        self.cursor = self.word_start();
    }

    pub(super) fn word_right(&mut self) {
        let behind = &self.chars[self.cursor..];
        let spaces = behind.iter().take_while(|c| **c == ' ').count();
        let word = behind[spaces..].iter().take_while(|c| **c != ' ').count();
        self.cursor += spaces + word;
    }

    pub(super) fn backspace(&mut self) {
        self.delete(self.cursor.saturating_sub(1)..self.cursor);
    }

    pub(super) fn delete_char(&mut self) {
        self.delete(self.cursor..(self.cursor + 1).min(self.chars.len()));
    }

    pub(super) fn delete_word(&mut self) {
        self.delete(self.word_start()..self.cursor);
    }

    pub(super) fn delete_to_start(&mut self) {
        self.delete(0..self.cursor);
    }

    fn delete(&mut self, range: std::ops::Range<usize>) {
        self.cursor = range.start;
        self.chars.drain(range);
    }

    fn word_start(&self) -> usize {
        let before = &self.chars[..self.cursor];
        let spaces = before.iter().rev().take_while(|c| **c == ' ').count();
        let word = before[..before.len() - spaces].iter().rev().take_while(|c| **c != ' ').count();
        self.cursor - spaces - word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, edit: impl FnOnce(&mut Line)) -> (String, String) {
        let mut line = Line::new(text);
        edit(&mut line);
        line.split()
    }

    fn halves(before: &str, behind: &str) -> (String, String) {
        (before.to_owned(), behind.to_owned())
    }

    #[test]
    fn words_are_passed_and_deleted_as_a_whole() {
        assert_eq!(after("web  prod ", Line::word_left), halves("web  ", "prod "));
        assert_eq!(after("web  prod ", Line::delete_word), halves("web  ", ""));
        let there_and_back = |line: &mut Line| {
            line.home();
            line.word_right();
        };
        assert_eq!(after(" web prod", there_and_back), halves(" web", " prod"));
        assert_eq!(after("", Line::delete_word), halves("", ""));
    }

    #[test]
    fn characters_are_edited_at_the_cursor() {
        let edit = |line: &mut Line| {
            line.left();
            line.insert("ü");
            line.backspace();
            line.insert("x");
            line.delete_char();
            line.delete_char();
            line.right();
        };
        assert_eq!(after("ab", edit), halves("ax", ""));
        let cut = |line: &mut Line| {
            line.left();
            line.delete_to_start();
        };
        assert_eq!(after("abc", cut), halves("", "c"));
    }

    #[test]
    fn a_paste_is_one_line_and_bounded() {
        assert_eq!(after("", |line| line.insert("a\r\nb\tc\x1b[31m")), halves("a  b c[31m", ""));
        assert_eq!(Line::new(&"x".repeat(10_000)).text().len(), MOST_CHARS);
    }
}
