//! Tables for a person: as wide as the terminal and no wider, every row one line.

use anstyle::Style;
use comfy_table::{ContentArrangement, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A column: its title, and what may become of it where there is too little room.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) title: String,
    /// The column with the highest number goes first. The one with the lowest stays.
    pub(crate) rank: usize,
    /// The width to which its cells may be shortened; none for what is worth nothing in part, as an id.
    pub(crate) least: Option<usize>,
}

/// Rows under heads.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) heads: Vec<Head>,
    /// As many cells each as there are heads. A cell is one line of printable text.
    pub(crate) rows: Vec<Vec<String>>,
}

/// In which style a cell is written.
type Paint<'a> = dyn Fn(usize, &str) -> Style + 'a;

/// A table as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Its lines, the first of which has the titles.
    pub(crate) text: String,
    /// The titles of the columns for which there is no room.
    pub(crate) left_out: Vec<String>,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    /// Draws it, in as many cells as a terminal has, or as wide as it wants to be. `paint`, if there are to be colours,
    /// says in which style a cell is written, by its column and its whole text.
    pub(crate) fn draw(&self, width: Option<usize>, paint: Option<&Paint<'_>>) -> Drawn {
        let natural: Vec<_> = (0..self.heads.len()).map(|column| self.natural_width(column)).collect();
        let widths = match width {
            Some(width) => fit(&self.heads, &natural, width),
            None => natural.iter().copied().map(Some).collect(),
        };
        let shown: Vec<_> = widths.iter().enumerate().filter_map(|(column, width)| Some((column, (*width)?))).collect();
        let cells = |row: &[String]| -> Vec<String> {
            shown.iter().map(|(column, width)| shorten(&row[*column], *width)).collect()
        };

        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(cells(&self.heads.iter().map(|head| head.title.to_uppercase()).collect::<Vec<_>>()));
        table.add_rows(self.rows.iter().map(|row| cells(row)));
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }

        let mut text = String::new();
        for (number, line) in table.lines().enumerate() {
            let line = line.trim_end();
            match paint {
                None => text.push_str(line),
                Some(paint) => {
                    let styles = shown.iter().map(|(column, width)| match number.checked_sub(1) {
                        None => (Style::new().bold(), *width),
                        Some(row) => (paint(*column, &self.rows[row][*column]), *width),
                    });
                    painted(&mut text, line, styles);
                }
            }
            text.push('\n');
        }
        let left_out = self.heads.iter().zip(&widths).filter(|(_, width)| width.is_none());
        Drawn { text, left_out: left_out.map(|(head, _)| head.title.clone()).collect() }
    }

    fn natural_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].width());
        cells.chain([self.heads[column].title.width()]).max().unwrap_or(0)
    }
}

/// The widths of the columns so that they fit; none for a column that is left out.
fn fit(heads: &[Head], natural: &[usize], width: usize) -> Vec<Option<usize>> {
    let mut shown: Vec<bool> = vec![true; heads.len()];
    loop {
        let mut widths: Vec<Option<usize>> = natural.iter().zip(&shown).map(|(w, shown)| shown.then_some(*w)).collect();
        let total = |widths: &[Option<usize>]| {
            let shown: Vec<_> = widths.iter().flatten().collect();
            shown.iter().copied().sum::<usize>() + GAP * shown.len().saturating_sub(1)
        };
        // The widest first, a cell at a time, so that none suffers more than another.
        while total(&widths) > width {
            let can = |column: &usize| {
                let least = heads[*column].least.map(|least| least.max(heads[*column].title.width()));
                widths[*column].zip(least).is_some_and(|(now, least)| now > least)
            };
            let Some(widest) = (0..heads.len()).filter(can).max_by_key(|column| widths[*column]) else { break };
            widths[widest] = widths[widest].map(|now| now - 1);
        }
        let over = total(&widths).saturating_sub(width);
        if over == 0 {
            return widths;
        }
        let left: Vec<_> = (0..heads.len()).filter(|column| shown[*column]).collect();
        match left[..] {
            [] => return widths,
            // Rather cut than nothing.
            [only] => {
                widths[only] = Some(width.max(1));
                return widths;
            }
            // Of equals the one further right.
            _ => left.into_iter().max_by_key(|column| (heads[*column].rank, *column)).map(|last| shown[last] = false),
        };
    }
}

