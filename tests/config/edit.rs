//! `ssmx config edit`, with programs that stand in for an editor.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::lab::Home;
use crate::support::command::{Finished, run};

/// An editor that does as a script says, with the file as its last argument.
fn editor(home: &Home, script: &str) -> PathBuf {
    let path = home.file("editor");
    fs::write(&path, format!("#!/bin/sh\nfor file; do :; done\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn edit(home: &Home, script: &str) -> Finished {
    run(home.ssmx().env("EDITOR", editor(home, script)).args(["config", "edit"]))
}

/// The name of a draft has a number in it.
fn without_number(text: &str) -> String {
    let draft = regex::Regex::new("config-edit-[0-9]+").unwrap();
    draft.replace_all(text, "config-edit-NUMBER").into_owned()
}

/// The files beside the configuration.
fn beside(home: &Home) -> Vec<PathBuf> {
    let files = fs::read_dir(home.config().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| *path != home.config()).collect()
}

#[test]
fn what_loads_is_taken_over() {
    let home = Home::with("# Mine.\n[defaults]\nregion = 'eu-west-1'\n");
    let changed = edit(&home, "stat -c %a \"$file\" >\"$HOME/mode\"; sed -i s/eu-west-1/eu-north-1/ \"$file\"");

    assert_eq!(home.text(), "# Mine.\n[defaults]\nregion = 'eu-north-1'\n");
    assert_eq!(fs::read_to_string(home.file("mode")).unwrap(), "600\n", "the draft is its owner's alone");
    insta::assert_snapshot!(changed.shown(), @"
    exit code: 0
    --- stderr
    Changed /tmp/TEMPORARY/config/ssmx/config.toml
    ");
    insta::assert_snapshot!(edit(&home, ":").shown(), @"
    exit code: 0
    --- stderr
    Nothing changed in /tmp/TEMPORARY/config/ssmx/config.toml
    ");
    assert_eq!(beside(&home), Vec::<PathBuf>::new());
}

#[test]
fn the_first_time_it_opens_a_commented_file() {
    let home = Home::new();
    let made = edit(
        &home,
        "grep -q '^# region = ' \"$file\" && sed -i '0,/^# region = .*/s//region = \"eu-west-1\"/' \"$file\"",
    );
    assert_eq!(made.code(), 0, "{made:?}");
    assert!(home.text().contains("\nregion = \"eu-west-1\"\n"));
}

#[test]
fn visual_stands_before_editor_and_may_have_arguments() {
    let home = Home::with("");
    let visual =
        format!("{} 'a b'", editor(&home, "printf '[defaults]\\nreason = \"%s\"\\n' \"$1\" >\"$file\"").display());
    let edited = run(home.ssmx().env("VISUAL", visual).env("EDITOR", "false").args(["config", "edit"]));
    assert_eq!((edited.code(), home.text().as_str()), (0, "[defaults]\nreason = \"a b\"\n"), "{edited:?}");
}

#[test]
fn a_mistake_can_be_corrected() {
    let home = Home::with("");
    // The first time a mistake, then its correction.
    let script = "if grep -q regoin \"$file\"; then sed -i s/regoin/region/ \"$file\"; \
                  else printf '[defaults]\\nregoin = \"eu-west-1\"\\n' >\"$file\"; fi";
    let path = editor(&home, script);
    let mut pty = home.in_terminal(&["config", "edit"], &path);
    pty.wait_for_text("Continue editing?");
    assert_eq!(home.text(), "", "nothing is taken over that does not load");
    pty.wait_for_no_echo();
    pty.send("y");
    assert!(pty.wait().success(), "{pty:?}");
    insta::assert_snapshot!(pty.text(), @"
    error: /tmp/TEMPORARY/config/ssmx/config.toml:2: unknown key `regoin` in [defaults]; did you mean `region`?
    Continue editing? yes
    Changed /tmp/TEMPORARY/config/ssmx/config.toml
    ");
    assert_eq!(home.text(), "[defaults]\nregion = \"eu-west-1\"\n");
    assert_eq!(beside(&home), Vec::<PathBuf>::new());
}

#[test]
fn what_is_given_up_is_kept() {
    let home = Home::with("");
    let path = editor(&home, "echo mine >\"$file\"");
    let mut pty = home.in_terminal(&["config", "edit"], &path);
    pty.wait_for_text("Continue editing?");
    pty.wait_for_no_echo();
    pty.send("n");
    assert_eq!(pty.wait().code(), Some(1), "{pty:?}");
    insta::assert_snapshot!(without_number(&pty.text()), @"
    error: /tmp/TEMPORARY/config/ssmx/config.toml:1: key with no value, expected `=`
    Continue editing? no
    error: nothing was changed, because the file would be invalid
    hint: your changes are kept in `/tmp/TEMPORARY/config/ssmx/config-edit-NUMBER.toml`
    ");
    let kept = beside(&home);
    assert_eq!((home.text().as_str(), kept.len()), ("", 1));
    assert_eq!(fs::read_to_string(&kept[0]).unwrap(), "mine\n");

    let refused = run(home.ssmx().env("EDITOR", &path).args(["config", "edit"]));
    insta::assert_snapshot!(without_number(&refused.shown()), @"
    exit code: 2
    --- stderr
    error: /tmp/TEMPORARY/config/ssmx/config.toml:1: key with no value, expected `=`
    hint: your changes are kept in `/tmp/TEMPORARY/config/ssmx/config-edit-NUMBER.toml`
    ");
}

#[test]
fn editors_that_fail_and_others_who_write_meanwhile_lose_nothing() {
    let home = Home::with("[defaults]\n");
    insta::assert_snapshot!(edit(&home, "exit 3").shown(), @"
    exit code: 1
    --- stderr
    error: the editor `/tmp/TEMPORARY/editor` failed
    hint: nothing was changed
    ");
    let none = run(home.ssmx().env("EDITOR", "/nowhere/editor").args(["config", "edit"]));
    insta::assert_snapshot!(none.shown(), @"
    exit code: 1
    --- stderr
    error: the editor `/nowhere/editor` cannot be run
    caused by: No such file or directory (os error NUMBER)
    hint: set another one in `EDITOR`
    ");
    assert_eq!(beside(&home), Vec::<PathBuf>::new());

    let both = edit(&home, "echo '# theirs' >>\"$XDG_CONFIG_HOME/ssmx/config.toml\"; echo '# mine' >>\"$file\"");
    insta::assert_snapshot!(without_number(&both.shown()), @"
    exit code: 1
    --- stderr
    error: another program changed `/tmp/TEMPORARY/config/ssmx/config.toml` in the meantime
    hint: your changes are kept in `/tmp/TEMPORARY/config/ssmx/config-edit-NUMBER.toml`
    ");
    assert_eq!(home.text(), "[defaults]\n# theirs\n");
    assert_eq!(fs::read_to_string(&beside(&home)[0]).unwrap(), "[defaults]\n# mine\n");
}
