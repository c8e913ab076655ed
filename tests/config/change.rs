//! `ssmx config set`, `unset`, `get` and `show`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::lab::Home;

const FILE: &str = "\
# Mine.

[defaults]
region   = \"eu-west-1\"   # near me
# The team's.
profile  = \"work\"

[targets.db]   # orders
name = \"db-1\"
# The end.
";

#[test]
fn set_and_unset_keep_comments_and_order() {
    let home = Home::with(FILE);
    let config = |args: &[&str]| {
        let finished = home.run(&[&["config"], args].concat());
        assert_eq!((finished.code(), finished.out().as_str()), (0, ""), "{args:?}: {finished:?}");
        finished.err()
    };
    config(&["set", "region", "eu-north-1"]);
    assert_eq!(home.text(), FILE.replace("eu-west-1", "eu-north-1"));
    config(&["set", "defaults.region=eu-west-1", "ssh_port=2222", "targets.db.region=us-east-1"]);
    let expected = FILE
        .replace("\"work\"\n", "\"work\"\nssh_port = 2222\n")
        .replace("\"db-1\"\n", "\"db-1\"\nregion = \"us-east-1\"\n");
    assert_eq!(home.text(), expected);
    assert!(config(&["set", "region", "eu-west-1"]).starts_with("Nothing to change in "));
    config(&["unset", "ssh_port", "targets.db.region"]);
    assert_eq!(home.text(), FILE);
    config(&["set", "tunnels.pg.target=db", "tunnels.pg.forward=5432,8080:80"]);
    assert_eq!(home.text(), format!("{FILE}\n[tunnels.pg]\ntarget = \"db\"\nforward = [\"5432\", \"8080:80\"]\n"));
    config(&["unset", "tunnels.pg"]);
    assert!(!home.text().contains("pg"));
}

#[test]
fn what_would_not_load_is_refused_and_changes_nothing() {
    let home = Home::with(FILE);
    for (words, said) in [
        (&["set", "ssh_port", "x"][..], "error: `defaults.ssh_port`: expected a port from 1 to 65535, found `x`\n"),
        (&["set", "regoin", "x"], "error: `regoin` is no place in the configuration: did you mean `region`?\n"),
        (&["set", "targets.x.region", "eu-west-1"], "error: nothing was changed, as it would not load: "),
        (&["set", "tunnels.pg.target=x", "tunnels.pg.forward=x"], "error: nothing was changed, as it would not load: "),
        (&["unset", "targets.db.name"], "error: nothing was changed, as it would not load: "),
        (&["set", "region"], "error: expected KEY VALUE, or KEY=VALUE"),
    ] {
        let refused = home.run(&[&["config"], words].concat());
        assert_eq!(refused.code(), 2, "{words:?}: {refused:?}");
        assert!(refused.err().starts_with(said), "{words:?}: {refused:?}");
        assert_eq!(home.text(), FILE, "{words:?}");
    }
    let absent = home.run(&["config", "unset", "cache"]);
    assert_eq!(absent.code(), 1);
    assert!(absent.err().starts_with("error: `defaults.cache` is not set in "), "{absent:?}");

    let broken = Home::with("[defaults]\nregoin = 'x'\n");
    let refused = broken.run(&["config", "set", "cache", "1m"]);
    assert!(refused.err().contains("did you mean `region`?") && refused.err().contains("config edit"), "{refused:?}");
    assert_eq!(broken.run(&["config", "unset", "defaults.regoin"]).code(), 0, "a change may be the correction");
    assert_eq!(broken.text(), "[defaults]\n");
}

#[test]
fn links_and_modes_stay_and_nothing_lies_about() {
    let home = Home::with("");
    let real = home.file("dotfile.toml");
    fs::write(&real, FILE).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(home.config()).unwrap();
    symlink(&real, home.config()).unwrap();
    assert_eq!(home.run(&["config", "set", "region", "eu-north-1"]).code(), 0);
    assert!(home.config().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("eu-north-1"));
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(home.config().parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn the_first_value_makes_the_file() {
    let home = Home::new();
    assert_eq!(home.run(&["config", "set", "region", "eu-north-1"]).code(), 0);
    assert_eq!(home.text(), "[defaults]\nregion = \"eu-north-1\"\n");
    assert_eq!(home.config().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn get_prints_one_value_and_show_the_file() {
    let home = Home::with(FILE);
    let get = |key: &str| {
        let finished = home.run(&["config", "get", key]);
        assert!(finished.code() <= 1 && (finished.code() == 1) == finished.out().is_empty(), "{finished:?}");
        finished.out()
    };
    assert_eq!(get("region"), "eu-west-1\n");
    assert_eq!(get("cache"), "1m\n", "what is built in is in force");
    assert_eq!(get("targets.db.name"), "db-1\n");
    assert_eq!(get("targets.db"), "name = \"db-1\"\n");
    assert_eq!(get("defaults.cache"), "", "the file says nothing");
    assert_eq!(get("reason"), "");
    let flag = home.run(&["--region", "us-east-1", "config", "get", "region"]);
    assert_eq!(flag.out(), "us-east-1\n");
    assert_eq!(home.run(&["config", "get", "regoin"]).code(), 2);

    assert_eq!(home.run(&["config", "show"]).out(), FILE);
    let json: serde_json::Value = serde_json::from_str(&home.run(&["config", "show", "-o", "json"]).out()).unwrap();
    assert_eq!(
        (json["targets"]["db"]["name"].as_str(), json["defaults"]["profile"].as_str()),
        (Some("db-1"), Some("work"))
    );
    let effective = home.run(&["config", "show", "--effective", "-o", "json"]).out();
    let json: serde_json::Value = serde_json::from_str(&effective).unwrap();
    assert_eq!((json["name_tag"].as_str(), json["reason_required"].as_bool()), (Some("Name"), Some(false)));
    let toml = home.run(&["config", "show", "--effective"]).out();
    assert!(toml.contains("region = \"eu-west-1\"\n") && toml.contains("columns = [\"name\", \"id\", "), "{toml}");
    let none = Home::new().run(&["config", "show"]);
    assert!(none.code() == 1 && none.err().contains("`ssmx config init` makes it"), "{none:?}");
}
