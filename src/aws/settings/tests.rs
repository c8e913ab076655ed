use super::*;

const CONFIG: &str = "[default]\nregion = eu-north-1\n[profile work]\nregion = eu-west-1\nca_bundle = /corp.pem\n\
                          [profile bare]\n";

async fn resolve(settings: Settings, env: &[(&str, &str)]) -> Result<Resolved, Error> {
    let env: Vec<_> = [("HOME", "/home/me")].into_iter().chain(env.iter().copied()).collect();
    let fs = Fs::from_slice(&[("/home/me/.aws/config", CONFIG)]);
    Resolved::from(&settings, &Env::from_slice(&env), &fs).await
}

fn profile(name: &str) -> Settings {
    Settings { profile: Some(name.to_owned()), ..Settings::default() }
}

#[tokio::test]
async fn the_region_comes_from_the_flag_the_environment_and_the_profile_in_this_order() {
    let region = async |settings, env: &[_]| resolve(settings, env).await.unwrap().region.unwrap();
    let both = [("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-2")];
    let flag = Settings { region: Some("ap-south-1".to_owned()), ..profile("work") };
    assert_eq!(region(flag, &both).await, "ap-south-1");
    assert_eq!(region(profile("work"), &both).await, "us-east-1");
    assert_eq!(region(profile("work"), &both[1..]).await, "us-east-2");
    assert_eq!(region(profile("work"), &[("AWS_REGION", "")]).await, "eu-west-1");
    assert_eq!(region(Settings::default(), &[]).await, "eu-north-1");
    assert_eq!(region(Settings::default(), &[("AWS_PROFILE", "work")]).await, "eu-west-1");
    assert_eq!(region(profile("default"), &[("AWS_PROFILE", "work")]).await, "eu-north-1");
}

#[tokio::test]
async fn a_profile_in_place_of_the_default_one_counts_where_none_is_named() {
    let region = async |profile: Option<&str>, env: &[_]| {
        let named = Settings { profile: profile.map(str::to_owned), ..Settings::default() };
        let settings = Settings { default_profile: Some("work".to_owned()), ..named };
        let resolved = resolve(settings, env).await.unwrap();
        (resolved.region.unwrap(), resolved.explicit_profile)
    };
    assert_eq!(region(None, &[]).await, ("eu-west-1".to_owned(), false));
    assert_eq!(region(None, &[("AWS_PROFILE", "default")]).await, ("eu-north-1".to_owned(), false));
    assert_eq!(region(Some("default"), &[]).await, ("eu-north-1".to_owned(), true));
}

#[tokio::test]
async fn no_region_is_an_error_at_once_with_advice() {
    let resolved = resolve(profile("bare"), &[]).await.unwrap();
    assert_eq!(resolved.region, None);
    if !is_ec2_instance() {
        let err = resolved.region_or_metadata().await.unwrap_err();
        assert_eq!((err.kind(), err.to_string().as_str()), (ErrorKind::Usage, "no AWS region is set"));
        assert!(err.hints()[0].contains("--region"), "{:?}", err.hints());
    }
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_named_with_those_that_do() {
    let err = resolve(profile("wrok"), &[]).await.unwrap_err();
    assert_eq!(err.to_string(), "the AWS profile `wrok` does not exist: there are bare, default, work");
    assert!(resolve(Settings::default(), &[("AWS_PROFILE", "gone")]).await.is_err());
}

#[tokio::test]
async fn the_ca_bundle_of_the_environment_stands_before_that_of_the_profile() {
    let bundle = async |env: &[_]| resolve(profile("work"), env).await.unwrap().ca_bundle.unwrap();
    assert_eq!(bundle(&[]).await, PathBuf::from("/corp.pem"));
    assert_eq!(bundle(&[("AWS_CA_BUNDLE", "/env.pem")]).await, PathBuf::from("/env.pem"));
}

#[tokio::test]
async fn what_cannot_be_a_region_or_an_endpoint_is_refused() {
    for region in ["eu", "eu west", "EU-WEST-1", "x.evil.com/", "-", "ééé"] {
        let settings = Settings { region: Some(region.to_owned()), ..Settings::default() };
        assert_eq!(resolve(settings, &[]).await.unwrap_err().kind(), ErrorKind::Usage, "{region}");
    }
    for url in ["localhost:4566", "ftp://x/", "/x"] {
        let settings = Settings { endpoint_url: Some(url.to_owned()), ..Settings::default() };
        assert_eq!(resolve(settings, &[]).await.unwrap_err().kind(), ErrorKind::Usage, "{url}");
    }
}
