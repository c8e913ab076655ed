//! The scripts of the house, as shellcheck sees them.

use std::process::Command;

use crate::support::command::run;

#[test]
fn shellcheck_finds_nothing() {
    for words in
        [&["install.sh", "tests/run.sh", ".ci/run", ".ci/deny"][..], &["--shell=bash", "completions/ssmx.bash"]]
    {
        let checked = run(Command::new("shellcheck").args(words).current_dir(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(checked.code(), 0, "{}", checked.out());
    }
}

#[test]
fn a_script_that_arrives_in_part_does_nothing() {
    let place = super::place::Place::new();
    let script = std::fs::read_to_string(place.at("tree/install.sh")).unwrap();
    for tenth in 1..10 {
        place.write("tree/install.sh", &script[..script.len() * tenth / 10]);
        // A function cut in its middle is a mistake of syntax, and the rest only defines functions.
        let _ = place.install(&[]);
        assert!(place.files().is_empty(), "{tenth} tenths");
    }
}
