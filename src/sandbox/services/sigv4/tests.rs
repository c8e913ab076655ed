use http::Request;

use super::*;
use crate::sandbox::testing::signed;

fn request() -> Request<Vec<u8>> {
    Request::post("http://127.0.0.1:8080/a%20b?b=2&a=%2F&c")
        .header("host", "127.0.0.1:8080")
        .header("x-amz-target", "AmazonSSM.StartSession")
        .body(b"{}".to_vec())
        .unwrap()
}

fn check(credentials: &Credentials, request: &Request<Vec<u8>>) -> Result<Scope, Refused> {
    let (uri, headers) = (request.uri(), request.headers());
    let signed = SignedRequest { method: request.method(), uri, headers, body: request.body() };
    verify(credentials, &signed, SystemTime::now())
}

#[test]
fn takes_what_the_sdk_signs() {
    let credentials = Credentials::random(None);
    let request = signed(&credentials, ("ssm", "eu-west-1"), SystemTime::now(), request());
    let scope = Scope { region: "eu-west-1".to_owned(), service: "ssm".to_owned() };
    assert_eq!(check(&credentials, &request), Ok(scope.clone()));
    assert_eq!(claimed_scope(request.headers()), Some(scope));
}

#[test]
fn refuses_any_change() {
    let credentials = Credentials::random(None);
    let good = signed(&credentials, ("ssm", "eu-west-1"), SystemTime::now(), request());

    let mut changed = good.clone();
    *changed.body_mut() = b"{ }".to_vec();
    assert_eq!(check(&credentials, &changed), Err(Refused::Mismatch));
    let mut changed = good.clone();
    *changed.uri_mut() = "/other".parse().unwrap();
    assert_eq!(check(&credentials, &changed), Err(Refused::Mismatch));
    let mut changed = good.clone();
    changed.headers_mut().insert("x-amz-target", "AmazonSSM.TerminateSession".parse().unwrap());
    assert_eq!(check(&credentials, &changed), Err(Refused::Mismatch));
    let mut changed = good.clone();
    changed.headers_mut().insert("x-amz-other", "unsigned".parse().unwrap());
    assert_eq!(check(&credentials, &changed), Err(Refused::Mismatch));
    let mut changed = good.clone();
    changed.headers_mut().remove("x-amz-security-token");
    assert_eq!(check(&credentials, &changed), Err(Refused::UnknownKey));
    assert_eq!(check(&Credentials::random(None), &good), Err(Refused::UnknownKey));

    let mut stranger = Credentials::random(None);
    stranger.access_key_id.clone_from(&credentials.access_key_id);
    stranger.session_token = credentials.session_token.clone();
    assert_eq!(check(&stranger, &good), Err(Refused::Mismatch));
    assert_eq!(check(&credentials, &request()), Err(Refused::Missing));
}

#[test]
fn refuses_clocks_that_are_off() {
    let credentials = Credentials::random(None);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let at = |time| check(&credentials, &signed(&credentials, ("ssm", "eu-west-1"), time, request()));
    assert!(at(SystemTime::now() - minutes(4)).is_ok());
    assert!(at(SystemTime::now() + minutes(4)).is_ok());
    let Err(Refused::Skewed(past)) = at(SystemTime::now() - minutes(6)) else { panic!("accepted") };
    assert!(past.starts_with("Signature expired: "), "{past}");
    let Err(Refused::Skewed(future)) = at(SystemTime::now() + minutes(6)) else { panic!("accepted") };
    assert!(future.starts_with("Signature not yet current: "), "{future}");
}

#[test]
fn credentials_may_expire() {
    let lifetime = |seconds| {
        let credentials = Credentials::random(Some(Duration::from_secs(seconds)));
        check(&credentials, &signed(&credentials, ("ssm", "eu-west-1"), SystemTime::now(), request()))
    };
    assert_eq!(lifetime(0), Err(Refused::Expired));
    assert!(lifetime(3_600).is_ok());
}

#[test]
fn dates_are_read_as_they_are_written() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_248_276);
    assert_eq!(format_date(time), "20261121T080436Z");
    assert_eq!(parse_date("20261121T080436Z"), Some(time));
    for bad in ["", "2026", "20261321T080436Z", "xxxxxxxxxxxxxxxx", "äääääääää"] {
        assert_eq!(parse_date(bad), None, "{bad}");
    }
}
