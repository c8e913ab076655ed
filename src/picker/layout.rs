//! What of the picker has room on a screen.

use crate::config::Column;

/// Cells between two columns.
pub(super) const GAP: u16 = 2;

/// The narrowest that a name becomes while there are columns that can go.
const NAME: usize = 24;

/// The narrowest of other columns of which a part says something.
const SHORT: usize = 8;

/// The lines of the screen, from the prompt down: what has no room is left out, the rows last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) header: bool,
    pub(super) rows: u16,
    pub(super) rule: bool,
    /// Lines of detail.
    pub(super) detail: u16,
    /// Lines of notes above the footer.
    pub(super) notes: u16,
    pub(super) footer: bool,
}

impl Layout {
    /// The layout of a screen of so many lines, with so many notes to show.
    pub(super) fn of(height: u16, notes: usize) -> Self {
        let tall = height >= 14;
        let mut layout = Self {
            header: height >= 5,
            rows: 0,
            rule: tall,
            detail: if tall { 2 } else { u16::from(height >= 7) },
            notes: if tall { u16::try_from(notes).unwrap_or(u16::MAX).min(height / 8) } else { 0 },
            footer: height >= 6,
        };
        layout.rows = height.saturating_sub(1 + u16::from(layout.header) + layout.below());
        layout
    }

    /// How many lines stand below the rows.
    pub(super) fn below(&self) -> u16 {
        u16::from(self.rule) + self.detail + self.notes + u16::from(self.footer)
    }
}

/// Which of the columns fit into so many cells, by their numbers, and how wide each may be. Long texts give way first,
/// then columns from the right, of which the name and the status stay longest.
pub(super) fn columns(all: &[Column], widths: &[usize], cells: usize) -> Vec<(usize, u16)> {
    let mut shown: Vec<(usize, usize)> = widths.iter().copied().enumerate().collect();
    let name = all.iter().position(|column| *column == Column::Name);
    let least = |at: usize, width: usize| match all[at] {
        Column::Name => width.min(NAME),
        Column::Platform | Column::Profile | Column::Tag(_) => width.min(SHORT),
        Column::Dns | Column::Computer => width.min(2 * SHORT),
        // A part of an id or an address is worth nothing.
        _ => width,
    };
    let needed = |shown: &[(usize, usize)]| -> usize {
        shown.iter().map(|(at, width)| least(*at, *width) + usize::from(GAP)).sum::<usize>().saturating_sub(GAP.into())
    };
    while shown.len() > 1 && needed(&shown) > cells {
        let stays = |at: usize| matches!(all[at], Column::Name | Column::Status);
        let goes = shown.iter().rposition(|(at, _)| !stays(*at)).unwrap_or(shown.len() - 1);
        // A short name and what else there is say more than a long name alone.
        if shown.len() == 2 && shown.iter().all(|(at, _)| stays(*at)) {
            break;
        }
        shown.remove(goes);
    }
    let mut spare = cells.saturating_sub(needed(&shown));
    let mut over = needed(&shown).saturating_sub(cells);
    for (at, width) in &mut shown {
        let full = *width;
        *width = least(*at, full);
        let more = (full - *width).min(spare);
        *width += more;
        spare -= more;
        if Some(*at) == name || name.is_none() {
            let less = over.min(*width);
            *width -= less;
            over -= less;
        }
    }
    shown.into_iter().map(|(at, width)| (at, u16::try_from(width.min(cells)).unwrap_or(u16::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_room_that_is_left() {
        assert_eq!(Layout::of(24, 0).rows, 24 - 1 - 1 - 1 - 2 - 1);
        assert_eq!(Layout::of(24, 8).notes, 3);
        assert_eq!(Layout::of(10, 1), Layout { header: true, rows: 6, rule: false, detail: 1, notes: 0, footer: true });
        assert_eq!(Layout::of(4, 0).rows, 3);
        for height in 0..60 {
            let layout = Layout::of(height, 5);
            assert!(layout.below() + layout.rows + u16::from(layout.header) < height.max(1), "{height} {layout:?}");
            assert!(height < 2 || layout.rows > 0, "{height}");
        }
    }

    #[test]
    fn columns_go_from_the_right_and_the_status_stays() {
        let all = crate::config::settings::COLUMNS;
        let fit = |widths: [usize; 6], cells| columns(&all, &widths, cells);
        let widths = [10, 19, 9, 8, 10, 11];
        assert_eq!(fit(widths, 78).len(), 6);
        assert_eq!(fit([7, 19, 7, 17, 10, 9], 78)[3], (3, 16));
        assert_eq!(fit(widths, 60), [(0, 10), (1, 19), (2, 9), (3, 8)]);
        assert_eq!(fit(widths, 38), [(0, 10), (2, 9)]);
        // A long name takes what is left, at least its due.
        assert_eq!(fit([50, 19, 9, 8, 10, 11], 80), [(0, 26), (1, 19), (2, 9), (3, 8), (4, 10)]);
        assert_eq!(fit([50, 19, 9, 8, 10, 11], 77), [(0, 35), (1, 19), (2, 9), (3, 8)]);
        assert_eq!(fit([50, 19, 9, 8, 10, 11], 30), [(0, 19), (2, 9)]);
        assert_eq!(fit(widths, 5).len(), 2);
        assert_eq!(columns(&[Column::Id], &[19], 10), [(0, 10)]);
        assert!(columns(&[], &[], 10).is_empty());
    }
}
