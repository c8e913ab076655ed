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
mod tests;
