//! What the picker looks like: [`draw`] puts it into a buffer of cells.

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};

use super::column::{self, time};
use super::layout::{GAP, Layout, columns};
use super::row::Text;
use super::state::State;
use crate::config::Column;
use crate::fleet::{Instance, TargetState};
use crate::text::{fitting, printable, width};

const PROMPT: &str = "> ";

/// The signs before a row: where the person stands, and what is marked.
const HERE: &str = ">";
const MARK: &str = "*";

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws the picker, and returns where the cursor stands.
pub fn draw(state: &mut State, buffer: &mut Buffer) -> Position {
    let area = buffer.area;
    if area.is_empty() {
        return Position::ORIGIN;
    }
    let layout = Layout::of(area.height, state.notes().len());
    let (_, rows) = state.window(layout.rows.into());
    let cursor = prompt(state, buffer, area.width);
    let shown = columns(&state.settings().columns, state.widths(), usize::from(area.width).saturating_sub(2));
    let mut shown: Vec<(Column, u16)> =
        shown.into_iter().map(|(at, width)| (state.settings().columns[at].clone(), width)).collect();
    make_room_for_ids(&mut shown, area.width.saturating_sub(2));
    let mut y = 1;
    if layout.header {
        let mut x = 2;
        for (column, width) in &shown {
            put(
                buffer,
                x,
                y,
                &column::title(column),
                *width,
                Style::new().add_modifier(Modifier::BOLD | Modifier::DIM),
            );
            x += width + GAP;
        }
        y += 1;
    }
    for at in rows {
        row(state, buffer, y, at, &shown);
        y += 1;
    }
    let mut y = area.height - layout.below();
    if layout.rule {
        let rule = "─".repeat(area.width.into());
        put(buffer, 0, y, &rule, area.width, DIM);
        y += 1;
    }
    if layout.detail > 0 {
        let with_id = shown.iter().any(|(column, _)| *column == Column::Id);
        detail(state, buffer, y, layout.detail, with_id);
        y += layout.detail;
    }
    for note in state.notes().iter().take(layout.notes.into()) {
        put(buffer, 0, y, note, area.width, tint(state, Color::Yellow));
        y += 1;
    }
    if layout.footer {
        footer(state, buffer, y, usize::from(layout.notes));
    }
    cursor
}

/// Where the ids have no column, they stand in that of the name for those without one.
fn make_room_for_ids(shown: &mut [(Column, u16)], cells: u16) {
    if shown.iter().any(|(column, _)| *column == Column::Id) {
        return;
    }
    let used = shown.iter().map(|(_, width)| width + GAP).sum::<u16>().saturating_sub(GAP);
    if let Some((_, width)) = shown.iter_mut().find(|(column, _)| *column == Column::Name) {
        *width = (*width).max((*width + cells.saturating_sub(used)).min(ID_WIDTH));
    }
}

/// The width of the id of an instance.
const ID_WIDTH: u16 = 19;

