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
    insta::assert_snapshot!(made.shown(), @"
    exit code: 0
    --- stderr
    Linked `/tmp/TEMPORARY/session-manager-plugin` to `/bin/ssmx`
    It is on PATH: the AWS CLI will use it.
    ");
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_ssmx")).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), program);
    insta::assert_snapshot!(install(&[]).shown(), @"
    exit code: 0
    --- stderr
    `/tmp/TEMPORARY/session-manager-plugin` is already this program
    It is on PATH: the AWS CLI will use it.
    ");

    fs::remove_file(&link).unwrap();
    fs::write(&link, "theirs").unwrap();
    insta::assert_snapshot!(install(&[]).shown(), @"
    exit code: 1
    --- stderr
    error: `/tmp/TEMPORARY/session-manager-plugin` already exists and is not ssmx
    hint: `--force` overwrites it
    ");
    assert_eq!(fs::read(&link).unwrap(), b"theirs");
    insta::assert_snapshot!(install(&["--force"]).shown(), @"
    exit code: 0
    --- stderr
    Linked `/tmp/TEMPORARY/session-manager-plugin` to `/bin/ssmx`
    It is on PATH: the AWS CLI will use it.
    ");
    assert_eq!(fs::read_link(&link).unwrap(), program);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_not_searched_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let made = run(plain().args(["plugin", "--install"]).arg(dir.path()).env("PATH", "/nowhere"));
    insta::assert_snapshot!(made.shown(), @"
    exit code: 0
    --- stderr
    Linked `/tmp/TEMPORARY/session-manager-plugin` to `/bin/ssmx`
    warning: `/tmp/TEMPORARY` is not on PATH, so the AWS CLI will not find it
    ");
    let missing = run(plain().args(["plugin", "--install"]).arg(dir.path().join("missing")));
    insta::assert_snapshot!(missing.shown(), @"
    exit code: 1
    --- stderr
    error: cannot install into `/tmp/TEMPORARY/missing`
    caused by: No such file or directory (os error NUMBER)
    hint: create it first: `mkdir -p /tmp/TEMPORARY/missing`
    ");
}
