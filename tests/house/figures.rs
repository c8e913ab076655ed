//! The house in numbers, to see whether a change made it better.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::arrows::{between_files, between_rooms, circles, crosses_folders};
use crate::modules::Crate;
use crate::sources::Sources;
use crate::tokens::tokens;

/// Doc comments of so many words say hardly more than the name that they stand at.
const FEW_WORDS: usize = 3;

/// The table that `SSMX_HOUSE` asks for.
pub(crate) fn table(sources: &Sources, library: &Crate) -> String {
    let mut rooms: BTreeMap<&str, Figures> = BTreeMap::new();
    let mut all = Figures::default();
    for module in library.modules.iter().filter(|module| !module.file.is_empty()) {
        let Some(text) = sources.get(&module.file) else { continue };
        // A file is counted with its outermost module.
        if module.parent.is_some_and(|parent| library.modules[parent].file == module.file) {
            continue;
        }
        let room = module.path.first().map_or("(lib)", String::as_str);
        let figures = Figures::of(text, module.is_test);
        rooms.entry(room).or_default().add(&figures);
        all.add(&figures);
    }
    let mut table = format!("{:12}{:>7}{:>9}{:>9}{:>7}{:>7}\n", "room", "files", "lines", "tests", "pub", "short");
    for (room, figures) in rooms.iter().chain([(&"all", &all)]) {
        let Figures { files, lines, test_lines, public, short } = figures;
        let _ = writeln!(table, "{room:12}{files:>7}{lines:>9}{test_lines:>9}{public:>7}{short:>7}");
    }
    table.push_str(
        "lines: without files of tests. tests: lines of those. pub: items that are `pub`. short: doc comments of three \
         words and fewer.\n",
    );
    let arrows = between_files(library);
    let circles = circles(&arrows);
    let (across, inside): (Vec<_>, Vec<_>) = circles.iter().partition(|circle| crosses_folders(circle));
    let _ = writeln!(table, "\n{} imports from file to file", arrows.len());
    for (what, circles) in [("across folders", across), ("inside a folder", inside)] {
        let files: usize = circles.iter().map(|circle| circle.len()).sum();
        let _ = writeln!(table, "{} circles {what}, of {files} files", circles.len());
        for circle in circles {
            let _ = writeln!(table, "  {:3} {}", circle.len(), circle.join(" "));
        }
    }
    table.push_str("\nknows\n");
    let mut knows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let arrows = between_rooms(library);
    for ((from, to), places) in &arrows {
        knows.entry(from).or_default().push(format!("{to} ({})", places.len()));
    }
    for (room, known) in knows {
        let _ = writeln!(table, "  {room}: {}", known.join(", "));
    }
    table
}

#[derive(Default)]
struct Figures {
    files: usize,
    lines: usize,
    test_lines: usize,
    public: usize,
    short: usize,
}

impl Figures {
    fn of(text: &str, is_test: bool) -> Self {
        let lines = text.lines().count();
        Self {
            files: 1,
            lines: if is_test { 0 } else { lines },
            test_lines: if is_test { lines } else { 0 },
            public: public_items(text),
            short: short_docs(text),
        }
    }

    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.lines += other.lines;
        self.test_lines += other.test_lines;
        self.public += other.public;
        self.short += other.short;
    }
}

/// Items that are `pub`, and not `pub(…)`; fields are none.
fn public_items(text: &str) -> usize {
    const ITEMS: [&str; 11] =
        ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "use", "async", "unsafe"];
    let tokens = tokens(text);
    let pairs = tokens.windows(2);
    pairs
        .filter(|pair| pair[0].word() == Some("pub") && pair[1].word().is_some_and(|word| ITEMS.contains(&word)))
        .count()
}

fn short_docs(text: &str) -> usize {
    let mut short = 0;
    let mut words = None;
    for line in text.lines().map(str::trim_start).chain([""]) {
        if let Some(doc) = line.strip_prefix("///") {
            words = Some(words.unwrap_or(0) + doc.split_whitespace().count());
        } else if words.take().is_some_and(|words| words <= FEW_WORDS) {
            short += 1;
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_comments_are_counted() {
        let text = "/// Its name.\npub struct A { pub b: u8 }\n/// Its name,\n/// at length.\npub(crate) fn c() {}\n    /// The line.\n";
        assert_eq!((public_items(text), short_docs(text)), (1, 2));
    }
}
