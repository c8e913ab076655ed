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

/// The variables of a process, and an AWS profile `work` in the files.
#[derive(Clone, Debug)]
struct Environment(Vec<(String, String)>);

impl Environment {
    fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

impl Ambient for Environment {
    fn profile(&self) -> Option<(&'static str, String)> {
        Some(("AWS_PROFILE", self.get("AWS_PROFILE")?))
    }

    fn access_key(&self) -> Option<&'static str> {
        self.get("AWS_ACCESS_KEY_ID").map(|_| "AWS_ACCESS_KEY_ID")
    }

    fn variables(&self, key: Key, _: &str) -> Vec<(String, String)> {
        let names: &[&str] = match key {
            Key::Region => &["AWS_REGION", "AWS_DEFAULT_REGION"],
            Key::EndpointUrl => &["AWS_ENDPOINT_URL"],
            Key::SsmEndpointUrl => &["AWS_ENDPOINT_URL_SSM"],
            Key::SsmmessagesEndpointUrl => &["AWS_ENDPOINT_URL_SSMMESSAGES"],
            _ => &[],
        };
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.get(name)?))).collect()
    }

    fn of_profile(&self, profile: &str, key: Key) -> Option<String> {
        match (profile, key) {
            ("bare", Key::Region) => Some("sa-east-1".to_owned()),
            ("bare", Key::SsmEndpointUrl) => Some("https://ssm.bare".to_owned()),
            ("bare", Key::EndpointUrl) => Some("https://bare".to_owned()),
            _ => None,
        }
    }
}

fn resolve_of(file: &str, flags: Flags, alias: Option<&str>, environment: &[(&str, &str)]) -> Resolved {
    let config = Config::parse(file, Path::new("x")).unwrap();
    let alias = alias.map(|alias| (alias, &config.targets[alias]));
    let environment = Environment::of(environment);
    let variables = Variables::read(|name| environment.get(name)).unwrap();
    config.resolve(flags, variables, alias, Arc::new(environment))
}

fn resolve(flags: Flags, alias: Option<&str>, environment: &[(&str, &str)]) -> Resolved {
    resolve_of(FILE, flags, alias, environment)
}

#[test]
fn flags_variables_alias_profile_and_defaults_count_in_this_order() {
    let region = |flags, alias, environment: &[_]| {
        let found = resolve(flags, alias, environment).get(Key::Region).cloned().unwrap();
        (found.value.to_string(), found.origin.to_string())
    };
    let both = [("SSMX_REGION", "us-east-1"), ("AWS_REGION", "us-east-2")];
    let flag = Flags::default().text(Key::Region, "--region", Some("ap-south-1"));
    assert_eq!(region(flag, Some("db"), &both), ("ap-south-1".into(), "--region".into()));
    assert_eq!(region(Flags::default(), Some("db"), &both), ("us-east-1".into(), "SSMX_REGION".into()));
    let of_prod = ("eu-west-3".into(), "[profiles.prod], line 10".into());
    assert_eq!(region(Flags::default(), Some("db"), &[("SSMX_REGION", "")]), of_prod);
    assert_eq!(region(Flags::default(), None, &[("AWS_PROFILE", "prod")]), of_prod);
    assert_eq!(region(Flags::default(), None, &both[1..]).1, "[profiles.work], line 8");
    assert_eq!(region(Flags::default(), None, &[("AWS_PROFILE", "other")]).1, "[defaults], line 3");
    let profile = Flags::default().text(Key::Profile, "--profile", Some("work"));
    assert_eq!(region(profile, Some("db"), &[]).1, "[profiles.work], line 8", "a flag stands before the alias");
}

#[test]
fn the_aws_environment_counts_last() {
    let chain = |environment: &[_]| {
        let found = resolve_of("", Flags::default(), None, environment);
        found.all(Key::Region).map(|found| format!("{} {}", found.value, found.origin)).collect::<Vec<_>>()
    };
    let of_profile = "sa-east-1 AWS configuration, profile bare";
    assert_eq!(chain(&[("AWS_PROFILE", "bare")]), [of_profile]);
    let all = [("AWS_PROFILE", "bare"), ("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-2")];
    assert_eq!(chain(&all), ["us-east-1 AWS_REGION", "us-east-2 AWS_DEFAULT_REGION", of_profile]);
    assert!(chain(&[]).is_empty());

    let ssm = |environment: &[_]| {
        let found = resolve_of("", Flags::default(), None, environment);
        found.text(Key::SsmEndpointUrl).map(str::to_owned)
    };
    let bare = ("AWS_PROFILE", "bare");
    assert_eq!(ssm(&[bare]).as_deref(), Some("https://ssm.bare"));
    assert_eq!(ssm(&[bare, ("AWS_ENDPOINT_URL", "https://env")]).as_deref(), Some("https://env"));
    assert_eq!(ssm(&[("SSMX_ENDPOINT_URL", "https://ours"), bare]).as_deref(), Some("https://ours"));
    let own = [("AWS_ENDPOINT_URL_SSM", "https://own"), ("AWS_ENDPOINT_URL", "https://env")];
    assert_eq!(ssm(&own).as_deref(), Some("https://own"));
}