/// A text of at most so many cells; `…` stands for what was taken away.
fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = text.chars().take_while(|c| {
        let cells = c.width().unwrap_or(0);
        let fits = cells <= left;
        left = left.saturating_sub(cells);
        fits
    });
    fits.chain(['…']).collect()
}

/// Writes a line whose columns have these styles and widths.
fn painted(text: &mut String, line: &str, columns: impl Iterator<Item = (Style, usize)>) {
    let mut rest = line;
    for (style, width) in columns {
        let (cell, after) = split(rest, width);
        let (content, blanks) = cell.split_at(cell.trim_end().len());
        if style.is_plain() || content.is_empty() {
            text.push_str(content);
        } else {
            text.push_str(&format!("{style}{content}{style:#}"));
        }
        let (gap, after) = split(after, GAP);
        text.extend([blanks, gap]);
        rest = after;
    }
    text.push_str(rest);
}

/// The first cells of a text, and what follows.
fn split(text: &str, width: usize) -> (&str, &str) {
    let mut left = width;
    let end = text.char_indices().find(|(_, c)| match left.checked_sub(c.width().unwrap_or(0)) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    text.split_at(end.map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    fn table() -> Table {
        let head = |title: &str, rank, least| Head { title: title.to_owned(), rank, least };
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        Table {
            heads: vec![head("name", 0, Some(8)), head("id", 1, None), head("status", 2, None), head("zone", 3, None)],
            rows: vec![
                row(["web-1", "i-0123abcd", "online", "eu-west-1a"]),
                row(["a-name-that-is-quite-long", "i-0123abce", "stopped", "-"]),
                row(["日本語", "i-0123abcf", "online", "eu-west-1b"]),
            ],
        }
    }

    fn plain(width: Option<usize>) -> Drawn {
        table().draw(width, None)
    }

    #[test]
    fn it_is_as_wide_as_it_wants_where_there_is_room() {
        let expected = "\
NAME                       ID          STATUS   ZONE
web-1                      i-0123abcd  online   eu-west-1a
a-name-that-is-quite-long  i-0123abce  stopped  -
日本語                     i-0123abcf  online   eu-west-1b
";
        assert_eq!(plain(None), Drawn { text: expected.to_owned(), left_out: Vec::new() });
        assert_eq!(plain(Some(58)), plain(None));
    }

    #[test]
    fn names_are_shortened_first_and_then_columns_go() {
        let expected = "\
NAME          ID          STATUS   ZONE
web-1         i-0123abcd  online   eu-west-1a
a-name-that…  i-0123abce  stopped  -
日本語        i-0123abcf  online   eu-west-1b
";
        assert_eq!(plain(Some(45)).text, expected);
        let narrow = plain(Some(40));
        assert_eq!(narrow.left_out, ["zone"]);
        assert!(narrow.text.contains("a-name-that-is-qui…"), "{}", narrow.text);
        assert_eq!(plain(Some(20)).left_out, ["status", "zone"]);
        assert_eq!(plain(Some(5)).text, "NAME\nweb-1\na-na…\n日本…\n");
        assert_eq!(plain(Some(6)).text, "NAME\nweb-1\na-nam…\n日本語\n");
        for width in 1..70 {
            let drawn = plain(Some(width));
            assert!(drawn.text.lines().all(|line| line.width() <= width), "{width}:\n{}", drawn.text);
            assert_eq!(drawn.text.lines().count(), 4, "{width}");
        }
    }

    #[test]
    fn styles_are_around_the_words_alone() {
        let green = AnsiColor::Green.on_default();
        let paint = |column, text: &str| if column == 2 && text == "online" { green } else { Style::new() };
        let text = table().draw(Some(45), Some(&paint)).text;
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "web-1         i-0123abcd  \u{1b}[32monline\u{1b}[0m   eu-west-1a");
        assert_eq!(lines[2], "a-name-that…  i-0123abce  stopped  -");
        assert!(lines[3].starts_with("日本語        i-0123abcf  \u{1b}[32monline\u{1b}[0m"), "{}", lines[3]);
        assert!(lines[0].starts_with("\u{1b}[1mNAME\u{1b}[0m "), "{}", lines[0]);
    }

    #[test]
    fn nothing_is_a_line_of_titles() {
        let empty = Table { rows: Vec::new(), ..table() };
        assert_eq!(empty.draw(Some(80), None).text, "NAME  ID  STATUS  ZONE\n");
    }
}
