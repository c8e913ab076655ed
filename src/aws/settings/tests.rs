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
