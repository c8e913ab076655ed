//! Configurations that cannot be used.

use std::os::unix::fs::PermissionsExt;

use super::lab::Home;
use crate::support::command::run;

#[test]
fn a_mistake_is_told_with_file_line_and_the_nearest_key() {
    let home = Home::with("[defaults]\n\nregoin = 'eu-west-1'\n");
    let path = home.config();
    let expected = format!(
        "error: {}:3: unknown key `regoin` in [defaults]; did you mean `region`?\n\
         hint: correct it with `ssmx config edit`\n",
        path.display()
    );
    for args in
        [&["shell", "x"][..], &["fwd", "x", "1"], &["proxy", "x", "22"], &["ssh-config"], &["config", "explain"]]
    {
        let refused = home.run(args);
        assert_eq!((refused.code(), refused.err().as_str()), (2, expected.as_str()), "{args:?}");
    }
    // What needs no configuration works with a broken one.
    for args in
        [&["config", "path"][..], &["config", "show"], &["sandbox", "--", "true"], &["ssh-config", "--uninstall"]]
    {
        assert_eq!(home.run(args).code(), 0, "{args:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let home = Home::with(
        "[profiles.p]\nssh_port = 'x'\n[targets.t]\n[tunnels.n]\ntarget = 't'\nforward = ['1']\ncolour = 1\n",
    );
    let refused = home.run(&["shell", "x"]);
    let said = refused.err();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("error: {} has 3 mistakes", home.config().display()));
    assert_eq!(
        lines[1],
        "caused by: line 2: `ssh_port` in [profiles.p]: expected a port from 1 to 65535, found a string"
    );
    assert!(lines[2].starts_with("caused by: line 3: [targets.t] says not which instance is meant"), "{said}");
    assert!(lines[3].starts_with("caused by: line 7: unknown key `colour` in [tunnels.n]: there are target"), "{said}");
}

#[test]
fn a_forward_that_makes_no_sense_has_its_line_too() {
    let home = Home::with("[tunnels.pg]\ntarget = 'x'\nforward = [\n  '5432',\n  'x:y',\n]\nbind = 'nowhere'\n");
    let refused = home.run(&["fwd", "pg"]);
    assert_eq!(refused.code(), 2);
    assert!(refused.err().contains("caused by: line 5: `x:y` in [tunnels.pg]: "), "{refused:?}");
    assert!(refused.err().contains("caused by: line 7: `bind` in [tunnels.pg]: "), "{refused:?}");
}

#[test]
fn files_that_cannot_be_had_and_variables_that_make_no_sense() {
    let home = Home::new();
    let missing = home.file("missing.toml");
    let refused = run(home.ssmx().env("SSMX_CONFIG", &missing).args(["shell", "x"]));
    let said = format!("error: there is no `{}`, which `SSMX_CONFIG` names\nhint: make it with", missing.display());
    assert_eq!(refused.code(), 2);
    assert!(refused.err().starts_with(&said), "{refused:?}");

    let refused = run(home.ssmx().env("SSMX_SSH_PORT", "x").args(["shell", "x"]));
    let said = "error: `SSMX_SSH_PORT` in the environment: expected a port from 1 to 65535, found `x`\n";
    assert_eq!((refused.code(), refused.err().as_str()), (2, said));

    let home = Home::with("\u{feff}");
    std::fs::write(home.config(), b"\xff\xfe").unwrap();
    let refused = home.run(&["shell", "x"]);
    assert_eq!(refused.code(), 1);
    assert!(refused.err().starts_with(&format!("error: cannot read `{}`\ncaused by: ", home.config().display())));
    std::fs::remove_file(home.config()).unwrap();
    std::fs::create_dir(home.config()).unwrap();
    assert_eq!(home.run(&["shell", "x"]).code(), 1);
    std::fs::set_permissions(home.config(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn the_plugin_goes_on_without_a_broken_configuration() {
    let home = Home::with("[defaults]\nx = 1\n");
    let version = home.run(&["plugin", "--", "--version"]);
    assert_eq!((version.code(), version.err().as_str()), (0, ""), "{version:?}");
}
