//! The committed scripts are those that the program prints.

use std::fs;
use std::path::Path;
use std::process::Command;

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
fn nothing_of_the_line_is_run_by_powershell() {
    let script = run(ssmx().args(["completions", "powershell"])).out().to_lowercase();
    for runs in ["invoke-expression", "iex", "scriptblock]::create", "invoke-command", "invokescript", "@\""] {
        assert!(!script.contains(runs), "{runs}");
    }
}

#[test]
fn powershell_asks_with_words_and_gets_candidates_with_its_quotes() {
    // As the script asks.
    let ask = |words: &[&str], breaks: &str| {
        let mut ssmx = ssmx();
        ssmx.env("SSMX_COMPLETE", "powershell").env("SSMX_COMPLETE_LINE", words.join("\n"));
        run(ssmx.env("SSMX_COMPLETE_BREAKS", breaks)).out()
    };
    assert_eq!(ask(&["ssmx", "exe"], ""), "exec\tRun a command without a terminal and exit with its exit code\n");
    assert!(ask(&["ssmx", "ls", "--region", "us-east-1,us-gov-w"], ",").starts_with("us-gov-west-1"));
    assert!(ask(&["ssmx", "completions", ""], "").lines().count() == 5);
}

#[test]
#[ignore = "needs pwsh, which is in none of the places that the tests install from"]
fn a_real_powershell_completes() {
    let script = "
        . ./completions/_ssmx.ps1
        foreach ($line in 'ssmx exe', 'ssmx completions ', 'ssmx ls --region us-east-1,us-gov-w', 'true; ssmx completions fi', 'ssmx $(throw)') {
            (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText -join ' '
        }";
    let program = Path::new(env!("CARGO_BIN_EXE_ssmx")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut pwsh = Command::new("pwsh");
    pwsh.args(["-NoProfile", "-NonInteractive", "-Command", script]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let completed = run(pwsh.env("PATH", format!("{}:{path}", program.display())));
    let out = completed.out();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[..4], ["exec", "bash zsh fish powershell elvish", "us-gov-west-1", "fish"], "{completed:?}");
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