/// The line that is edited, and beside it how many match and what is going on.
fn prompt(state: &mut State, buffer: &mut Buffer, width: u16) -> Position {
    let (matching, all) = state.counts();
    let mut facts = vec![if matching == all { format!("{all}") } else { format!("{matching}/{all}") }];
    if state.marked() > 0 {
        facts.push(format!("{} marked", state.marked()));
    }
    if let Some((what, ticks)) = state.looking() {
        let spinner = SPINNER[ticks % SPINNER.len()];
        facts.push(if what.is_empty() { spinner.to_owned() } else { format!("{spinner} {what}") });
    }
    // What is typed needs room too: the last of the facts go first.
    let room = usize::from(width / 2);
    while facts.len() > 1 && self::width(&facts.join("  ")) > room {
        facts.pop();
    }
    let facts = facts.join("  ");
    let facts_width = u16::try_from(self::width(&facts)).unwrap_or(u16::MAX);
    let line_width = width.saturating_sub(facts_width + 2).max(width.min(PROMPT.len() as u16 + 1));
    put(buffer, 0, 0, PROMPT, width, BOLD);
    let x = (PROMPT.len() as u16).min(width);
    let room = usize::from(line_width.saturating_sub(x + 1));
    let (before, behind) = state.line().split();
    // A line that is too long is shown from where the cursor still fits.
    let mut before = before.as_str();
    while self::width(before) > room {
        let mut chars = before.chars();
        chars.next();
        before = chars.as_str();
    }
    let cursor = put(buffer, x, 0, before, line_width.saturating_sub(x), BOLD);
    put(buffer, cursor, 0, &behind, line_width.saturating_sub(cursor), BOLD);
    if state.line().is_empty() && !state.settings().title.is_empty() {
        let title = printable(&state.settings().title).into_owned();
        put(buffer, x + 1, 0, &title, line_width.saturating_sub(x + 1), DIM);
    }
    if let Some(x) = width.checked_sub(facts_width).filter(|x| *x >= line_width) {
        put(buffer, x, 0, &facts, facts_width, DIM);
    }
    Position::new(cursor.min(width - 1), 0)
}

fn row(state: &mut State, buffer: &mut Buffer, y: u16, at: usize, shown: &[(Column, u16)]) {
    let width = buffer.area.width;
    let here = state.selected_at() == Some(at);
    if here {
        put(buffer, 0, y, HERE, width, BOLD);
    }
    let hit = tint(state, Color::Magenta).add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let colored = state.settings().colored;
    let down = matches!(state.row(at).instance.status, TargetState::Down(_));
    if state.row(at).marked {
        put(buffer, 1, y, MARK, width.saturating_sub(1), BOLD);
    }
    let with_id = shown.iter().any(|(column, _)| *column == Column::Id);
    let mut x = 2;
    for (column, column_width) in shown {
        let instance = &state.row(at).instance;
        let (text, scattered) = match column {
            // Without a name it goes by its id.
            Column::Name if instance.name.is_none() && !with_id => (column::text(&Column::Id, instance), false),
            Column::Name | Column::Tag(_) => (column::text(column, instance), true),
            _ => (column::text(column, instance), false),
        };
        let text = printable(&text).into_owned();
        let style = match column {
            Column::Status if colored => status_style(instance.status),
            _ if down => DIM,
            _ => Style::new(),
        };
        let mut places = Vec::new();
        if !text.is_empty() {
            state.list().matcher().places(&Text::new(&text), scattered, &mut places);
        }
        put_marked(buffer, x, y, &text, (*column_width).min(width.saturating_sub(x)), style, hit, &places);
        x += column_width + GAP;
    }
    if here {
        buffer.set_style(Rect::new(0, y, width, 1), Modifier::REVERSED);
    }
}

fn status_style(status: TargetState) -> Style {
    match status {
        TargetState::Online => Style::new().fg(Color::Green),
        TargetState::Running => Style::new().fg(Color::Cyan),
        TargetState::Offline | TargetState::Unmanaged => Style::new().fg(Color::Yellow),
        TargetState::Unknown | TargetState::Down(_) => DIM,
    }
}

/// What else is known of the instance that the person stands on.
fn detail(state: &mut State, buffer: &mut Buffer, y: u16, lines: u16, with_id: bool) {
    let Some(at) = state.selected_at() else { return };
    let width = buffer.area.width;
    let hit = tint(state, Color::Magenta).add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let instance = &state.row(at).instance;
    let tags: Vec<String> = instance
        .tags
        .iter()
        .filter(|(key, _)| *key != "Name")
        .map(|(key, value)| printable(&format!("{key}={value}")).into_owned())
        .collect();
    let facts = facts(instance, with_id).join(" · ");
    let mut x = put(buffer, 0, y, &facts, width, Style::new());
    let mut y = y;
    if lines > 1 {
        (x, y) = (0, y + 1);
    } else if !tags.is_empty() {
        x = put(buffer, x, y, " · ", width.saturating_sub(x), Style::new());
    }
    let mut places = Vec::new();
    for tag in tags {
        if x >= width {
            break;
        }
        state.list().matcher().places(&Text::new(&tag), true, &mut places);
        x = put_marked(buffer, x, y, &tag, width - x, DIM, hit.remove_modifier(Modifier::DIM), &places) + 2;
    }
}

