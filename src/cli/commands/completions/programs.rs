//! The programs of this machine, as a shell finds them.

use crate::environment;
use std::collections::BTreeSet;
use std::env;
use std::fs;

use crate::cli::program::is_program;

/// Folders of PATH that are looked at.
const MOST_FOLDERS: usize = 64;

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 20_000;

/// The programs on PATH whose name begins so; none for an empty beginning: thousands are of no use.
pub(crate) fn programs(beginning: &str) -> BTreeSet<String> {
    if beginning.is_empty() {
        return BTreeSet::new();
    }
    let path = environment::PATH.value().unwrap_or_default();
    let entries = env::split_paths(&path)
        .take(MOST_FOLDERS)
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.take(MOST_ENTRIES).flatten());
    let found = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with(beginning))?;
        is_program(&entry.path()).then_some(name)
    });
    found.collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_their_beginning() {
        assert!(programs("s").contains("sh"));
        assert!(programs("").is_empty() && programs("no such program").is_empty());
    }
}
