use super::*;

const PATH: &str = "/v1/data-channel/alice-0123?role=publish_subscribe";

fn policy<'a>(region: &'a str, ssm_endpoint: Option<&'a str>) -> Policy<'a> {
    Policy { region, ssm_endpoint, messages_endpoint: None, allow_insecure: false }
}

fn parse(region: &str, ssm_endpoint: Option<&str>, origin: &str) -> Result<StreamUrl, StreamUrlError> {
    StreamUrl::parse(&format!("{origin}{PATH}"), &policy(region, ssm_endpoint))
}

#[test]
fn the_hosts_of_every_partition_are_allowed() {
    for (region, host) in [
        ("eu-west-1", "ssmmessages.eu-west-1.amazonaws.com"),
        ("eu-west-1", "SSMMessages.eu-west-1.amazonaws.com"),
        ("eu-west-1", "ssmmessages.us-east-1.amazonaws.com:443"),
        ("us-east-1", "ssmmessages-fips.us-east-1.amazonaws.com"),
        ("us-east-1", "ssmmessages.us-east-1.api.aws"),
        ("us-east-1", "ssmmessages-fips.us-east-1.api.aws"),
        ("cn-north-1", "ssmmessages.cn-north-1.amazonaws.com.cn"),
        ("cn-north-1", "ssmmessages.cn-north-1.api.amazonwebservices.com.cn"),
        ("us-gov-west-1", "ssmmessages.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", "ssmmessages-fips.us-gov-west-1.api.aws"),
        ("us-iso-east-1", "ssmmessages.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "ssmmessages.us-isob-east-1.sc2s.sgov.gov"),
        ("us-isof-south-1", "ssmmessages.us-isof-south-1.csp.hci.ic.gov"),
        ("eu-isoe-west-1", "ssmmessages.eu-isoe-west-1.cloud.adc-e.uk"),
        ("eusc-de-east-1", "ssmmessages.eusc-de-east-1.amazonaws.eu"),
        ("eu-west-1", "vpce-0a1b-c2d3.ssmmessages.eu-west-1.vpce.amazonaws.com"),
        ("eu-west-1", "vpce-0a1b-c2d3-eu-west-1a.ssmmessages.eu-west-1.vpce.amazonaws.com"),
    ] {
        let url = parse(region, None, &format!("wss://{host}")).unwrap();
        assert_eq!((url.tls, url.port, url.presigned), (true, 443, false), "{host}");
        assert_eq!(url.path_and_query, PATH);
    }
}

#[test]
fn every_other_host_is_refused() {
    for host in [
        "ssmmessages.eu-west-1.amazonaws.com.evil.example",
        "ssmmessages.eu-west-1.amazonaws.com.",
        "ssmmessages.eu-west-1.evilamazonaws.com",
        "ssmmessages.eu-west-1.amazonaws.com.cn",
        "ssmmessages.us-gov-west-1.amazonaws.com",
        "ssmmessages.amazonaws.com",
        "ssmmessages..amazonaws.com",
        "ssmmessages.evil.amazonaws.com",
        "ssmmessages.s3-website-1.x.amazonaws.com",
        "xssmmessages.eu-west-1.amazonaws.com",
        "evil.ssmmessages.eu-west-1.amazonaws.com",
        "bucket.s3.eu-west-1.amazonaws.com",
        "ssm.eu-west-1.amazonaws.com",
        "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
        "vpce-0a1b.ssmmessages.eu-west-1.amazonaws.com",
        "evil.vpce-0a1b.ssmmessages.eu-west-1.vpce.amazonaws.com",
        "vpce-0a1b.evil.ssmmessages.eu-west-1.vpce.amazonaws.com",
        "vpce-0a1b.s3.eu-west-1.vpce.amazonaws.com",
        "ssmmessages.eu-west-1.amazonaws.com:8443",
        "amazonaws.com",
        "api.aws",
        "127.0.0.1",
        "[::1]",
        "localhost",
    ] {
        let err = parse("eu-west-1", None, &format!("wss://{host}")).unwrap_err();
        assert!(matches!(err, StreamUrlError::Host { .. }), "{host}: {err}");
    }
}

#[test]
fn anything_but_a_plain_url_is_refused() {
    let host = "ssmmessages.eu-west-1.amazonaws.com";
    for origin in [
        format!("https://{host}"),
        format!("wss://user@{host}"),
        format!("wss://user:pass@{host}"),
        format!("wss://{host}@evil.example"),
        format!("wss://evil.example#@{host}"),
        format!("wss://evil.example\\@{host}"),
        format!("wss://{host}:0"),
        format!("wss://{host}:"),
        format!("wss://{host}:99999"),
        format!("wss://{host}%2e"),
        format!("wss://{host} "),
        format!("{host}:443"),
        "wss://".to_owned(),
        "wss://[::1".to_owned(),
        format!("wss://{}.amazonaws.com", "a".repeat(9_000)),
    ] {
        let err = parse("eu-west-1", None, &origin).unwrap_err();
        assert!(matches!(err, StreamUrlError::Malformed(_)), "{origin}: {err}");
    }
    assert!(StreamUrl::parse("", &policy("eu-west-1", None)).is_err());
}

#[test]
fn an_unencrypted_connection_is_for_loopback_under_a_loopback_api_only() {
    let api = Some("http://127.0.0.1:9000");
    for origin in ["ws://127.0.0.1:9001", "ws://[::1]:9001", "ws://localhost:9001", "wss://127.0.0.1:9001"] {
        assert!(parse("eu-west-1", api, origin).is_ok(), "{origin}");
        assert!(parse("eu-west-1", None, origin).is_err(), "{origin}");
        assert!(parse("eu-west-1", Some("https://aws.corp.example"), origin).is_err(), "{origin}");
    }
    assert_eq!(parse("eu-west-1", api, "ws://[::1]:9001").unwrap().authority(), "[::1]:9001");
    for origin in ["ws://10.0.0.1", "ws://127.0.0.1.evil.example", "ws://localhost.evil.example", "ws://2130706433"] {
        assert!(parse("eu-west-1", api, origin).is_err(), "{origin}");
    }
    let host = "ssmmessages.eu-west-1.amazonaws.com";
    let err = parse("eu-west-1", None, &format!("ws://{host}:443")).unwrap_err();
    assert_eq!(err, StreamUrlError::Unencrypted(host.to_owned()));
}

#[test]
fn a_configured_api_endpoint_may_serve_data_channels_too() {
    let api = Some("https://aws.corp.example/api");
    assert!(parse("eu-west-1", api, "wss://aws.corp.example:8443").is_ok());
    assert!(parse("eu-west-1", api, "wss://ssmmessages.eu-west-1.amazonaws.com").is_ok());
    assert!(parse("eu-west-1", api, "wss://x.aws.corp.example").is_err());
    assert!(parse("eu-west-1", Some("http://aws.corp.example"), "ws://aws.corp.example").is_err());
}

#[test]
fn an_endpoint_for_data_channels_takes_the_place_of_the_one_in_the_url() {
    let through = |endpoint| {
        let policy = Policy { messages_endpoint: Some(endpoint), ..policy("eu-west-1", None) };
        StreamUrl::parse(&format!("wss://ssmmessages.eu-west-1.amazonaws.com{PATH}"), &policy)
    };
    let url = through("https://vpce-1.example:8443").unwrap();
    assert_eq!(url.url(), format!("wss://vpce-1.example:8443{PATH}"));
    assert_eq!(through("http://127.0.0.1:9001/").unwrap().url(), format!("ws://127.0.0.1:9001{PATH}"));
    assert_eq!(through("ws://gateway.example").unwrap_err(), StreamUrlError::Unencrypted("gateway.example".into()));
    for endpoint in ["gateway.example", "https://gateway.example/path", "ftp://gateway.example", "https://a@b"] {
        assert!(matches!(through(endpoint).unwrap_err(), StreamUrlError::Endpoint(_)), "{endpoint}");
    }
}

#[test]
fn a_presigned_url_is_seen_and_its_signature_hidden() {
    let origin = "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/x";
    let url = StreamUrl::parse(&format!("{origin}?X-Amz-Signature=abc"), &policy("eu-west-1", None)).unwrap();
    assert!(url.presigned);
    assert_eq!(format!("{url:?}"), origin);
}

#[test]
fn it_may_be_unencrypted_elsewhere_if_the_person_allows_it() {
    let endpoint = "http://gateway.corp:8080";
    let strict = Policy { messages_endpoint: Some(endpoint), ..policy("eu-west-1", Some("http://ssm.corp")) };
    let parse = |url: &str, policy: &Policy<'_>| StreamUrl::parse(&format!("{url}{PATH}"), policy);
    let refused = parse("wss://ssmmessages.eu-west-1.amazonaws.com", &strict);
    assert_eq!(refused, Err(StreamUrlError::Unencrypted("gateway.corp".to_owned())));
    let allowed = Policy { allow_insecure: true, ..strict };
    assert_eq!(
        parse("wss://ssmmessages.eu-west-1.amazonaws.com", &allowed).unwrap().url(),
        format!("ws://gateway.corp:8080{PATH}")
    );
    // It still has to be the host of the API, and no other.
    let of_service = Policy { messages_endpoint: None, ..allowed };
    assert!(parse("ws://ssm.corp:1", &of_service).is_ok());
    assert!(matches!(parse("ws://other.corp:1", &of_service), Err(StreamUrlError::Host { .. })));
}

#[test]
fn every_seed_of_the_fuzzer_passes() {
    crate::testing::every_seed_passes("stream_url", check::check);
}
