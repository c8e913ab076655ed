//! Listing instances, and finding the one that is meant.

mod cache;
mod far;
mod faults;
mod large;
mod list;
mod screen;
mod targets;

use ssmx::sandbox::Fleet;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run};

/// `ssmx ls WORDS`, without the cache.
fn ls(cloud: &Cloud, words: &[&str]) -> Finished {
    run(cloud.ssmx().args(["ls", "--no-cache"]).args(words))
}

/// The fleet that a file describes, with the sandbox in `us-east-1`.
fn fleet(toml: &str) -> Fleet {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), toml).unwrap();
    Fleet::read(file.path(), "us-east-1").unwrap()
}

/// A sandbox with the fleet that a file describes.
fn with(toml: &str) -> Cloud {
    let fleet = fleet(toml);
    Cloud::with(|options| options.fleet = fleet)
}

/// The first words of all lines but the titles.
fn first_words(text: &str) -> Vec<&str> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}
