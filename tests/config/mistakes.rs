//! Configurations that cannot be used.

use std::os::unix::fs::PermissionsExt;

use super::lab::Home;
use crate::support::command::run;
use crate::support::snapshot::case;

#[test]
fn a_mistake_is_told_with_file_line_and_the_nearest_key() {
    let home = Home::with("[defaults]\n\nregoin = 'eu-west-1'\n");
    let refused = home.run(&["shell", "x"]).shown();
    insta::assert_snapshot!(refused, @"
    exit code: 2
    --- stderr
    error: /tmp/TEMPORARY/config/ssmx/config.toml:3: unknown key `regoin` in [defaults]; did you mean `region`?
    hint: correct it with `ssmx config edit`
    ");
    for args in [&["fwd", "x", "1"][..], &["proxy", "x", "22"], &["ssh-config"], &["config", "explain"]] {
        assert_eq!(home.run(args).shown(), refused, "{args:?}");
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
    insta::assert_snapshot!(home.run(&["shell", "x"]).shown(), @"
    exit code: 2
    --- stderr
    error: /tmp/TEMPORARY/config/ssmx/config.toml has 3 mistakes
    caused by: line 2: `ssh_port` in [profiles.p]: expected a port from 1 to 65535, found a string
    caused by: line 3: [targets.t] does not say which instance: set one of id, name, tags, address
    caused by: line 7: unknown key `colour` in [tunnels.n]: expected one of target, forward, bind, wait, lanes
    hint: correct it with `ssmx config edit`
    ");
}

#[test]
fn a_forward_that_makes_no_sense_has_its_line_too() {
    let home = Home::with("[tunnels.pg]\ntarget = 'x'\nforward = [\n  '5432',\n  'x:y',\n]\nbind = 'nowhere'\n");
    insta::assert_snapshot!(home.run(&["fwd", "pg"]).shown(), @"
    exit code: 2
    --- stderr
    error: /tmp/TEMPORARY/config/ssmx/config.toml has 2 mistakes
    caused by: line 5: `x:y` in [tunnels.pg]: `y` is not a remote port: expected a number from 1 to 65535 at the end
    caused by: line 7: `bind` in [tunnels.pg]: `nowhere` is not an IP address to listen on
    hint: correct it with `ssmx config edit`
    ");
}

#[test]
fn files_that_cannot_be_had_and_variables_that_make_no_sense() {
    let home = Home::new();
    let missing = home.file("missing.toml");
    let refused = run(home.ssmx().env("SSMX_CONFIG", &missing).args(["shell", "x"]));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 2
    --- stderr
    error: `SSMX_CONFIG` names `/tmp/TEMPORARY/missing.toml`, which does not exist
    hint: create it with `ssmx config init`, or unset the variable to use the default file
    ");

    let refused = run(home.ssmx().env("SSMX_SSH_PORT", "x").args(["shell", "x"]));
    insta::assert_snapshot!(refused.shown(), @"
    exit code: 2
    --- stderr
    error: `SSMX_SSH_PORT` in the environment: expected a port from 1 to 65535, found `x`
    ");

    let home = Home::with("\u{feff}");
    std::fs::write(home.config(), b"\xff\xfe").unwrap();
    insta::assert_snapshot!(home.run(&["shell", "x"]).shown(), @"
    exit code: 1
    --- stderr
    error: cannot read `/tmp/TEMPORARY/config/ssmx/config.toml`
    caused by: stream did not contain valid UTF-8
    ");
    std::fs::remove_file(home.config()).unwrap();
    std::fs::create_dir(home.config()).unwrap();
    insta::assert_snapshot!(home.run(&["shell", "x"]).shown(), @"
    exit code: 1
    --- stderr
    error: cannot read `/tmp/TEMPORARY/config/ssmx/config.toml`
    caused by: Is a directory (os error NUMBER)
    ");
    std::fs::set_permissions(home.config(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn the_plugin_goes_on_without_a_broken_configuration() {
    let home = Home::with("[defaults]\nx = 1\n");
    let version = home.run(&["plugin", "--", "--version"]);
    assert_eq!((version.code(), version.err().as_str()), (0, ""), "{version:?}");
}

#[test]
fn what_is_not_there_to_be_explained_is_told() {
    let home = Home::with("[targets.db]\nname = 'db-1'\n");
    let shown: String = [&["regoin"][..], &["colour"], &["--target", "dbb"], &["--target", "web"]]
        .map(|args| case(args.join(" "), &home.run(&[&["config", "explain"], args].concat()).shown()))
        .concat();
    insta::assert_snapshot!(shown, @"
    === regoin
    exit code: 2
    --- stderr
    error: unknown setting `regoin`
    hint: did you mean `region`?

    === colour
    exit code: 2
    --- stderr
    error: unknown setting `colour`
    hint: expected one of profile, region, columns, name_tag, cache, ssh_user, ssh_port, shell_document, exec_document, ssh_document, forward_document, remote_forward_document, forward_stall, lanes, reason, reason_required, require_encryption, endpoint_url, ssm_endpoint_url, ssmmessages_endpoint_url, ec2_endpoint_url, ec2_instance_connect_endpoint_url, kms_endpoint_url, sts_endpoint_url, insecure_endpoint

    === --target dbb
    exit code: 2
    --- stderr
    error: unknown alias `dbb`
    hint: did you mean `db`?

    === --target web
    exit code: 2
    --- stderr
    error: unknown alias `web`
    ");
}
