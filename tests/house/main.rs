//! Keeps the house as its map says: which room imports which, where files and tests stand, and how long they are.
//!
//! `SSMX_HOUSE=. cargo test --test house figures -- --nocapture` prints the house in numbers; instead of `.` it may be the
//! folder of another version.

#![allow(clippy::disallowed_methods, reason = "tests have files and an environment of their own")]

mod arrows;
mod figures;
mod map;
mod modules;
mod resolve;
mod rules;
mod sources;
mod syntax;
mod tokens;

use std::io::Write as _;
use std::sync::LazyLock;
use std::{env, fs, io};

use map::Map;
use modules::Crate;
use sources::Sources;

/// Circles across folders that are still to be taken apart, each with its files in order.
const KNOWN: &[&[&str]] = &[];

/// Read once for all tests.
static HOUSE: LazyLock<House> = LazyLock::new(House::read);

struct House {
    sources: Sources,
    library: Crate,
}

impl House {
    fn read() -> Self {
        let sources = sources::read(&sources::root()).unwrap();
        let library = Crate::read(&sources, "src/lib.rs");
        Self { sources, library }
    }

    fn text(path: &str) -> String {
        fs::read_to_string(sources::root().join(path)).unwrap()
    }
}

#[track_caller]
fn no_complaints(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n\n"));
}

#[test]
fn the_map_is_true() {
    let house = &*HOUSE;
    let map = Map::read(&House::text("src/lib.rs"));
    no_complaints(&rules::map_is_true(&map, &house.library, &arrows::between_rooms(&house.library)));
}

#[test]
fn the_page_for_developers_has_the_same_map() {
    let (library, page) = (Map::read(&House::text("src/lib.rs")), Map::read(&House::text("docs/development.md")));
    for room in &library.0 {
        assert_eq!(page.room(&room.name), Some(room), "docs/development.md is to have the map of src/lib.rs");
    }
    assert_eq!(page, library, "docs/development.md is to have the map of src/lib.rs");
}

#[test]
fn imports_do_not_go_in_circles_across_folders() {
    let arrows = arrows::between_files(&HOUSE.library);
    no_complaints(&rules::circles_stay_in_folders(&arrows::circles(&arrows), &arrows, KNOWN));
}

#[test]
fn a_family_is_a_folder() {
    no_complaints(&rules::families_are_folders(&HOUSE.sources));
}

#[test]
fn no_file_is_forgotten() {
    let sources = &HOUSE.sources;
    let roots = sources::roots(&sources::root()).unwrap();
    let crates: Vec<_> = roots.iter().map(|root| Crate::read(sources, root)).collect();
    no_complaints(&rules::nothing_is_forgotten(sources, &crates));
}

#[test]
fn tests_stand_beside_what_they_test() {
    no_complaints(&rules::tests_have_their_places(&HOUSE.sources));
    no_complaints(&rules::tests_borrow_nothing(&HOUSE.sources));
}

#[test]
fn no_file_is_too_long() {
    no_complaints(&rules::files_are_short(&HOUSE.sources));
}

#[test]
fn figures() {
    let house = &*HOUSE;
    let table = figures::table(&house.sources, &house.library);
    assert!(table.contains("\ncli ") && table.contains("\nprotocol "), "{table}");
    if env::var_os(sources::ROOT).is_some() {
        io::stdout().write_all(table.as_bytes()).unwrap();
    }
}
