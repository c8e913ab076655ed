//! Installing, again, a newer one, and away with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::place::{Place, SHELLS};

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

fn lifecycle(place: &Place) {
    let before = place.files();

    let installed = place.install(&[]);
    let program = place.at("home/p/bin/ssmx");
    assert_eq!((installed.code(), installed.out().as_str()), (0, ""), "{installed:?}");
    assert!(installed.err().starts_with(&format!("Installed ssmx 1.0.0 as {}.\n", program.display())), "{installed:?}");
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
    assert!(updated.err().starts_with("Installed ssmx 2.0.0 as "), "{updated:?}");
    let man = place.at("home/p/share/man/man1");
    assert!(man.join("ssmx-exec.1").exists() && !man.join("ssmx-shell.1").exists());
    assert_eq!(fs::read(&program).unwrap(), fs::read(place.at("tree/program")).unwrap());

    let removed = place.run(&["--uninstall", "--prefix", "p"]);
    let said = format!("Removed ssmx from {}.\n", place.at("home/p").display());
    assert_eq!((removed.code(), removed.err()), (0, said), "{removed:?}");
    assert_eq!(place.files(), before);

    let again = place.run(&["--uninstall", "--prefix", "p"]);
    assert!(again.code() == 0 && again.err().starts_with("Nothing to remove"), "{again:?}");
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
    let said = format!("Left as it is, because it was changed: {}\n", changed.display());
    assert!(removed.code() == 0 && removed.err().starts_with(&said), "{removed:?}");
    let left: Vec<_> = place.files().into_keys().filter(|path| path.is_file()).collect();
    assert_eq!(left, [changed]);
}

#[test]
fn an_installation_that_broke_off_can_be_removed_and_repaired() {
    let place = Place::new();
    place.shim("mv", "case $* in *ssmx.fish) exit 1 ;; esac; exec /bin/mv \"$@\"");
    let broken = place.install(&[]);
    assert!(broken.code() == 1 && broken.err().contains("error: cannot install "), "{broken:?}");
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
    let refused = place.install(&[]);
    assert!(refused.code() == 1 && refused.err().contains("does not run on this machine"), "{refused:?}");
    place.write("tree/program", "#!/bin/sh\necho other 1.0");
    let refused = place.install(&[]);
    assert!(refused.code() == 1 && refused.err().contains("is not ssmx"), "{refused:?}");
    assert_eq!(place.files(), before);
}