#[test]
fn nothing_is_asked_of_aws_before_it_is_needed() {
    #[derive(Debug)]
    struct Unread;
    impl Ambient for Unread {
        fn profile(&self) -> Option<(&'static str, String)> {
            None
        }
        fn access_key(&self) -> Option<&'static str> {
            None
        }
        fn variables(&self, _: Key, _: &str) -> Vec<(String, String)> {
            unreachable!("a stronger value is known")
        }
        fn of_profile(&self, _: &str, _: Key) -> Option<String> {
            unreachable!("a stronger value is known")
        }
    }
    let config = Config::parse(FILE, Path::new("x")).unwrap();
    let resolved = config.resolve(Flags::default(), Variables::default(), None, Arc::new(Unread));
    assert_eq!(resolved.text(Key::Region), Some("eu-west-1"));
    assert_eq!((resolved.text(Key::Reason), resolved.all(Key::SshPort).count()), (None, 0));
    assert_eq!(resolved.text(Key::SsmEndpointUrl), Some("https://ssm.d"));
}

#[test]
fn only_an_explicit_profile_stands_before_keys_in_the_environment() {
    let profile = |alias, environment: &[_]| {
        let found = resolve(Flags::default(), alias, environment);
        (found.text(Key::Profile).map(str::to_owned), found.has_explicit_profile())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(profile(Some("db"), &[("AWS_PROFILE", "x")]), (some("prod"), true));
    assert_eq!(profile(None, &[("SSMX_PROFILE", "x")]), (some("x"), true));
    assert_eq!(profile(None, &[("AWS_PROFILE", "x")]), (some("x"), false));
    assert_eq!(profile(None, &[]), (some("work"), false));
    assert_eq!(profile(None, &[("AWS_ACCESS_KEY_ID", "AKID")]), (None, false));
    assert!(resolve(Flags::default(), None, &[("AWS_ACCESS_KEY_ID", "x")]).ignored_profile().is_some());
    assert_eq!(resolve(Flags::default(), None, &[("AWS_ACCESS_KEY_ID", "x")]).name_tag(), "X");
    assert!(resolve(Flags::default(), None, &[]).ignored_profile().is_none());
}

#[test]
fn an_endpoint_for_all_stands_before_weaker_ones_for_one_service() {
    let ssm = |environment: &[_]| {
        let found = resolve(Flags::default(), None, environment);
        let text = |key| found.text(key).map(str::to_owned);
        (text(Key::SsmEndpointUrl).unwrap(), text(Key::SsmmessagesEndpointUrl))
    };
    assert_eq!(ssm(&[]), ("https://ssm.d".into(), Some("wss://messages.d".into())));
    assert_eq!(ssm(&[("AWS_PROFILE", "prod")]), ("https://p".into(), None));
    let own = [("SSMX_SSMMESSAGES_ENDPOINT_URL", "wss://e"), ("SSMX_ENDPOINT_URL", "https://e")];
    assert_eq!(ssm(&own), ("https://e".into(), Some("wss://e".into())));
    let of_aws = [("AWS_PROFILE", "prod"), ("AWS_ENDPOINT_URL_SSMMESSAGES", "wss://aws")];
    assert_eq!(ssm(&of_aws), ("https://p".into(), Some("wss://aws".into())));
}

#[test]
fn typed_values() {
    let db = resolve(Flags::default(), Some("db"), &[]);
    assert_eq!((db.ssh_port(), db.reason_required(), db.cache()), (Some(2222), true, Duration::from_secs(5)));
    let none = resolve(Flags::default(), None, &[("SSMX_COLUMNS", "id, tag:Env")]);
    assert_eq!(
        (none.ssh_port(), none.reason_required(), none.cache(), none.name_tag()),
        (None, false, settings::CACHE, "Name")
    );
    assert_eq!(none.columns(), [Column::Id, Column::Tag("Env".into())]);
    assert_eq!(none.all(Key::SshUser).count(), 1);
    assert_eq!(resolve(Flags::default(), None, &[]).columns(), settings::COLUMNS);
}

#[test]
fn a_variable_that_makes_no_sense_is_an_error() {
    let error = Variables::read(|name| (name == "SSMX_SSH_PORT").then(|| "x".to_owned())).unwrap_err();
    let said = "`SSMX_SSH_PORT` in the environment: expected a port from 1 to 65535, found `x`";
    assert_eq!(error.to_string(), said);
}
