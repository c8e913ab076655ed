//! Installing, again, a newer one, and away with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::place::{Place, SHELLS};
use crate::support::command::Finished;
use crate::support::snapshot::{from_error, settled};

/// What is installed, with its permissions.
const INSTALLED: [(&str, u32); 9] = [
    ("bin/ssmx", 0o755),
    ("share/bash-completion/completions/ssmx", 0o644),
    ("share/fish/vendor_completions.d/ssmx.fish", 0o644),
    ("share/man/man1/ssmx-shell.1", 0o644),
    ("share/man/man1/ssmx.1", 0o644),
    ("share/ssmx/_ssmx.ps1", 0o644),
    ("share/ssmx/manifest", 0o644),
    ("share/ssmx/ssmx.elv", 0o644),
    ("share/zsh/site-functions/_ssmx", 0o644),
];

/// A place where somebody else has installed something as well.
fn shared(shell: &'static [&'static str]) -> Place {
    let place = Place::of(shell);
    fs::create_dir_all(place.at("home/p/share/man/man1")).unwrap();
    place.write("home/p/share/man/man1/other.1", "of somebody else");
    place
}

/// Below it stands what is left to do, which depends on the shells that are here.
fn first_line(finished: &Finished) -> String {
    assert_eq!((finished.code(), finished.out().as_str()), (0, ""), "{finished:?}");
    settled(finished.err().lines().next().unwrap())
}

fn lifecycle(place: &Place) {
    let before = place.files();

    let installed = place.install(&[]);
    let program = place.at("home/p/bin/ssmx");
    insta::allow_duplicates! {
        insta::assert_snapshot!(first_line(&installed), @"Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.");
    }
    let files = place.files();
    for (path, mode) in INSTALLED {
        assert_eq!(files[&place.at("home/p").join(path)].0, mode, "{path}");
    }
    let new: Vec<_> = files.iter().filter(|(path, _)| path.is_file() && !before.contains_key(*path)).collect();
    assert_eq!(new.len(), INSTALLED.len(), "{new:?}");

    assert_eq!(place.install(&[]).code(), 0);
    assert_eq!(place.files(), files, "twice is as good as once");

    fs::remove_file(place.at("tree/docs/man/ssmx-shell.1")).unwrap();
    place.write("tree/docs/man/ssmx-exec.1", "new");
    place.program("tree/program", "2.0.0");
    let updated = place.install(&[]);
    insta::allow_duplicates! {
        insta::assert_snapshot!(first_line(&updated), @"Installed ssmx 2.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.");
    }
    let man = place.at("home/p/share/man/man1");
    assert!(man.join("ssmx-exec.1").exists() && !man.join("ssmx-shell.1").exists());
    assert_eq!(fs::read(&program).unwrap(), fs::read(place.at("tree/program")).unwrap());

    let removed = place.run(&["--uninstall", "--prefix", "p"]);
    insta::allow_duplicates! {
        insta::assert_snapshot!(removed.shown(), @"
        exit code: 0
        --- stderr
        Removed ssmx from /tmp/TEMPORARY/home/p.
        ");
    }
    assert_eq!(place.files(), before);

    let again = place.run(&["--uninstall", "--prefix", "p"]);
    insta::allow_duplicates! {
        insta::assert_snapshot!(again.shown(), @"
        exit code: 0
        --- stderr
        Nothing to remove: ssmx was not installed under /tmp/TEMPORARY/home/p by this script.
        ");
    }
}

#[test]
fn it_comes_and_goes_without_a_trace_in_every_shell() {
    for shell in SHELLS {
        lifecycle(&shared(shell));
    }
}

#[test]
fn a_user_without_rights_can_do_the_same() {
    for shell in SHELLS {
        lifecycle(&shared(shell).unprivileged());
    }
}

#[test]
fn what_was_changed_by_somebody_is_left() {
    let place = Place::new();
    assert_eq!(place.install(&[]).code(), 0);
    let changed = place.at("home/p/share/zsh/site-functions/_ssmx");
    fs::write(&changed, "my own").unwrap();
    let removed = place.run(&["--uninstall", "--prefix", "p"]);
    insta::assert_snapshot!(removed.shown(), @"
    exit code: 0
    --- stderr
    Kept, because it was changed: /tmp/TEMPORARY/home/p/share/zsh/site-functions/_ssmx
    Removed ssmx from /tmp/TEMPORARY/home/p.
    ");
    let left: Vec<_> = place.files().into_keys().filter(|path| path.is_file()).collect();
    assert_eq!(left, [changed]);
}

#[test]
fn an_installation_that_broke_off_can_be_removed_and_repaired() {
    let place = Place::new();
    place.shim("mv", "case $* in *ssmx.fish) exit 1 ;; esac; exec /bin/mv \"$@\"");
    let broken = place.install(&[]);
    insta::assert_snapshot!(broken.shown(), @"
    exit code: 1
    --- stderr
    error: cannot install /tmp/TEMPORARY/home/p/share/fish/vendor_completions.d/ssmx.fish
    ");
    assert!(place.at("home/p/bin/ssmx").exists());
    assert_eq!(place.run(&["--uninstall", "--prefix", "p"]).code(), 0);
    assert!(place.files().is_empty());

    assert_eq!(place.install(&[]).code(), 1);
    fs::remove_file(place.at("shims/mv")).unwrap();
    assert_eq!(place.install(&[]).code(), 0);
    assert!(place.at("home/p/share/fish/vendor_completions.d/ssmx.fish").exists());
}

#[test]
fn a_program_that_does_not_run_replaces_none_that_does() {
    let place = Place::new();
    assert_eq!(place.install(&[]).code(), 0);
    let before = place.files();
    place.write("tree/program", "\x7fELF of another machine");
    fs::set_permissions(place.at("tree/program"), fs::Permissions::from_mode(0o755)).unwrap();
    // Before it stands what the shell says.
    let said = from_error(&place.install(&[]).err());
    let machine = regex::Regex::new(r"this machine \(.*\)").unwrap();
    insta::assert_snapshot!(machine.replace(&said, "this machine (SYSTEM)"), @"
    error: /tmp/TEMPORARY/tree/program does not run on this machine (SYSTEM)
    hint: it must be built for this machine; if programs cannot run in /tmp/TEMPORARY/tmp, set TMPDIR
    ");
    place.write("tree/program", "#!/bin/sh\necho other 1.0");
    insta::assert_snapshot!(place.install(&[]).shown(), @"
    exit code: 1
    --- stderr
    error: /tmp/TEMPORARY/tree/program is not ssmx
    ");
    assert_eq!(place.files(), before);
}
