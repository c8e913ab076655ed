//! What every change has to keep. A rule returns its complaints, each of which says where and what to do.

use std::collections::{BTreeMap, BTreeSet};

use crate::arrows::{Arrows, crosses_folders, folder};
use crate::map::Map;
use crate::modules::Crate;
use crate::sources::Sources;
use crate::syntax::{Block, Body, parse};
use crate::tokens::tokens;

/// The longest file, in lines.
pub(crate) const MOST_LINES: usize = 500;

/// The longest module of tests that may stand in the file that it tests, in lines.
pub(crate) const MOST_TEST_LINES: usize = 60;

/// From so many files on with the same first word, a family is a folder.
pub(crate) const FAMILY: usize = 3;

/// Rooms import the rooms that the map says, all of them, and no others.
pub(crate) fn map_is_true(map: &Map, library: &Crate, arrows: &Arrows) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, place) in &library.modules[0].children {
        // `bench` is a module in lib.rs itself, and no room.
        let module = &library.modules[*place];
        if !module.is_test && module.file != library.modules[0].file && map.room(name).is_none() {
            complaints.push(format!("`{name}` is not in the map: add its row to src/lib.rs and docs/development.md"));
        }
    }
    for ((from, to), places) in arrows {
        if map.room(from).is_some_and(|room| !room.knows.contains(to)) {
            let places = places.iter().map(|place| format!("\n  {}:{}: {}", place.file, place.line, place.path));
            complaints.push(format!(
                "`{from}` does not know `{to}`, but imports it: have a room between them hand it on, or change the map in \
                 src/lib.rs and docs/development.md{}",
                places.collect::<String>()
            ));
        }
    }
    for room in &map.0 {
        for known in &room.knows {
            if !arrows.contains_key(&(room.name.clone(), known.clone())) {
                complaints.push(format!(
                    "the map lets `{}` know `{known}`, which it does not use: take that out of src/lib.rs and \
                     docs/development.md",
                    room.name
                ));
            }
        }
    }
    for (from, to) in map.climbs() {
        complaints
            .push(format!("in the map `{from}` knows `{to}`, which does not stand below it: move one of the rows"));
    }
    complaints
}

/// Files that import each other are in one folder, but for the circles that are known.
pub(crate) fn circles_stay_in_folders(circles: &[Vec<String>], arrows: &Arrows, known: &[&[&str]]) -> Vec<String> {
    let crossing: Vec<&Vec<String>> = circles.iter().filter(|circle| crosses_folders(circle)).collect();
    let mut complaints = Vec::new();
    for circle in crossing.iter().filter(|circle| !known.iter().any(|known| ***circle == **known)) {
        let inside = |file: &String| circle.contains(file);
        let across = arrows
            .iter()
            .filter(|((from, to), _)| inside(from) && inside(to) && folder(from) != folder(to))
            .filter_map(|((from, to), places)| {
                let place = places.first()?;
                Some(format!("  {from}:{}: `{}` is in {to}", place.line, place.path))
            });
        complaints.push(format!(
            "files of several folders import each other: move what both sides need into a file below both, or hand it in. \
             The imports that cross a folder:\n{}\n  The files: {circle:?}",
            across.collect::<Vec<_>>().join("\n")
        ));
    }
    for gone in known.iter().filter(|gone| !crossing.iter().any(|circle| **circle == **gone)) {
        complaints
            .push(format!("this circle is no longer as it was known: take it out of KNOWN, or correct it: {gone:?}"));
    }
    complaints
}

/// Several files of a folder with the same first word are a folder of that name.
pub(crate) fn families_are_folders(sources: &Sources) -> Vec<String> {
    let mut families: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for path in sources.keys() {
        let parts: Vec<&str> = path.split('/').collect();
        for at in 1..parts.len() {
            let name = parts[at].trim_end_matches(".rs");
            let first = name.split('_').next().unwrap_or(name);
            families.entry((parts[..at].join("/"), first.to_owned())).or_default().insert(name.to_owned());
        }
    }
    let families = families.into_iter().filter(|(_, names)| names.len() >= FAMILY);
    let complaint = |((folder, first), names): ((String, String), BTreeSet<String>)| {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("{folder}: {names} are a family: make them the folder {folder}/{first}")
    };
    families.map(complaint).collect()
}

