//! `ssmx config explain`.

use serde_json::Value;

use super::lab::Home;
use crate::support::command::run;

const FILE: &str = "\
[defaults]
profile = 'work'
ssh_user = 'me'
[profiles.prod]
ssh_user = 'ubuntu'
[targets.db]
name = 'db-1'
profile = 'prod'
ssh_port = 2222
";

#[test]
fn each_value_says_where_it_came_from() {
    let home = Home::with(FILE);
    let path = home.config().display().to_string();
    let out = home.run(&["config", "explain"]).out();
    let line = |key: &str| {
        let line = out.lines().find(|line| line.split_whitespace().next() == Some(key));
        line.unwrap_or_else(|| panic!("{key}: {out}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("profile"), format!("profile work {path}:2 [defaults]"));
    assert_eq!(line("region"), "region eu-west-1 AWS configuration, profile work");
    assert_eq!(line("ssh_user"), format!("ssh_user me {path}:3 [defaults]"));
    assert_eq!(line("name_tag"), "name_tag Name built in");
    assert_eq!(line("shell_document"), "shell_document - the account's default");

    let story = |change: &[(&str, &str)], args: &[&str]| {
        let finished = run(home.ssmx().envs(change.iter().copied()).args(["config", "explain"]).args(args));
        assert_eq!(finished.code(), 0, "{finished:?}");
        finished.out()
    };
    let of_alias = story(&[], &["--target", "db", "ssh_user"]);
    let expected =
        format!("ssh_user: ubuntu\n  from {path}:5 [profiles.prod]\n  not used: me, from {path}:3 [defaults]\n\n");
    assert!(of_alias.starts_with(&expected), "{of_alias}");
    let of_flag =
        story(&[("SSMX_REGION", "us-east-1"), ("AWS_REGION", "us-east-2")], &["--region", "eu-west-3", "region"]);
    let expected = "region: eu-west-3\n  from --region\n  not used: us-east-1, from SSMX_REGION\n  \
                    not used: us-east-2, from AWS_REGION\n  not used: eu-west-1, from AWS configuration, profile work\n";
    assert!(of_flag.starts_with(expected), "{of_flag}");
    let by_keys = story(&[("AWS_ACCESS_KEY_ID", "AKID")], &["profile"]);
    assert!(by_keys.contains("not used, as AWS_ACCESS_KEY_ID is set"), "{by_keys}");
    assert!(story(&[], &["reason"]).starts_with("reason: none is given\n\nReason of every session"));
}

#[test]
fn programs_get_json() {
    let home = Home::with(FILE);
    let out = home.run(&["config", "explain", "--target", "db", "-o", "json"]).out();
    let all: Value = serde_json::from_str(&out).unwrap();
    let of = |key: &str| all.as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone();
    assert_eq!(of("ssh_port")["value"], "2222");
    assert_eq!(of("profile")["value"], "prod");
    assert_eq!(of("ssh_user")["unused"][0]["value"], "me");
    assert_eq!(of("reason")["value"], Value::Null);
}

#[test]
fn what_is_not_there_is_told() {
    let home = Home::with(FILE);
    for (args, said) in [
        (&["regoin"][..], "error: `regoin` is no setting\nhint: did you mean `region`?\n"),
        (&["--target", "dbb"], "error: `dbb` is no alias of the configuration\nhint: did you mean `db`?\n"),
    ] {
        let refused = home.run(&[&["config", "explain"], args].concat());
        assert_eq!((refused.code(), refused.err().as_str()), (2, said));
    }
}
