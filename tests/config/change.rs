//! `ssmx config set`, `unset`, `get` and `show`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::lab::Home;
use crate::support::snapshot::{case, settled};

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
    insta::assert_snapshot!(settled(&config(&["set", "region", "eu-west-1"])), @"Nothing to change in /tmp/TEMPORARY/config/ssmx/config.toml");
    insta::assert_snapshot!(settled(&config(&["unset", "ssh_port", "targets.db.region"])), @"Changed /tmp/TEMPORARY/config/ssmx/config.toml");
    assert_eq!(home.text(), FILE);
    config(&["set", "tunnels.pg.target=db", "tunnels.pg.forward=5432,8080:80"]);
    assert_eq!(home.text(), format!("{FILE}\n[tunnels.pg]\ntarget = \"db\"\nforward = [\"5432\", \"8080:80\"]\n"));
    config(&["unset", "tunnels.pg"]);
    assert!(!home.text().contains("pg"));
}

#[test]
fn what_would_not_load_is_refused_and_changes_nothing() {
    let home = Home::with(FILE);
    let shown: String = [
        &["set", "ssh_port", "x"][..],
        &["set", "regoin", "x"],
        &["set", "targets.x.region", "eu-west-1"],
        &["set", "tunnels.pg.target=x", "tunnels.pg.forward=x"],
        &["unset", "targets.db.name"],
        &["set", "region"],
        &["unset", "cache"],
    ]
    .iter()
    .map(|words| {
        let refused = home.run(&[&["config"], *words].concat());
        assert_eq!(home.text(), FILE, "{words:?}");
        case(words.join(" "), &refused.shown())
    })
    .collect();
    insta::assert_snapshot!(shown, @"
    === set ssh_port x
    exit code: 2
    --- stderr
    error: `defaults.ssh_port`: expected a port from 1 to 65535, found `x`

    === set regoin x
    exit code: 2
    --- stderr
    error: `regoin` is not a path in the configuration: did you mean `region`?

    === set targets.x.region eu-west-1
    exit code: 2
    --- stderr
    error: nothing was changed, because the file would be invalid: /tmp/TEMPORARY/config/ssmx/config.toml:12: [targets.x] does not say which instance: set one of id, name, tags, address

    === set tunnels.pg.target=x tunnels.pg.forward=x
    exit code: 2
    --- stderr
    error: nothing was changed, because the file would be invalid: /tmp/TEMPORARY/config/ssmx/config.toml:14: `x` in [tunnels.pg]: `x` is not a remote port: expected a number from 1 to 65535 at the end

    === unset targets.db.name
    exit code: 2
    --- stderr
    error: nothing was changed, because the file would be invalid: /tmp/TEMPORARY/config/ssmx/config.toml:8: [targets.db] does not say which instance: set one of id, name, tags, address

    === set region
    exit code: 2
    --- stderr
    error: expected KEY VALUE, or one or more KEY=VALUE

    === unset cache
    exit code: 1
    --- stderr
    error: `defaults.cache` is not set in `/tmp/TEMPORARY/config/ssmx/config.toml`
    ");

    let broken = Home::with("[defaults]\nregoin = 'x'\n");
    let refused = broken.run(&["config", "set", "cache", "1m"]);
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 2
    --- stderr
    error: nothing was changed, because the file would be invalid: /tmp/TEMPORARY/config/ssmx/config.toml:2: unknown key `regoin` in [defaults]; did you mean `region`?
    hint: correct it with `ssmx config edit`
    ");
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
    assert_eq!(get("cache"), "1m\n", "what is built in is in effect");
    assert_eq!(get("targets.db.name"), "db-1\n");
    assert_eq!(get("targets.db"), "name = \"db-1\"\n");
    assert_eq!(get("defaults.cache"), "", "the file says nothing");
    assert_eq!(get("reason"), "");
    let flag = home.run(&["--region", "us-east-1", "config", "get", "region"]);
    assert_eq!(flag.out(), "us-east-1\n");
    insta::assert_snapshot!(home.run(&["config", "get", "regoin"]).shown(), @"
    exit code: 2
    --- stderr
    error: `regoin` is not a path in the configuration: did you mean `region`?
    ");
    insta::assert_snapshot!(home.run(&["config", "get", "reason"]).shown(), @"
    exit code: 1
    --- stderr
    error: `reason` is not set
    ");
    insta::assert_snapshot!(home.run(&["config", "get", "targets.dbb"]).shown(), @"
    exit code: 1
    --- stderr
    error: `targets.dbb` is not set
    ");

    assert_eq!(home.run(&["config", "show"]).out(), FILE);
    let json = |args: &[&str]| {
        let printed = home.run(&[&["config", "show", "-o", "json"], args].concat());
        assert!(serde_json::from_slice::<serde_json::Value>(&printed.stdout).is_ok(), "{printed:?}");
        printed.shown()
    };
    insta::assert_snapshot!(json(&[]), @r#"
    exit code: 0
    --- stdout
    {
      "defaults": {
        "profile": "work",
        "region": "eu-west-1"
      },
      "targets": {
        "db": {
          "name": "db-1"
        }
      }
    }
    "#);
    insta::assert_snapshot!(json(&["--effective"]), @r#"
    exit code: 0
    --- stdout
    {
      "cache": "1m",
      "columns": [
        "name",
        "id",
        "status",
        "platform",
        "zone",
        "ip"
      ],
      "exec_document": "AWS-StartNonInteractiveCommand",
      "forward_document": "AWS-StartPortForwardingSession",
      "forward_stall": "30s",
      "insecure_endpoint": false,
      "lanes": "auto",
      "name_tag": "Name",
      "profile": "work",
      "reason_required": false,
      "region": "eu-west-1",
      "remote_forward_document": "AWS-StartPortForwardingSessionToRemoteHost",
      "require_encryption": false,
      "ssh_document": "AWS-StartSSHSession"
    }
    "#);
    insta::assert_snapshot!(home.run(&["config", "show", "--effective"]).shown(), @r#"
    exit code: 0
    --- stdout
    profile = "work"
    region = "eu-west-1"
    columns = ["name", "id", "status", "platform", "zone", "ip"]
    name_tag = "Name"
    cache = "1m"
    exec_document = "AWS-StartNonInteractiveCommand"
    ssh_document = "AWS-StartSSHSession"
    forward_document = "AWS-StartPortForwardingSession"
    remote_forward_document = "AWS-StartPortForwardingSessionToRemoteHost"
    forward_stall = "30s"
    lanes = "auto"
    reason_required = false
    require_encryption = false
    insecure_endpoint = false
    "#);
    insta::assert_snapshot!(Home::new().run(&["config", "show"]).shown(), @"
    exit code: 1
    --- stderr
    error: `/tmp/TEMPORARY/config/ssmx/config.toml` does not exist
    hint: create it with `ssmx config init`; `ssmx config show --effective` shows the settings in effect without it
    ");
}
