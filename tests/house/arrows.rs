//! Who imports whom: files within the library, and its rooms.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Crate;

/// A place in the source that needs another room or file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
    /// As it is written there.
    pub(crate) path: String,
}

/// What imports what, with the places.
pub(crate) type Arrows = BTreeMap<(String, String), BTreeSet<Place>>;

/// The room of a path is the one it names, whoever defines what it leads to.
pub(crate) fn between_rooms(library: &Crate) -> Arrows {
    let mut arrows = Arrows::new();
    let root = &library.modules[0].file;
    for module in library.modules.iter().filter(|module| !module.is_test && module.file != *root) {
        let Some(room) = module.path.first() else { continue };
        let imports = module.block.imports.iter().map(|import| (&import.segments, import.line));
        let paths = module.block.paths.iter().map(|path| (&path.segments, path.line));
        for (segments, line) in imports.chain(paths) {
            let ups = segments.iter().take_while(|segment| *segment == "super").count();
            let to = match segments[0].as_str() {
                "crate" => segments.get(1),
                "super" if ups >= module.path.len() => segments.get(ups),
                _ => continue,
            };
            let Some(to) = to.filter(|to| *to != room && library.modules[0].children.contains_key(*to)) else {
                continue;
            };
            let place = Place { file: module.file.clone(), line, path: segments.join("::") };
            arrows.entry((room.clone(), to.clone())).or_default().insert(place);
        }
    }
    arrows
}

/// The file of a path is the one that defines what it leads to. A file that only hands a name on does not need it.
pub(crate) fn between_files(library: &Crate) -> Arrows {
    let mut arrows = Arrows::new();
    for (place, module) in library.modules.iter().enumerate().filter(|(_, module)| !module.is_test) {
        let words = &module.block.words;
        let is_needed = |name: &Option<String>| name.as_ref().is_none_or(|name| words.contains(name));
        let imports = module.block.imports.iter().filter(|import| !import.is_export || is_needed(&import.name));
        // An import of a module needs nothing of it yet: the paths that begin with it do.
        let imports = imports.map(|import| (&import.segments, import.line, import.name.is_none()));
        let paths = module.block.paths.iter().map(|path| (&path.segments, path.line, true));
        for (segments, line, counts_as_module) in imports.chain(paths) {
            let Some(found) = library.resolve(place, segments) else { continue };
            let to = &library.modules[found.module];
            if to.file == module.file || to.path.is_empty() || to.is_test || found.is_module && !counts_as_module {
                continue;
            }
            let place = Place { file: module.file.clone(), line, path: segments.join("::") };
            arrows.entry((module.file.clone(), to.file.clone())).or_default().insert(place);
        }
    }
    arrows
}

/// Groups of two and more that all import each other, directly or by others, each in order of its names.
pub(crate) fn circles(arrows: &Arrows) -> Vec<Vec<String>> {
    let names: BTreeSet<&String> = arrows.keys().flat_map(|(from, to)| [from, to]).collect();
    let names: Vec<&String> = names.into_iter().collect();
    let number: BTreeMap<&String, usize> = names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
    let mut next = vec![Vec::new(); names.len()];
    for (from, to) in arrows.keys() {
        next[number[from]].push(number[to]);
    }
    let reached: Vec<Vec<bool>> = (0..names.len()).map(|start| reached(&next, start)).collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (one, name) in names.iter().enumerate() {
        let others = (0..names.len()).filter(|other| reached[one][*other] && reached[*other][one]);
        let circle: Vec<_> = others.map(|other| names[other].clone()).collect();
        if circle.len() > 1 && circle[0] == **name {
            circles.push(circle);
        }
    }
    circles
}

/// What can be reached from a start by one step or more.
fn reached(next: &[Vec<usize>], start: usize) -> Vec<bool> {
    let mut reached = vec![false; next.len()];
    let mut open = next[start].clone();
    while let Some(one) = open.pop() {
        if !std::mem::replace(&mut reached[one], true) {
            open.extend(&next[one]);
        }
    }
    reached
}

/// The folder that a file belongs to. `room/mod.rs` belongs to `room`.
pub(crate) fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether the files of a circle are in several folders.
pub(crate) fn crosses_folders(circle: &[String]) -> bool {
    circle.iter().any(|file| folder(file) != folder(&circle[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;

    fn library() -> Crate {
        let files = [
            ("src/lib.rs", "mod high; mod low; mod middle; pub use high::main;"),
            ("src/high/mod.rs", "mod inner; pub fn main() { inner::run() } pub struct Args;"),
            (
                "src/high/inner.rs",
                "use super::super::middle::Thing; use super::Args; use crate::low;\nfn f() { low::g() }",
            ),
            ("src/middle.rs", "pub use crate::low::Thing;\n#[cfg(test)] mod tests { use crate::high::Args; }"),
            ("src/low.rs", "pub struct Thing; fn g() {}"),
        ];
        let sources: Sources = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        Crate::read(&sources, "src/lib.rs")
    }

    fn shown(arrows: &Arrows) -> Vec<String> {
        arrows.keys().map(|(from, to)| format!("{from} {to}")).collect()
    }

    #[test]
    fn a_room_is_the_one_that_is_named() {
        let arrows = between_rooms(&library());
        assert_eq!(shown(&arrows), ["high low", "high middle", "middle low"]);
        let place = arrows.values().next().unwrap().first().unwrap();
        assert_eq!((place.file.as_str(), place.line, place.path.as_str()), ("src/high/inner.rs", 1, "crate::low"));
    }

    #[test]
    fn a_file_is_the_one_that_defines() {
        let arrows = between_files(&library());
        assert_eq!(
            shown(&arrows),
            ["src/high/inner.rs src/high/mod.rs", "src/high/inner.rs src/low.rs", "src/high/mod.rs src/high/inner.rs",]
        );
        assert_eq!(circles(&arrows), [["src/high/inner.rs", "src/high/mod.rs"]]);
    }

    #[test]
    fn a_circle_is_found_whole_and_once() {
        let pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("e", "f")];
        let arrows = pairs.map(|(from, to)| ((from.to_owned(), to.to_owned()), BTreeSet::new())).into();
        assert_eq!(circles(&arrows), [vec!["a", "b", "c"], vec!["d", "e"]]);
    }
}
