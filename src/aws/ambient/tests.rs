use super::*;

const CONFIG: &str = "\
[default]
region = eu-north-1
[profile work]
region = eu-west-1
ca_bundle = /corp.pem
endpoint_url = https://common.test
services = own
[services own]
ssm =
  endpoint_url = https://ssm.test
ec2-instance-connect =
  endpoint_url = https://hyphens.test
[profile quiet]
endpoint_url = https://common.test
ignore_configured_endpoint_urls = true
[profile bare]
region =
";

fn ambient(variables: &[(&str, &str)]) -> Ambient {
    Ambient::of(variables, &[("/home/me/.aws/config", CONFIG)])
}

#[test]
fn variables_count_in_their_order_unless_they_are_empty() {
    let both = ambient(&[("AWS_PROFILE", ""), ("AWS_DEFAULT_PROFILE", "work"), ("AWS_DEFAULT_REGION", "us-east-2")]);
    assert_eq!(both.profile(), Some(("AWS_DEFAULT_PROFILE", "work".to_owned())));
    assert_eq!(both.regions(), [("AWS_DEFAULT_REGION".to_owned(), "us-east-2".to_owned())]);
    assert_eq!((both.region_of("work").as_deref(), both.region_of("bare")), (Some("eu-west-1"), None));
    let keys = ambient(&[("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_PROFILE", "work"), ("AWS_DEFAULT_PROFILE", "x")]);
    assert_eq!(keys.profile(), Some(("AWS_PROFILE", "work".to_owned())));
    assert_eq!(keys.access_key(), Some(("AWS_ACCESS_KEY_ID", "AKID".to_owned())));
}

#[test]
fn a_bundle_is_looked_for_where_the_aws_cli_looks() {
    let requests = ("REQUESTS_CA_BUNDLE", "/requests.pem");
    let bundle = |variables: &[(&str, &str)], profile| ambient(variables).ca_bundle(profile);
    assert_eq!(bundle(&[], "work"), Some(("ca_bundle", "/corp.pem".into())));
    assert_eq!(bundle(&[requests], "work"), Some(("ca_bundle", "/corp.pem".into())));
    assert_eq!(bundle(&[requests], "bare"), Some(("REQUESTS_CA_BUNDLE", "/requests.pem".into())));
    let both = [requests, ("AWS_CA_BUNDLE", "/env.pem")];
    assert_eq!(bundle(&both, "work"), Some(("AWS_CA_BUNDLE", "/env.pem".into())));
    assert_eq!(bundle(&[], "bare"), None);
}

#[test]
fn endpoints_are_read_for_all_services_and_for_one() {
    let plain = ambient(&[("AWS_ENDPOINT_URL_EC2_INSTANCE_CONNECT", "https://eic")]);
    let eic = Some("ec2_instance_connect");
    let found = plain.endpoint(eic, "work").unwrap();
    assert_eq!(found, ("AWS_ENDPOINT_URL_EC2_INSTANCE_CONNECT".to_owned(), "https://eic".to_owned()));
    assert_eq!(plain.endpoint(None, "work"), None);
    assert_eq!(plain.endpoint(eic, "quiet"), None, "the profile says that they do not count");
    assert_eq!(plain.endpoint_of("work", None).as_deref(), Some("https://common.test"));
    assert_eq!(plain.endpoint_of("work", Some("ssm")).as_deref(), Some("https://ssm.test"));
    assert_eq!(plain.endpoint_of("work", eic).as_deref(), Some("https://hyphens.test"));
    assert_eq!((plain.endpoint_of("work", Some("kms")), plain.endpoint_of("quiet", None)), (None, None));
    let all = ambient(&[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")]);
    assert!(all.endpoint_of("quiet", None).is_some());
}

#[test]
fn alone_it_leads_to_an_account_with_its_endpoints() {
    let work = ambient(&[("AWS_PROFILE", "work")]).settings(None, None);
    assert_eq!((work.profile.as_deref(), work.explicit_profile), (Some("work"), false));
    assert_eq!(work.region.as_deref(), Some("eu-west-1"));
    assert_eq!(work.endpoints.of("ssm"), Some("https://ssm.test"));
    assert_eq!((work.endpoints.of("kms"), work.endpoints.of("ssmmessages")), (Some("https://common.test"), None));
    let strong = ambient(&[("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", "https://env")]);
    let strong = strong.settings(Some("work"), None);
    assert_eq!((strong.region.as_deref(), strong.explicit_profile), (Some("us-east-1"), true));
    assert_eq!(strong.endpoints.of("ssm"), Some("https://env"), "a variable for all stands before the profile");
    assert_eq!(ambient(&[]).settings(None, None).region.as_deref(), Some("eu-north-1"));
    assert_eq!(ambient(&[]).settings(Some("work"), Some("ap-south-1")).region.as_deref(), Some("ap-south-1"));
}

#[test]
fn profiles_of_both_files_are_found() {
    let files = [
        ("/home/me/.aws/config", "[profile work]\nregion = eu-west-1\n[default]\n"),
        ("/home/me/.aws/credentials", "[other]\naws_access_key_id = x\n"),
    ];
    let found = Ambient::of(&[], &files).profiles();
    let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.region.as_deref())).collect();
    assert_eq!(found, [("default", None), ("other", None), ("work", Some("eu-west-1"))]);
    assert_eq!(Ambient::of(&[], &[]).profiles(), []);
}