/// A crate reaches every file.
pub(crate) fn nothing_is_forgotten(sources: &Sources, crates: &[Crate]) -> Vec<String> {
    let reached: BTreeSet<&str> = crates.iter().flat_map(Crate::files).collect();
    let forgotten = sources.keys().filter(|path| !reached.contains(path.as_str()));
    forgotten.map(|path| format!("{path}: no `mod` leads here: declare it, or remove the file")).collect()
}

/// Tests stand in the file that they test or in `FILE/tests.rs`.
pub(crate) fn tests_have_their_places(sources: &Sources) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| path.starts_with("src/")) {
        if path.ends_with("_tests.rs") || path.ends_with("_test.rs") {
            let tested = path.trim_end_matches(".rs").trim_end_matches("_tests").trim_end_matches("_test");
            complaints.push(format!("{path}: move these tests to {tested}/tests.rs"));
        }
        modules_have_their_places(path, &parse(text), &mut complaints);
    }
    complaints
}

fn modules_have_their_places(path: &str, block: &Block, complaints: &mut Vec<String>) {
    let beside = path.trim_end_matches(".rs").trim_end_matches("/mod").trim_end_matches("/lib");
    for child in &block.children {
        let (name, line) = (&child.name, child.line);
        if child.is_test && child.path.is_some() {
            complaints.push(format!("{path}:{line}: `{name}` has a `#[path]`: put the tests into {beside}/{name}.rs"));
        }
        let Body::Here(inside, last) = &child.body else { continue };
        // The braces may share a line.
        let lines = last.saturating_sub(line + 1);
        if child.is_test && lines > MOST_TEST_LINES {
            complaints.push(format!(
                "{path}:{line}: {lines} lines of tests, and up to {MOST_TEST_LINES} may stand here: put them into \
                 {beside}/{name}.rs"
            ));
        }
        modules_have_their_places(path, inside, complaints);
    }
}

/// What several files of tests use is not borrowed from the tests of one of them.
pub(crate) fn tests_borrow_nothing(sources: &Sources) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| path.starts_with("src/")) {
        for window in tokens(text).windows(3) {
            if window[0].word() == Some("tests") && window[1].is(':') && window[2].is(':') {
                complaints.push(format!(
                    "{path}:{}: this borrows from the tests of another file: move it to a `testing.rs` of the room, or to \
                     src/testing/ if several rooms use it",
                    window[0].line
                ));
            }
        }
    }
    complaints
}

