//! The map of the house: the table of rooms in `src/lib.rs`, which `docs/development.md` repeats.

use std::collections::BTreeSet;

/// The rooms from top to bottom.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Map(pub(crate) Vec<Room>);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) purpose: String,
    /// The rooms below that it may import.
    pub(crate) knows: BTreeSet<String>,
}

const HEAD: [&str; 3] = ["room", "what it is", "knows"];

impl Map {
    /// Reads the table in a text, be it in Markdown or in the comments of a module.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
        let rows = lines.map(cells).skip_while(|cells| *cells != HEAD).skip(2).take_while(|cells| cells.len() == 3);
        Self(rows.map(|cells| Room::read(&cells)).collect())
    }

    pub(crate) fn room(&self, name: &str) -> Option<&Room> {
        self.0.iter().find(|room| room.name == name)
    }

    /// Rooms that know one that stands above them, or that is not in the table.
    pub(crate) fn climbs(&self) -> Vec<(&str, &str)> {
        let mut above: BTreeSet<&str> = self.0.iter().map(|room| room.name.as_str()).collect();
        let mut climbs = Vec::new();
        for room in self.0.iter().rev() {
            let below: BTreeSet<&str> = self.0.iter().map(|room| room.name.as_str()).collect();
            let below: BTreeSet<&str> = below.difference(&above).copied().collect();
            let up = room.knows.iter().map(String::as_str).filter(|known| !below.contains(known));
            climbs.extend(up.map(|known| (room.name.as_str(), known)));
            above.remove(room.name.as_str());
        }
        climbs
    }
}

impl Room {
    fn read(cells: &[&str]) -> Self {
        let known = cells[2].split(',').map(plain).filter(|name| *name != "–");
        Self {
            name: plain(cells[0]).to_owned(),
            purpose: cells[1].to_owned(),
            knows: known.map(str::to_owned).collect(),
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    let inside = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inside.map(|line| line.split('|').map(str::trim).collect()).unwrap_or_default()
}

fn plain(name: &str) -> &str {
    name.trim_matches([' ', '[', ']', '`'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_it_are_read() {
        let comment = "//! | a | b |\n//! |---|---|\n//!\n//! | room | what it is | knows |\n//! |---|---|---|\n\
                       //! | [`a`] | the top | c, b |\n//! | [`b`] | x | – |\n//!\n//! | c | y | a |";
        let page = "| room | what it is | knows |\n|---|---|---|\n| `a` | the top | b, c |\n| `b` | x | – |\n";
        let map = Map::read(comment);
        assert_eq!(map, Map::read(page));
        assert_eq!(map.room("a").unwrap().knows.len(), 2);
        assert!(map.room("b").unwrap().knows.is_empty() && map.room("c").is_none());
        assert_eq!(map.climbs(), [("a", "c")]);
    }

    #[test]
    fn a_room_that_knows_one_above_climbs() {
        let page = "| room | what it is | knows |\n|---|---|---|\n| a | x | b |\n| b | x | a |\n";
        assert_eq!(Map::read(page).climbs(), [("b", "a")]);
    }
}
