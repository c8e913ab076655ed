//! Files with and without mistakes.

use super::super::error::Mistake;
use super::super::key::Key;
use super::super::schema::{Located, Selector};
use super::super::value::Value;
use super::*;

/// The example of the design.
const EXAMPLE: &str = r#"
[defaults]
profile  = "work"
columns  = ["name", "id", "status", "platform", "zone", "ip"]
name_tag = "Name"
cache    = "60s"

[profiles.prod]            # per AWS profile
region   = "eu-west-1"
ssh_user = "ubuntu"
shell_document = "Corp-Shell"
reason_required = true

[targets.db]               # an alias
tags    = { Role = "postgres", Env = "prod" }
profile = "prod"

[tunnels.pg]               # ssmx fwd pg
target  = "db"
forward = ["5432:orders.cluster-x.eu-west-1.rds.amazonaws.com:5432"]
"#;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, Path::new("config.toml")).map_err(|error| match error {
        ConfigError::Invalid { mistakes, .. } => mistakes.iter().map(Mistake::to_string).collect(),
        other => panic!("{other}"),
    })
}

#[test]
fn the_example_of_the_design_is_understood() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.defaults.get(Key::Profile), Some(&Value::Text("work".into())));
    let prod = &config.profiles["prod"];
    assert_eq!(prod.values[&Key::ReasonRequired], Located { value: Value::Switch(true), line: 12 });
    let db = &config.targets["db"];
    let tags = [("Role", "postgres"), ("Env", "prod")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!((&db.selector, db.line), (&Selector::Tags(tags.into()), 14));
    assert_eq!(db.settings.get(Key::Profile), Some(&Value::Text("prod".into())));
    let pg = &config.tunnels["pg"];
    assert_eq!((pg.target.value.as_str(), pg.forward[0].line, pg.wait), ("db", 20, false));
}

#[test]
fn tables_can_be_written_in_every_way_that_toml_has() {
    let config =
        parse("defaults.region = 'eu-west-1'\ntargets = { a = { id = 'i-1' }, b = { name = 'x' } }\n").unwrap();
    assert_eq!(config.defaults.values[&Key::Region].line, 1);
    assert_eq!(config.targets["b"].selector, Selector::Name("x".into()));
    assert_eq!(parse("").unwrap().profiles.len(), 0);
    let dotted = parse("[targets.db]\ntags.Role = 'x'\ntags.Env = 'y'\n").unwrap();
    assert!(matches!(&dotted.targets["db"].selector, Selector::Tags(tags) if tags.len() == 2));
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_was_meant() {
    let mistakes = parse(
        "[defaults]\nregoin = 'eu-west-1'\nssh_port = '22'\n[profiles.p]\nprofile = 'x'\ncolor = 1\n\
         [targets.a]\nid = 'i-1'\nname = 'x'\n[targets.b]\n[targets.c]\nadress = 'x'\ntags = {}\n\
         [tunnels.1]\ntarget = 1\nforwards = ['1']\n[tunnel.x]\n",
    )
    .unwrap_err();
    insta::assert_snapshot!(mistakes.join("\n"), @r#"
    line 2: unknown key `regoin` in [defaults]; did you mean `region`?
    line 3: `ssh_port` in [defaults]: expected a port from 1 to 65535, found a string
    line 5: `profile` does not belong in [profiles.p], but in [defaults] or [targets.NAME]
    line 6: unknown key `color` in [profiles.p]: expected one of region, columns, name_tag, cache, ssh_user, ssh_port, shell_document, exec_document, ssh_document, forward_document, remote_forward_document, forward_stall, lanes, reason, reason_required, require_encryption, endpoint_url, ssm_endpoint_url, ssmmessages_endpoint_url, ec2_endpoint_url, ec2_instance_connect_endpoint_url, kms_endpoint_url, sts_endpoint_url, insecure_endpoint
    line 9: `name` in [targets.a] conflicts with `id`: set only one of id, name, tags, address
    line 10: [targets.b] does not say which instance: set one of id, name, tags, address
    line 12: unknown key `adress` in [targets.c]; did you mean `address`?
    line 13: `tags` in [targets.c]: expected tags such as { Role = "postgres" }
    line 14: [tunnels.1]: the name of a tunnel must contain a letter
    line 14: [tunnels.1] has no `forward`: expected a line such as forward = ["5432"]
    line 15: `target` in [tunnels.1]: expected a string, found an integer
    line 16: unknown key `forwards` in [tunnels.1]; did you mean `forward`?
    line 17: unknown section `tunnel`; did you mean `tunnels`?
    "#);
}

#[test]
fn what_is_no_section_and_no_toml_is_told_too() {
    let refused = [
        "region = 'x'",
        "\n[[defaults]]",
        "targets = 1",
        "[targets]\ndb = 'x'",
        "[targets.'a b']\nid = 'x'",
        "[tunnels.-x]\ntarget = 'x'\nforward=['1']",
        "[defaults.region]\nx = 1",
        "[tunnels.a]\ntarget='x'\nforward = [\n'1',\n2]",
    ]
    .map(|text| parse(text).unwrap_err().join("\n"));
    insta::assert_snapshot!(refused.join("\n"), @r#"
    line 1: `region` is outside a section; it belongs under [defaults]
    line 2: expected a section [defaults], found an array of tables
    line 1: expected a section [targets.NAME], found an integer
    line 2: expected a section [targets.NAME], found a string
    line 1: [targets.a b]: a name cannot contain spaces or control characters
    line 1: [tunnels.-x]: a name cannot begin with `-`, like a flag
    line 1: `region` in [defaults]: expected the name of a region such as "eu-west-1", found a table
    line 5: `forward` in [tunnels.a]: expected a list of forwards such as ["5432", "8080:web.internal:80"], found an integer in it
    "#);
    let syntax = parse("[defaults]\nregion = eu-west-1\n").unwrap_err();
    assert!(syntax.len() == 1 && syntax[0].starts_with("line 2: "), "{syntax:?}");
    let twice = parse("[defaults]\nregion = 'a'\nregion = 'b'\n").unwrap_err();
    assert!(twice[0].starts_with("line 3: "), "{twice:?}");
    assert!(parse("[profiles.'my work']\nregion = 'eu-west-1'").is_ok());
    let many: String = (0..50).map(|n| format!("zzzzzz{n} = 1\n")).collect();
    assert_eq!(parse(&many).unwrap_err().len(), MOST_MISTAKES);
}

#[test]
fn a_file_that_is_not_there_is_empty_unless_it_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let load = |named| Config::load(&Location { path: path.clone(), named });
    assert_eq!(load(false).unwrap(), Config::default());
    assert!(matches!(load(true), Err(ConfigError::Missing(missing)) if missing == path));
    std::fs::write(&path, b"\xff").unwrap();
    assert!(matches!(load(false), Err(ConfigError::Unreadable { .. })));
    std::fs::write(&path, "[defaults]\nregion = 1").unwrap();
    let said = load(false).unwrap_err().to_string();
    assert!(said.starts_with(&format!("{}:2: `region` in [defaults]: expected", path.display())), "{said}");
}

proptest::proptest! {
    #[test]
    fn no_text_brings_it_down(text in r#"(\[?\[?[a-z.]{0,9}\]?\]?( = ['\[{0-9a-z}\]"]{0,6})?\n){0,8}"#) {
        let _ = Config::parse(&text, Path::new("x"));
    }
}

#[test]
fn every_seed_of_the_fuzzer_passes() {
    crate::testing::every_seed_passes("config", super::super::check::check);
}
