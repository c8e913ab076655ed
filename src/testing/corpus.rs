//! The fuzzer's seeds, run as an ordinary test.

use std::fs;
use std::path::PathBuf;

/// Runs a check on every seed of a target.
///
/// # Panics
/// It fails on one, or there are none.
pub(crate) fn every_seed_passes(target: &str, check: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = fs::read(&path).unwrap();
        assert!(std::panic::catch_unwind(|| check(&seed)).is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(seeds > 2, "{target} has too few seeds");
}
