//! The fuzzer's seeds, run as an ordinary test.

use std::{fs, path::PathBuf};

use super::{
    check::check,
    recordings::{RECORDINGS, byte_streams},
};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/smux")
}

#[test]
fn every_seed_passes() {
    let mut seeds = 0;
    for entry in fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        let seed = fs::read(&path).unwrap();
        let run = std::panic::catch_unwind(|| check(&seed));
        assert!(run.is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(seeds >= 2 * RECORDINGS.len());
}

/// With `UPDATE_CORPUS=1` in the environment the seeds are written instead.
#[test]
fn every_recording_is_a_seed() {
    for (recording, _) in RECORDINGS {
        for (bytes, from) in byte_streams(recording).into_iter().zip(["client", "agent"]) {
            let path = corpus().join(format!("{recording}-{from}"));
            if crate::environment::of_tests("UPDATE_CORPUS").is_some() {
                fs::create_dir_all(corpus()).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            assert!(fs::read(&path).is_ok_and(|seed| seed == bytes), "{} differs", path.display());
        }
    }
}
