//! Where things go, and what is said about it.

use std::fs;

use super::place::Place;
use crate::support::command::run;

fn program(place: &Place) -> String {
    place.at("tree/program").to_str().unwrap().to_owned()
}

#[test]
fn a_user_has_it_in_the_home_and_root_in_usr_local() {
    let place = Place::new().unprivileged();
    let installed = place.run(&["--binary", &program(&place)]);
    let bin = place.at("home/.local/bin");
    assert_eq!(installed.code(), 0, "{installed:?}");
    assert!(installed.err().contains(&format!("{} is not on PATH.", bin.display())), "{installed:?}");
    assert!(installed.err().contains(&format!("export PATH=\"{}:$PATH\"", bin.display())), "{installed:?}");
    assert!(place.at("home/.local/share/man/man1/ssmx.1").exists());
    assert_eq!(place.run(&["--uninstall"]).code(), 0);
    assert!(place.files().is_empty());

    place.shim("id", "echo 0");
    let root = place.run(&["--binary", &program(&place)]);
    assert!(root.code() == 1 && root.err().starts_with("error: you may not write to /usr/local"), "{root:?}");
}

#[test]
fn bash_and_fish_look_where_xdg_data_home_says() {
    let place = Place::new().unprivileged();
    let data = place.at("home/data");
    let binary = program(&place);
    let installed = run(place.command(&["--binary", &binary]).env("XDG_DATA_HOME", &data));
    assert_eq!(installed.code(), 0, "{installed:?}");
    assert!(data.join("bash-completion/completions/ssmx").exists());
    assert!(data.join("fish/vendor_completions.d/ssmx.fish").exists());
    assert!(place.at("home/.local/share/zsh/site-functions/_ssmx").exists());
    // Wherever it leads by then.
    assert_eq!(place.run(&["--uninstall"]).code(), 0);
    assert!(place.files().is_empty());
}

#[test]
fn a_prefix_may_have_any_name() {
    let place = Place::new();
    let binary = program(&place);
    for prefix in ["a b'\"$HOME*\\n", "./x/../y", "-"] {
        let installed = place.run(&[&format!("--prefix={prefix}"), "--binary", &binary]);
        assert_eq!(installed.code(), 0, "{installed:?}");
        assert!(place.at("home").join(prefix).join("bin/ssmx").exists(), "{prefix}");
        let removed = place.run(&["--uninstall", "--prefix", prefix]);
        assert_eq!(removed.code(), 0, "{removed:?}");
        assert!(!place.at("home").join(prefix).join("share").exists(), "{prefix}");
    }
}

#[test]
fn a_place_that_may_not_be_written_is_refused_before_anything_is_built() {
    let place = Place::new();
    fs::create_dir(place.at("home/closed")).unwrap();
    place.shim("cargo", "touch \"$HOME/called\"");
    let place = place.unprivileged();
    fs::set_permissions(place.at("home/closed"), std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    let refused = place.run(&["--prefix", "closed/p"]);
    assert!(refused.code() == 1 && refused.err().starts_with("error: you may not write to "), "{refused:?}");
    assert!(!place.at("home/called").exists());
}

#[test]
fn what_is_left_to_do_is_said_only_where_it_is() {
    let place = Place::new();
    let bin = place.at("home/p/bin");
    let path = |place: &Place| format!("{}:{}:/usr/bin:/bin", place.at("shims").display(), bin.display());
    let binary = program(&place);
    let args = ["--prefix", "p", "--binary", &binary];
    for shell in ["zsh", "fish"] {
        place.shim(shell, "exit 0");
    }
    let said = run(place.command(&args).env("PATH", path(&place))).err();
    for file in ["~/.bashrc", "~/.zshrc", "config.fish"] {
        assert!(said.contains(file) && !said.contains("PATH"), "{said}");
    }
    for (shell, folder) in [("zsh", "zsh/site-functions"), ("fish", "fish/vendor_completions.d")] {
        place.shim(shell, &format!("echo {}", place.at("home/p/share").join(folder).display()));
    }
    let said = run(place.command(&args).env("PATH", path(&place))).err();
    assert!(said.contains("~/.bashrc") && !said.contains("~/.zshrc") && !said.contains("config.fish"), "{said}");
    let said = run(place.command(&args).env("PATH", path(&place)).env("XDG_DATA_HOME", place.at("home/p/share"))).err();
    assert_eq!(said.lines().count(), 1, "{said}");
    place.program("shims/ssmx", "0.0.1");
    let said = run(place.command(&args).env("PATH", path(&place))).err();
    assert!(said.contains("which comes earlier on PATH"), "{said}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_told() {
    let place = Place::new();
    for args in [
        &["--prefix"][..],
        &["--prefix", ""],
        &["--frobnicate"],
        &["a.tar.gz", "b.tar.gz"],
        &["a.tar.gz", "--binary", "x"],
        &["--sha256", "00"],
        &["--uninstall", "--plugin"],
        &["http://example.com/a.tar.gz"],
        &[""],
    ] {
        let refused = place.run(args);
        assert!(refused.code() == 2 && refused.err().starts_with("error: "), "{args:?}: {refused:?}");
    }
    let help = place.run(&["--help"]);
    assert!(help.code() == 0 && help.out().contains("--uninstall") && help.err().is_empty(), "{help:?}");
    assert!(place.files().is_empty());
}