/// The id, unless it has a column, and what else tells instances of one name apart; the longest last.
fn facts(instance: &Instance, with_id: bool) -> Vec<String> {
    let mut facts = vec![if with_id { String::new() } else { instance.id.clone() }];
    facts.extend(instance.instance_type.clone());
    facts.extend(instance.place.profile.clone());
    facts.push(instance.place.region.clone());
    if let (Some(seen), TargetState::Offline) = (instance.last_ping, instance.status) {
        facts.push(format!("last seen {} UTC", time(seen)));
    }
    facts.extend(instance.agent_version.as_ref().map(|version| format!("agent {version}")));
    facts.extend(instance.launched.map(|launched| format!("launched {} UTC", time(launched))));
    facts.retain(|fact| !fact.is_empty());
    facts.iter().map(|fact| printable(fact).into_owned()).collect()
}

fn footer(state: &State, buffer: &mut Buffer, y: u16, notes_shown: usize) {
    let width = buffer.area.width;
    let more = state.notes().len() - notes_shown.min(state.notes().len());
    if let Some(message) = state.message() {
        put(buffer, 0, y, message, width, BOLD);
    } else if more > 0 {
        let note = match (&state.notes()[notes_shown], more) {
            (note, 1) => note.clone(),
            (note, more) => format!("{note} (and {} more)", more - 1),
        };
        put(buffer, 0, y, &note, width, tint(state, Color::Yellow));
    } else {
        let mark = if state.settings().multi { "  Tab mark  Ctrl-A mark all" } else { "" };
        let keys = format!("Enter choose{mark}  Ctrl-R refresh  Ctrl-Y copy id  Esc leave");
        put(buffer, 0, y, &keys, width, DIM);
    }
}

fn tint(state: &State, color: Color) -> Style {
    if state.settings().colored { Style::new().fg(color) } else { Style::new() }
}

/// Puts text into so many cells, with an ellipsis if it does not fit; returns the column behind it.
fn put(buffer: &mut Buffer, x: u16, y: u16, text: &str, cells: u16, style: Style) -> u16 {
    put_marked(buffer, x, y, text, cells, style, style, &[])
}

/// As [`put`], with the characters at `places` in another style.
#[expect(clippy::too_many_arguments, reason = "where, what, how")]
fn put_marked(
    buffer: &mut Buffer,
    x: u16,
    y: u16,
    text: &str,
    cells: u16,
    style: Style,
    hit: Style,
    places: &[u32],
) -> u16 {
    let (fit, cut) = fitting(text, cells.into());
    let end = x.saturating_add(cells);
    let mut x = x;
    // As long a piece as has one style: characters that combine must not be put one by one.
    let mut piece = String::new();
    let mut is_hit = false;
    for (number, c) in (0..).zip(text.chars().take(fit)) {
        let next_is_hit = places.binary_search(&number).is_ok();
        if next_is_hit != is_hit {
            x = piece_at(buffer, x, y, &piece, end, if is_hit { hit } else { style });
            piece.clear();
            is_hit = next_is_hit;
        }
        piece.push(c);
    }
    if cut && !is_hit {
        piece.push('…');
    }
    x = piece_at(buffer, x, y, &piece, end, if is_hit { hit } else { style });
    if cut && is_hit {
        x = piece_at(buffer, x, y, "…", end, style);
    }
    x
}

fn piece_at(buffer: &mut Buffer, x: u16, y: u16, piece: &str, end: u16, style: Style) -> u16 {
    if piece.is_empty() || x >= end {
        return x;
    }
    buffer.set_stringn(x, y, piece, (end - x).into(), style).0
}
