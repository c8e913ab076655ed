//! The committed scripts are those that the program prints.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::command::{run, ssmx};

#[test]
fn the_committed_scripts_are_those_that_are_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let mut stale = Vec::new();
    for (shell, name) in [
        ("bash", "ssmx.bash"),
        ("zsh", "_ssmx"),
        ("fish", "ssmx.fish"),
        ("powershell", "_ssmx.ps1"),
        ("elvish", "ssmx.elv"),
    ] {
        let printed = run(ssmx().args(["completions", shell]));
        assert!(printed.code() == 0 && !printed.stdout.is_empty() && printed.stderr.is_empty(), "{printed:?}");
        let path = folder.join(name);
        if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
            fs::write(&path, &printed.stdout).unwrap();
        }
        if fs::read(&path).unwrap_or_default() != printed.stdout {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; `UPDATE_COMPLETIONS=1 cargo test --test e2e completions` writes them anew"
    );
}

#[test]
fn a_shell_that_is_not_known_is_told_so() {
    let refused = run(ssmx().args(["completions", "tcsh"]));
    assert_snapshot!(refused.shown(), @"
    exit code: 2
    --- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, zsh, fish, powershell, elvish]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    ");
    let silent = run(ssmx().env("SSMX_COMPLETE", "tcsh"));
    assert!(silent.code() == 2 && silent.stdout.is_empty() && silent.stderr.is_empty(), "{silent:?}");
}
