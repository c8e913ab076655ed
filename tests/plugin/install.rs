//! `ssmx plugin --install`.

use std::fs;

use super::play::{NAME, plain};
use crate::support::command::run;

#[test]
fn a_link_is_made_once_and_nothing_of_others_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join(NAME);
    let install = |extra: &[&str]| {
        let mut command = plain();
        command.args(["plugin", "--install"]).arg(dir.path()).args(extra).env("PATH", dir.path());
        run(&mut command)
    };
    let made = install(&[]);
    assert!(made.code() == 0 && made.err().contains("It is on PATH") && made.stdout.is_empty(), "{made:?}");
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_ssmx")).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), program);
    let again = install(&[]);
    assert!(again.code() == 0 && again.err().contains("already"), "{again:?}");

    fs::remove_file(&link).unwrap();
    fs::write(&link, "theirs").unwrap();
    let refused = install(&[]);
    assert!(refused.code() == 1 && refused.err().contains("`--force`"), "{refused:?}");
    assert_eq!(fs::read(&link).unwrap(), b"theirs");
    let forced = install(&["--force"]);
    assert_eq!(forced.code(), 0, "{forced:?}");
    assert_eq!(fs::read_link(&link).unwrap(), program);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_not_searched_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let made = run(plain().args(["plugin", "--install"]).arg(dir.path()).env("PATH", "/nowhere"));
    assert!(made.code() == 0 && made.err().contains("is not on PATH"), "{made:?}");
    let missing = run(plain().args(["plugin", "--install"]).arg(dir.path().join("missing")));
    assert!(missing.code() == 1 && missing.err().contains("mkdir -p"), "{missing:?}");
}
