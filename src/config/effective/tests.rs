//! Which value counts.

use std::path::Path;

use super::*;

const FILE: &str = "\
[defaults]
profile = 'work'
region = 'eu-north-1'
ssh_user = 'd'
ssm_endpoint_url = 'https://ssm.d'
ssmmessages_endpoint_url = 'wss://messages.d'
[profiles.work]
region = 'eu-west-1'
[profiles.prod]
region = 'eu-west-3'
ssh_user = 'p'
cache = '5s'
endpoint_url = 'https://p'
[targets.db]
id = 'i-1'
profile = 'prod'
ssh_port = 2222
reason_required = true
[profiles.default]
name_tag = 'X'
";

fn effective(flags: Flags, alias: Option<&str>, environment: &[(&str, &str)]) -> Effective {
    let config = Config::parse(FILE, Path::new("x")).unwrap();
    let alias = alias.map(|alias| (alias, &config.targets[alias]));
    let variable =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    config.effective(flags, alias, variable).unwrap()
}

#[test]
fn flags_variables_alias_profile_and_defaults_count_in_this_order() {
    let region = |flags, alias, environment: &[_]| {
        let found = effective(flags, alias, environment).get(Key::Region).cloned().unwrap();
        (found.value.to_string(), found.origin.to_string())
    };
    let both = [("SSMX_REGION", "us-east-1"), ("AWS_REGION", "us-east-2")];
    let flag = Flags::default().text(Key::Region, "--region", Some("ap-south-1"));
    assert_eq!(region(flag, Some("db"), &both), ("ap-south-1".into(), "--region".into()));
    assert_eq!(region(Flags::default(), Some("db"), &both), ("us-east-1".into(), "SSMX_REGION".into()));
    let of_prod = ("eu-west-3".into(), "[profiles.prod], line 10".into());
    assert_eq!(region(Flags::default(), Some("db"), &[("SSMX_REGION", "")]), of_prod);
    assert_eq!(region(Flags::default(), None, &[("AWS_PROFILE", "prod")]), of_prod);
    assert_eq!(region(Flags::default(), None, &[("AWS_DEFAULT_PROFILE", "prod")]), of_prod);
    assert_eq!(region(Flags::default(), None, &both[1..]).1, "[profiles.work], line 8");
    assert_eq!(region(Flags::default(), None, &[("AWS_PROFILE", "other")]).1, "[defaults], line 3");
    let profile = Flags::default().text(Key::Profile, "--profile", Some("work"));
    assert_eq!(region(profile, Some("db"), &[]).1, "[profiles.work], line 8", "a flag stands before the alias");
}

#[test]
fn only_a_profile_that_somebody_meant_stands_before_keys_in_the_environment() {
    let profile = |alias, environment: &[_]| {
        let found = effective(Flags::default(), alias, environment);
        let (explicit, default) = (found.explicit_profile(), found.default_profile());
        (explicit.map(str::to_owned), default.map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(profile(Some("db"), &[("AWS_PROFILE", "x")]), (some("prod"), None));
    assert_eq!(profile(None, &[("SSMX_PROFILE", "x")]), (some("x"), None));
    assert_eq!(profile(None, &[("AWS_PROFILE", "x")]), (None, None));
    assert_eq!(profile(None, &[]), (None, some("work")));
    assert_eq!(profile(None, &[("AWS_ACCESS_KEY_ID", "AKID")]), (None, None));
    assert!(effective(Flags::default(), None, &[("AWS_ACCESS_KEY_ID", "x")]).ignored_profile().is_some());
    assert_eq!(effective(Flags::default(), None, &[("AWS_ACCESS_KEY_ID", "x")]).name_tag(), "X");
    assert!(effective(Flags::default(), None, &[]).ignored_profile().is_none());
}

#[test]
fn an_endpoint_for_all_stands_before_weaker_ones_for_one_service() {
    let ssm = |environment: &[_]| {
        let found = effective(Flags::default(), None, environment);
        let ssm = found.endpoint(Key::SsmEndpointUrl).unwrap().value.to_string();
        (ssm, found.messages_endpoint().map(str::to_owned))
    };
    assert_eq!(ssm(&[]), ("https://ssm.d".into(), Some("wss://messages.d".into())));
    assert_eq!(ssm(&[("AWS_PROFILE", "prod")]), ("https://p".into(), None));
    let own = [("SSMX_SSMMESSAGES_ENDPOINT_URL", "wss://e"), ("SSMX_ENDPOINT_URL", "https://e")];
    assert_eq!(ssm(&own), ("https://e".into(), Some("wss://e".into())));
}

#[test]
fn typed_values() {
    let db = effective(Flags::default(), Some("db"), &[]);
    assert_eq!((db.ssh_port(), db.reason_required(), db.cache()), (Some(2222), true, Duration::from_secs(5)));
    let none = effective(Flags::default(), None, &[("SSMX_COLUMNS", "id, tag:Env")]);
    assert_eq!(
        (none.ssh_port(), none.reason_required(), none.cache(), none.name_tag()),
        (None, false, settings::CACHE, "Name")
    );
    assert_eq!(none.columns(), [Column::Id, Column::Tag("Env".into())]);
    assert_eq!(none.all(Key::SshUser).count(), 1);
    assert_eq!(effective(Flags::default(), None, &[]).columns(), settings::COLUMNS);
}

#[test]
fn a_variable_that_makes_no_sense_is_an_error() {
    let error = Config::default()
        .effective(Flags::default(), None, |name| (name == "SSMX_SSH_PORT").then(|| "x".to_owned()))
        .unwrap_err();
    let said = "`SSMX_SSH_PORT` in the environment: expected a port from 1 to 65535, found `x`";
    assert_eq!(error.to_string(), said);
}
