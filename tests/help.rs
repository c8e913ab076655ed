//! The help of every command, and what is said about a command line that makes no sense.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use insta::Settings;

use crate::support::cloud::Cloud;
use crate::support::command::{Finished, run, ssmx};
use crate::support::snapshot::{case, typed};

/// Runs it where lines have room for 80 characters.
fn at_80(words: &[&str]) -> Finished {
    run(ssmx().env("COLUMNS", "80").args(words))
}

/// The commands in a help page: lines that are indented by two blanks, and not further, below `Commands:`.
fn commands(page: &str) -> Vec<String> {
    let listed = page.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed = listed.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names = listed.filter_map(|line| line.split_whitespace().next());
    // `help` has a list of all other commands below it.
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The words of every command and all that is below it.
fn all_commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut seen = 0;
    while let Some(words) = all.get(seen).cloned() {
        let words_and_help: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        all.extend(commands(&at_80(&words_and_help).out()).into_iter().map(|name| [&words[..], &[name]].concat()));
        seen += 1;
    }
    all
}

#[test]
fn every_command_has_help() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let all = all_commands();
    assert!(all.len() > 20, "{all:?}");
    let mut settings = Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for words in &all {
            let shown: String = flags(words)
                .iter()
                .map(|flag| {
                    let words: Vec<&str> = words.iter().map(String::as_str).chain([*flag]).collect();
                    case(format!("ssmx {}", words.join(" ")), &at_80(&words).shown())
                })
                .collect();
            insta::assert_snapshot!(snapshot_name(words), shown);
        }
    });
    let expected: BTreeSet<_> = all.iter().map(|words| format!("{}.snap", snapshot_name(words))).collect();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept: BTreeSet<_> =
        files.filter(|name| name.starts_with("help") && Path::new(name).extension() == Some("snap".as_ref())).collect();
    assert_eq!(kept, expected, "a snapshot of a command that is gone goes too");
}

/// The flags that ask a command for help.
fn flags(words: &[String]) -> &'static [&'static str] {
    match words {
        // `-h` goes to the ssh or scp of the machine, and what that says is not ours.
        [name] if name == "ssh" || name == "scp" => &["--help"],
        _ => &["-h", "--help"],
    }
}

fn snapshot_name(words: &[String]) -> String {
    [&["help".to_owned()], words].concat().join("-")
}

#[test]
fn help_is_also_a_command_and_what_a_lone_word_of_a_family_means() {
    for (words, same) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "exec"], &["exec", "--help"]),
        (&["config", "help", "set"], &["config", "set", "--help"]),
        (&["help", "config", "set"], &["config", "set", "--help"]),
        (&["sh", "--help"], &["shell", "--help"]),
    ] {
        assert_eq!(at_80(words).shown(), at_80(same).shown(), "{words:?}");
    }
    // Where a command is missing, the same goes to standard error.
    for (words, same) in [(&[][..], &["-h"][..]), (&["config"], &["config", "-h"])] {
        let (missing, help) = (at_80(words), at_80(same));
        assert_eq!((missing.code(), missing.out(), missing.err()), (2, String::new(), help.out()), "{words:?}");
    }
}

#[test]
fn command_lines_that_make_no_sense() {
    let shown: String = [
        &["shell", "a", "b"][..],
        &["shell", "--frobnicate", "web-1"],
        &["shell", "web-1", "--escape", "ab"],
        &["shell", "web-1", "--parameters", "x"],
        &["exec"],
        &["exec", "web-1"],
        &["exec", "web-1", "true"],
        &["exec", "web-1", "--"],
        &["exec", "--binarry", "web-1", "--", "true"],
        &["exec", "--all", "--first", "web", "--", "true"],
        &["exec", "--all", "--", "true"],
        &["exec", "--", "true"],
        &["ls", "-o", "xml"],
        &["ls", "--columns", "nme"],
        &["ls", "--columns", "colour"],
        &["ls", "--watch"],
        &["status", "--for", "fun", "web-1"],
        &["status", "-o", "xml"],
        &["fwd"],
        &["fwd", "db", "--bind", "nowhere", "80"],
        &["fwd", "db", "80", "-o", "x"],
        &["fwd", "db", "80", "--max-sessions", "3"],
        &["pick", "extra", "words"],
        &["pick", "-o", "xml"],
        &["plugin", "--force"],
        &["ssh"],
        &["scp"],
        &["proxy"],
        &["proxy", "web-1"],
        &["proxy", "web-1", "x"],
        &["proxy", "web-1", "0"],
        &["proxy", "web-1", "99999"],
        &["ssh-config", "--install", "--uninstall"],
        &["completions"],
        &["completions", "tcsh"],
        &["config", "frobnicate"],
        &["config", "gte", "region"],
        &["config", "get"],
        &["config", "set"],
        &["config", "unset"],
        &["config", "show", "-o", "yaml"],
        &["config", "explain", "-o", "yaml"],
        &["sandbox", "--instances", "x"],
        &["sandbox", "--agent-pace", "slow"],
        &["help", "frobnicate"],
        &["-q", "-p", "work"],
        &["--color", "maybe", "ls"],
        &["--endpoint-url", "ftp://x", "ls"],
        &["--endpoint-url", "127.0.0.1:80", "ls"],
        &["ls", "--profile"],
        &["ls", "--profile", "a", "--profile", "b"],
        &["ls", "--log-file"],
    ]
    .iter()
    .map(|words| case(format!("ssmx {}", typed(words)), &at_80(words).shown()))
    .collect();
    let mut settings = Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("usage-errors", shown));
}

#[test]
fn a_mistyped_command_is_taken_for_a_target_until_there_is_none() {
    let cloud = Cloud::start();
    let shown: String = ["exce", "shel", "frobnicate"]
        .map(|word| case(format!("ssmx {word}"), &run(cloud.ssmx().arg(word)).shown()))
        .concat();
    insta::assert_snapshot!(shown, @"
    === ssmx exce
    exit code: 3
    --- stderr
    error: no instance is named `exce` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    hint: did you mean `ssmx exec`?

    === ssmx shel
    exit code: 3
    --- stderr
    error: no instance is named `shel` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    hint: did you mean `ssmx shell`?

    === ssmx frobnicate
    exit code: 3
    --- stderr
    error: no instance is named `frobnicate` in us-east-1
    hint: `ssmx ls` lists all instances; also check the region and the account
    ");
}