/// No file is so long that nobody reads it.
pub(crate) fn files_are_short(sources: &Sources) -> Vec<String> {
    let long = sources.iter().map(|(path, text)| (path, text.lines().count())).filter(|(_, lines)| *lines > MOST_LINES);
    let complaint =
        |(path, lines)| format!("{path}: {lines} lines, and {MOST_LINES} are the most: divide it by what it does");
    long.map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrows::{between_files, between_rooms, circles};

    fn sources(files: &[(&str, &str)]) -> Sources {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    fn map(rows: &str) -> Map {
        Map::read(&format!("| room | what it is | knows |\n|---|---|---|\n{rows}"))
    }

    #[test]
    fn an_arrow_too_many_or_too_few_is_found() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c; #[cfg(test)] mod testing; mod inline {}"),
            ("src/a.rs", "use crate::b::B;\n#[cfg(test)] use crate::testing::T;"),
            ("src/b.rs", "pub struct B;"),
            ("src/c.rs", ""),
            ("src/testing.rs", "use crate::c::C;"),
        ];
        let library = Crate::read(&sources(&files), "src/lib.rs");
        let check = |rows: &str| map_is_true(&map(rows), &library, &between_rooms(&library));
        assert_eq!(check("| a | x | b |\n| b | x | – |\n| c | x | – |"), Vec::<String>::new());
        let complaints = check("| a | x | c |\n| b | x | – |");
        assert_eq!(complaints.len(), 4, "{complaints:#?}");
        assert!(complaints[0].starts_with("`c` is not in the map"));
        assert!(
            complaints[1].starts_with("`a` does not know `b`")
                && complaints[1].ends_with("\n  src/a.rs:1: crate::b::B")
        );
        assert!(complaints[2].starts_with("the map lets `a` know `c`"));
        assert!(complaints[3].starts_with("in the map `a` knows `c`"));
    }

    #[test]
    fn a_circle_may_not_cross_a_folder() {
        let files = [
            ("src/lib.rs", "mod a;"),
            ("src/a/mod.rs", "pub mod b; pub mod c; pub mod d; fn f() { d::g() }"),
            ("src/a/b.rs", "use super::c::C; pub struct B;"),
            ("src/a/c.rs", "use super::b::B; pub struct C;"),
            ("src/a/d/mod.rs", "\nuse super::f; pub fn g() {}"),
        ];
        let library = Crate::read(&sources(&files), "src/lib.rs");
        let arrows = between_files(&library);
        let circles = circles(&arrows);
        assert_eq!(circles.len(), 2);
        let complaints = circles_stay_in_folders(&circles, &arrows, &[]);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("\n  src/a/d/mod.rs:2: `super::f` is in src/a/mod.rs\n"), "{}", complaints[0]);
        let known: &[&str] = &["src/a/d/mod.rs", "src/a/mod.rs"];
        assert_eq!(circles_stay_in_folders(&circles, &arrows, &[known]), Vec::<String>::new());
        assert_eq!(circles_stay_in_folders(&circles[..1], &arrows, &[known]).len(), 1);
    }

    #[test]
    fn files_are_where_a_reader_looks() {
        let files = [
            ("src/lib.rs", "mod a;\n#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;"),
            ("src/a.rs", ""),
            ("src/a_tests.rs", ""),
            ("src/a_b/c.rs", ""),
        ];
        let all = sources(&files);
        let library = [Crate::read(&all, "src/lib.rs")];
        assert_eq!(families_are_folders(&all), ["src: a, a_b, a_tests are a family: make them the folder src/a"]);
        assert!(nothing_is_forgotten(&all, &library).concat().starts_with("src/a_b/c.rs: no `mod` leads here"));
        let complaints = tests_have_their_places(&all);
        assert!(complaints[0].ends_with("src/a/tests.rs") && complaints[1].starts_with("src/lib.rs:4: `tests` has"));
    }

    #[test]
    fn a_borrowed_helper_is_found() {
        let all = sources(&[("src/a.rs", "mod tests;\n// crate::b::tests::C\nuse crate::b::{c, tests::D};")]);
        let complaints = tests_borrow_nothing(&all);
        assert!(complaints.len() == 1 && complaints[0].starts_with("src/a.rs:3: "), "{complaints:?}");
    }

    #[test]
    fn what_is_too_long_is_found() {
        let tests = |lines: usize| format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{{}}}", "\n".repeat(lines + 1));
        let long = "\n".repeat(MOST_LINES + 1);
        let files =
            [("src/a.rs", tests(MOST_TEST_LINES)), ("src/b/mod.rs", tests(MOST_TEST_LINES + 1)), ("src/c.rs", long)];
        let all = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        let complaints = tests_have_their_places(&all);
        assert!(complaints.len() == 1 && complaints[0].starts_with("src/b/mod.rs:3: 61 lines"), "{complaints:?}");
        assert!(complaints[0].ends_with("src/b/tests.rs"));
        let one_line = sources(&[("src/d.rs", "fn f() {}\n#[cfg(test)]\nmod tests { fn g() {} }")]);
        assert_eq!(tests_have_their_places(&one_line), Vec::<String>::new());
        assert!(files_are_short(&all).concat().starts_with("src/c.rs: 501 lines"));
    }
}
