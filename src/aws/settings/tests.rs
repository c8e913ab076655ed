use super::*;

const CONFIG: &str = "[default]\nregion = eu-north-1\n[profile work]\nregion = eu-west-1\n[profile bare]\n";

fn ambient(variables: &[(&str, &str)]) -> Ambient {
    Ambient::of(variables, &[("/home/me/.aws/config", CONFIG)])
}

#[tokio::test]
async fn no_region_is_an_error_at_once_with_advice() {
    let settings = ambient(&[]).settings(Some("bare"), None);
    assert_eq!((settings.check(&ambient(&[])).is_ok(), &settings.region), (true, &None));
    if !is_ec2_instance() {
        let err = settings.region_or_metadata().await.unwrap_err();
        assert_eq!((err.kind(), err.to_string().as_str()), (ErrorKind::Usage, "no AWS region is set"));
        assert!(err.hints()[0].contains("--region"), "{:?}", err.hints());
    }
}

#[test]
fn a_profile_that_does_not_exist_is_named_with_those_that_do() {
    let err = ambient(&[]).settings(Some("wrok"), None).check(&ambient(&[])).unwrap_err();
    assert_eq!(err.to_string(), "the AWS profile `wrok` does not exist: expected one of bare, default, work");
    let gone = ambient(&[("AWS_PROFILE", "gone")]);
    assert!(gone.settings(None, None).check(&gone).is_err());
    let nothing = Ambient::of(&[], &[]);
    assert!(nothing.settings(None, None).check(&nothing).is_ok(), "the default one need not exist");
}

#[test]
fn what_cannot_be_a_region_or_an_endpoint_is_refused() {
    for region in ["eu", "eu west", "EU-WEST-1", "x.evil.com/", "-", "ééé"] {
        let settings = Settings { region: Some(region.to_owned()), ..Settings::default() };
        assert_eq!(settings.check(&ambient(&[])).unwrap_err().kind(), ErrorKind::Usage, "{region}");
    }
    for url in ["localhost:4566", "ftp://x/", "/x"] {
        let all = Endpoints::common(url);
        let one = Endpoints::new(None, |service| (service == "kms").then(|| url.to_owned()));
        for endpoints in [all, one] {
            let settings = Settings { endpoints, ..Settings::default() };
            assert_eq!(settings.check(&ambient(&[])).unwrap_err().kind(), ErrorKind::Usage, "{url}");
        }
    }
}

#[test]
fn credentials_do_not_travel_in_the_clear_unless_that_is_allowed() {
    for (url, fine) in [
        ("https://10.0.0.1", true),
        ("http://127.0.0.1:4566", true),
        ("http://localhost", true),
        ("http://[::1]:4566", true),
        ("http://10.0.0.1:4566", false),
        ("http://localstack:4566", false),
        ("http://localhost.evil.test", false),
        ("http://169.254.169.254", false),
    ] {
        for service in [None, Some("kms"), Some(GATEWAY)] {
            let endpoints = match service {
                None => Endpoints::common(url),
                Some(service) => Endpoints::new(None, |one| (one == service).then(|| url.to_owned())),
            };
            let settings = Settings { endpoints, ..Settings::default() };
            let err = settings.check(&ambient(&[])).err();
            assert_eq!(err.is_none(), fine, "{url}");
            assert!(
                err.is_none_or(|err| err.kind() == ErrorKind::Usage && err.hints()[0].contains("--insecure-endpoint"))
            );
            let allowed = Settings { allow_insecure: true, ..settings };
            assert!(allowed.check(&ambient(&[])).is_ok());
            assert_eq!(allowed.insecure_endpoints().is_empty(), fine);
        }
    }
}

#[test]
fn endpoints_of_services_that_are_not_asked_do_not_matter() {
    let endpoints = Endpoints::new(None, |service| (service == "kms").then(|| "nonsense".to_owned()));
    let settings = Settings { endpoints: endpoints.only(&["ssm"]), ..Settings::default() };
    assert!(settings.check(&ambient(&[])).is_ok());
}

#[test]
fn an_endpoint_for_all_services_is_not_for_the_gateway() {
    let endpoints = Endpoints { messages: None, ..Endpoints::common("http://x") };
    assert_eq!((endpoints.of("ec2"), endpoints.of(GATEWAY)), (Some("http://x"), None));
    let own = Endpoints::new(Some("http://x".to_owned()), |service| Some(format!("http://{service}")));
    assert_eq!((own.of("ec2"), own.of(GATEWAY)), (Some("http://ec2"), Some("http://ssmmessages")));
    assert_eq!(own.of_all(), Some("http://x"));
}

#[test]
fn a_line_that_cannot_be_read_costs_its_own_profile_and_no_other() {
    let config = "[profile broken]\nregion eu-west-1\nrole_arn\n[profile fine]\nregion = eu-west-1\n\
                  [profile above]\nsource_profile = broken\n[profile open\nregion = us-east-1\n";
    let ambient = Ambient::of(&[], &[("/home/me/.aws/config", config)]);
    let check = |profile: &str| ambient.settings(Some(profile), None).check(&ambient);
    assert!(check("fine").is_ok());
    assert_eq!(ambient.region_of("above"), None, "what stands under a broken header is not of the section above");
    let said = |profile: &str| check(profile).unwrap_err().to_string();
    assert_eq!(
        said("broken"),
        "the AWS profile `broken` cannot be read: /home/me/.aws/config, line 2: expected `key = value` (and 1 more)"
    );
    assert!(said("above").contains("line 2"), "a profile is built from its source");
    assert_eq!(
        said("open"),
        "the AWS profile `open` cannot be read: /home/me/.aws/config, line 8: the header of a section must end with `]`"
    );
    let elsewhere: Vec<_> = ambient.mistakes_elsewhere("fine").iter().map(ToString::to_string).collect();
    assert_eq!(elsewhere.len(), 3, "{elsewhere:?}");
    let broken: Vec<_> = ambient.mistakes_elsewhere("above").iter().map(ToString::to_string).collect();
    assert_eq!(broken, ["/home/me/.aws/config, line 8: the header of a section must end with `]`"]);

    let lost = Ambient::of(&[], &[("/home/me/.aws/config", "region = x\n[profile work]\n")]);
    assert!(lost.settings(Some("work"), None).check(&lost).is_ok());
    assert_eq!(
        lost.check_profile("gone").unwrap_err().to_string(),
        "the AWS profile `gone` does not exist: expected one of work (/home/me/.aws/config, line 1: the line stands \
         before the first section)"
    );
}
