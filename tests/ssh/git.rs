//! git over ssh.

use std::fs;

use super::lab::{Lab, assert_same, noise};
use crate::support::command::run;

#[test]
fn a_repository_is_cloned_pushed_to_and_fetched_from() {
    let lab = Lab::new();
    let config = lab.configure(&["web-1"]);
    let git = |args: &[&str]| {
        let mut git = lab.program("git");
        git.args(args).env("GIT_SSH_COMMAND", format!("ssh -F '{}'", config.display()));
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Somebody").env(format!("GIT_{who}_EMAIL"), "somebody@example.com");
        }
        let ran = run(&mut git);
        assert_eq!(ran.code(), 0, "{args:?}: {}", ran.err());
    };
    let made = lab.cloud.exec("web-1", ["git", "init", "-q", "--bare", "-b", "main", "repository.git"]);
    assert_eq!(made.code(), 0, "{made:?}");
    git(&["clone", "-q", "web-1.ssmx:repository.git", "first"]);
    fs::write(lab.file("first/file"), noise(1, 8 << 20)).unwrap();
    git(&["-C", "first", "add", "file"]);
    git(&["-C", "first", "commit", "-q", "-m", "A file"]);
    git(&["-C", "first", "push", "-q", "origin", "HEAD:main"]);

    git(&["clone", "-q", "ssh://web-1.ssmx/~/repository.git", "second"]);
    assert_same(&lab.file("first/file"), &lab.file("second/file"));
    fs::write(lab.file("first/file"), noise(2, 100)).unwrap();
    git(&["-C", "first", "commit", "-q", "-a", "-m", "Another one"]);
    git(&["-C", "first", "push", "-q", "origin", "HEAD:main"]);
    git(&["-C", "second", "pull", "-q"]);
    assert_same(&lab.file("first/file"), &lab.file("second/file"));
    lab.cloud.wait_for_no_session();
}
