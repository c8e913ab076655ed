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

/// The files beside the configuration.
fn beside(home: &Home) -> Vec<PathBuf> {
    let files = fs::read_dir(home.config().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| *path != home.config()).collect()
}

#[test]
fn what_loads_is_taken_over() {
    let home = Home::with("# Mine.\n[defaults]\nregion = 'eu-west-1'\n");
    let changed = edit(&home, "stat -c %a \"$file\" >\"$HOME/mode\"; sed -i s/eu-west-1/eu-north-1/ \"$file\"");
    assert_eq!(changed.code(), 0, "{changed:?}");
    assert_eq!(home.text(), "# Mine.\n[defaults]\nregion = 'eu-north-1'\n");
    assert_eq!(fs::read_to_string(home.file("mode")).unwrap(), "600\n", "the draft is its owner's alone");
    let same = edit(&home, ":");
    assert!(same.code() == 0 && same.err().starts_with("Nothing was changed in "), "{same:?}");
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
    pty.wait_for_text("config.toml:2: unknown key `regoin` in [defaults]; did you mean `region`?");
    pty.wait_for_text("Go on editing?");
    assert_eq!(home.text(), "", "nothing is taken over that does not load");
    pty.send("y");
    pty.wait_for_text("Changed ");
    assert!(pty.wait().success(), "{pty:?}");
    assert_eq!(home.text(), "[defaults]\nregion = \"eu-west-1\"\n");
    assert_eq!(beside(&home), Vec::<PathBuf>::new());
}

#[test]
fn what_is_given_up_is_kept() {
    let home = Home::with("");
    let path = editor(&home, "echo mine >\"$file\"");
    let mut pty = home.in_terminal(&["config", "edit"], &path);
    pty.wait_for_text("Go on editing?");
    pty.send("n");
    assert_eq!(pty.wait().code(), Some(1), "{pty:?}");
    assert!(pty.contents().contains("what you have written is in `"), "{pty:?}");
    let kept = beside(&home);
    assert_eq!((home.text().as_str(), kept.len()), ("", 1));
    assert_eq!(fs::read_to_string(&kept[0]).unwrap(), "mine\n");

    let refused = run(home.ssmx().env("EDITOR", &path).args(["config", "edit"]));
    assert!(refused.code() == 2 && refused.err().contains("what you have written is in `"), "{refused:?}");
}

#[test]
fn editors_that_fail_and_others_who_write_meanwhile_lose_nothing() {
    let home = Home::with("[defaults]\n");
    let failed = edit(&home, "exit 3");
    assert!(failed.code() == 1 && failed.err().contains("has failed"), "{failed:?}");
    let none = run(home.ssmx().env("EDITOR", "/nowhere/editor").args(["config", "edit"]));
    assert!(none.code() == 1 && none.err().contains("cannot be run"), "{none:?}");
    assert_eq!(beside(&home), Vec::<PathBuf>::new());

    let both = edit(&home, "echo '# theirs' >>\"$XDG_CONFIG_HOME/ssmx/config.toml\"; echo '# mine' >>\"$file\"");
    assert!(both.code() == 1 && both.err().contains("was changed by somebody else meanwhile"), "{both:?}");
    assert_eq!(home.text(), "[defaults]\n# theirs\n");
    assert_eq!(fs::read_to_string(&beside(&home)[0]).unwrap(), "[defaults]\n# mine\n");
}
