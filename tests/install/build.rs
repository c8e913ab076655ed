//! Building from the tree: with a cargo that only says what it was asked for.

use std::fs;

use super::place::{Place, SHELLS};

/// Does as `cargo install --root DIR` does.
const CARGO: &str = "\
echo \"$PWD: $*\" >>\"$HOME/called\"
for word; do root=$word; done
mkdir -p \"$root/bin\"
cp \"$HOME/../tree/program\" \"$root/bin/ssmx\"";

#[test]
fn the_tree_that_the_script_stands_in_is_built_and_installed() {
    for shell in SHELLS {
        let place = Place::of(shell);
        place.shim("cargo", CARGO);
        place.shim("cc", "exit 1");
        let built = place.run(&["--prefix", "p"]);
        assert_eq!(built.code(), 0, "{built:?}");
        let called = fs::read_to_string(place.at("home/called")).unwrap();
        let expected = format!("{}: install --quiet --locked --no-track --path . --root ", place.at("tree").display());
        assert!(called.starts_with(&expected), "{called}");
        assert!(place.at("home/p/bin/ssmx").exists());
    }
}

#[test]
fn what_keeps_it_from_being_built_is_said() {
    let place = Place::new();
    place.shim("cargo", "echo 'error: no' >&2; exit 101");
    place.shim("cc", "exit 1");
    let failed = place.run(&["--prefix", "p"]);
    insta::assert_snapshot!(failed.shown(), @"
    exit code: 1
    --- stderr
    Building ssmx. The first time this takes minutes and some gigabytes, nearly all of it for the AWS SDK.
    error: no
    error: the build failed
    hint: see the output of cargo above
    ");

    let place = Place::of(&["busybox", "sh"]);
    let missing = place.run(&["--prefix", "p"]);
    insta::assert_snapshot!(missing.shown(), @"
    exit code: 1
    --- stderr
    error: cargo is missing
    hint: install Rust 1.94.1 or newer, with rustup or from your distribution
    ");
    place.shim("cargo", CARGO);
    let missing = place.run(&["--prefix", "p"]);
    insta::assert_snapshot!(missing.shown(), @"
    exit code: 1
    --- stderr
    error: a C compiler is missing
    hint: on Debian: apt-get install build-essential; on macOS: xcode-select --install
    ");

    fs::remove_dir_all(place.at("tree/completions")).unwrap();
    let alone = place.run(&["--prefix", "p"]);
    insta::assert_snapshot!(alone.shown(), @"
    exit code: 1
    --- stderr
    error: this script is not in a source tree of ssmx
    hint: give the path or the URL of a release archive
    ");
    assert!(place.files().is_empty());
}
