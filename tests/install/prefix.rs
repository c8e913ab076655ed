//! Where things go, and what is said about it.

use std::fs;

use super::place::Place;
use crate::support::command::run;
use crate::support::snapshot::{case, settled, typed};

fn program(place: &Place) -> String {
    place.at("tree/program").to_str().unwrap().to_owned()
}

/// Elvish and PowerShell look nowhere by themselves, and may be here or not.
fn without_optional_shells(said: &str) -> String {
    let names = ["elvish", "ssmx.elv", "PowerShell", "_ssmx.ps1"];
    let lines: Vec<_> = said.lines().filter(|line| !names.iter().any(|name| line.contains(name))).collect();
    settled(&lines.join("\n"))
}

#[test]
fn a_user_has_it_in_the_home_and_root_in_usr_local() {
    let place = Place::new().unprivileged();
    let installed = place.run(&["--binary", &program(&place)]);
    assert_eq!(installed.code(), 0, "{installed:?}");
    insta::assert_snapshot!(without_optional_shells(&installed.err()), @r#"
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/.local/bin/ssmx.
    /tmp/TEMPORARY/home/.local/bin is not on PATH. Add this line to the startup file of your shell:
        export PATH="/tmp/TEMPORARY/home/.local/bin:$PATH"
    For completion in zsh, add this line to ~/.zshrc, before compinit:
        fpath=("/tmp/TEMPORARY/home/.local/share/zsh/site-functions" $fpath)
    "#);
    assert!(place.at("home/.local/share/man/man1/ssmx.1").exists());
    assert_eq!(place.run(&["--uninstall"]).code(), 0);
    assert!(place.files().is_empty());

    place.shim("id", "echo 0");
    let root = place.run(&["--binary", &program(&place)]);
    insta::assert_snapshot!(root.shown(), @"
    exit code: 1
    --- stderr
    error: cannot write to /usr/local/bin
    hint: choose another folder with --prefix, or run this as a user who can write there
    ");
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
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 1
    --- stderr
    error: cannot write to /tmp/TEMPORARY/home/closed
    hint: choose another folder with --prefix, or run this as a user who can write there
    ");
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
    insta::assert_snapshot!(without_optional_shells(&said), @r#"
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    For completion in bash, add this line to ~/.bashrc:
        . "/tmp/TEMPORARY/home/p/share/bash-completion/completions/ssmx"
    For completion in zsh, add this line to ~/.zshrc, before compinit:
        fpath=("/tmp/TEMPORARY/home/p/share/zsh/site-functions" $fpath)
    For completion in fish, add this line to ~/.config/fish/config.fish:
        set -a fish_complete_path "/tmp/TEMPORARY/home/p/share/fish/vendor_completions.d"
    "#);
    for (shell, folder) in [("zsh", "zsh/site-functions"), ("fish", "fish/vendor_completions.d")] {
        place.shim(shell, &format!("echo {}", place.at("home/p/share").join(folder).display()));
    }
    let said = run(place.command(&args).env("PATH", path(&place))).err();
    insta::assert_snapshot!(without_optional_shells(&said), @r#"
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    For completion in bash, add this line to ~/.bashrc:
        . "/tmp/TEMPORARY/home/p/share/bash-completion/completions/ssmx"
    "#);
    let said = run(place.command(&args).env("PATH", path(&place)).env("XDG_DATA_HOME", place.at("home/p/share"))).err();
    insta::assert_snapshot!(without_optional_shells(&said), @"Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.");
    place.program("shims/ssmx", "0.0.1");
    let said = run(place.command(&args).env("PATH", path(&place))).err();
    insta::assert_snapshot!(without_optional_shells(&said), @r#"
    Installed ssmx 1.0.0 as /tmp/TEMPORARY/home/p/bin/ssmx.
    Note: `ssmx` is still /tmp/TEMPORARY/shims/ssmx, which comes earlier on PATH.
    For completion in bash, add this line to ~/.bashrc:
        . "/tmp/TEMPORARY/home/p/share/bash-completion/completions/ssmx"
    "#);
}

#[test]
fn a_command_line_that_makes_no_sense_is_told() {
    let place = Place::new();
    let shown: String = [
        &["--prefix"][..],
        &["--prefix", ""],
        &["--frobnicate"],
        &["a.tar.gz", "b.tar.gz"],
        &["a.tar.gz", "--binary", "x"],
        &["--sha256", "00"],
        &["--uninstall", "--plugin"],
        &["--uninstall", "--binary", "x"],
        &["http://example.com/a.tar.gz"],
        &[""],
    ]
    .iter()
    .map(|args| case(format!("install.sh {}", typed(args)), &place.run(args).shown()))
    .collect();
    insta::assert_snapshot!(shown, @"
    === install.sh --prefix
    exit code: 2
    --- stderr
    error: --prefix needs a value
    hint: see install.sh --help

    === install.sh --prefix ''
    exit code: 2
    --- stderr
    error: --prefix needs a value
    hint: see install.sh --help

    === install.sh --frobnicate
    exit code: 2
    --- stderr
    error: unknown option `--frobnicate`
    hint: see install.sh --help

    === install.sh a.tar.gz b.tar.gz
    exit code: 2
    --- stderr
    error: only one archive can be installed
    hint: see install.sh --help

    === install.sh a.tar.gz --binary x
    exit code: 2
    --- stderr
    error: give an archive or a program, not both
    hint: see install.sh --help

    === install.sh --sha256 00
    exit code: 2
    --- stderr
    error: --sha256 needs an archive
    hint: see install.sh --help

    === install.sh --uninstall --plugin
    exit code: 2
    --- stderr
    error: --uninstall takes no other option than --prefix
    hint: see install.sh --help

    === install.sh --uninstall --binary x
    exit code: 2
    --- stderr
    error: --uninstall takes no other option than --prefix
    hint: see install.sh --help

    === install.sh http://example.com/a.tar.gz
    exit code: 2
    --- stderr
    error: archives are fetched only from https:// URLs
    hint: see install.sh --help

    === install.sh ''
    exit code: 2
    --- stderr
    error: unknown option ``
    hint: see install.sh --help
    ");
    insta::assert_snapshot!(place.run(&["--help"]).shown(), @"
    exit code: 0
    --- stdout
    Installs ssmx: the program, its man pages, and its completions for bash, zsh, fish, elvish and PowerShell.

    Usage: install.sh [OPTIONS]                 builds ssmx from the source tree of this script, and installs it
           install.sh [OPTIONS] ARCHIVE         installs a release archive (.tar.gz): a path, or an https:// URL
           install.sh --uninstall [--prefix DIR]

    Options:
      --prefix DIR    where to install [default: ~/.local, or /usr/local for root]
      --sha256 HEX    checksum of the archive [default: read from ARCHIVE.sha256, beside it]
      --key FILE      public key that must have signed the archive, in ARCHIVE.sig [default: the one of releases]
      --binary FILE   installs this program instead of building one, with the tree's pages and completions
      --plugin        also links session-manager-plugin to ssmx, for the AWS CLI
      --uninstall     removes the files installed under the prefix, and nothing else
      --help          shows this help

    Run it again at any time to update or repair. SSMX_INSTALL_BINARY does the same as --binary.
    ");
    assert!(place.files().is_empty());
}
