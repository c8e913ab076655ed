use std::{fmt::Write, time::Duration};

use aws_lc_rs::{digest, hmac};

use super::*;

const URL: &str = "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/alice-0123?role=publish_subscribe";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The signature by the book: "Signature Version 4 signing process" of the AWS General Reference.
fn by_hand(host: &str, path: &str, query: &str, token: Option<&str>) -> String {
    let token_line = token.map(|token| format!("x-amz-security-token:{token}\n")).unwrap_or_default();
    let names = if token.is_some() { "host;x-amz-date;x-amz-security-token" } else { "host;x-amz-date" };
    let empty = hex(digest::digest(&digest::SHA256, b"").as_ref());
    let canonical =
        format!("GET\n{path}\n{query}\nhost:{host}\nx-amz-date:20261121T110000Z\n{token_line}\n{names}\n{empty}");
    let scope = "20261121/eu-west-1/ssmmessages/aws4_request";
    let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n20261121T110000Z\n{scope}\n{digest}");
    let mut key = b"AWS4SECRETKEY".to_vec();
    for part in ["20261121", "eu-west-1", "ssmmessages", "aws4_request", &to_sign] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    let signature = hex(&key);
    format!("AWS4-HMAC-SHA256 Credential=AKIDTEST/{scope}, SignedHeaders={names}, Signature={signature}")
}

fn signed(url: &str, token: Option<&str>) -> SignedHeaders {
    let credentials = Credentials::new("AKIDTEST", "SECRETKEY", token.map(str::to_owned), None, "test");
    // 2026-11-21T11:00:00Z
    let time = SystemTime::UNIX_EPOCH + Duration::from_hours(498_683);
    sign_at(url, "eu-west-1", credentials, time).unwrap()
}

fn value<'a>(headers: &'a SignedHeaders, name: &str) -> &'a str {
    headers.iter().find(|(key, _)| key == name).unwrap().1.to_str().unwrap()
}

#[test]
fn the_signature_is_the_one_computed_by_hand() {
    let host = "ssmmessages.eu-west-1.amazonaws.com";
    let path = "/v1/data-channel/alice-0123";
    for token in [None, Some("FwoGZXIvYXdzEXAMPLE==")] {
        let headers = signed(URL, token);
        assert_eq!(value(&headers, "authorization"), by_hand(host, path, "role=publish_subscribe", token));
        assert_eq!(value(&headers, "x-amz-date"), "20261121T110000Z");
        assert_eq!(headers.len(), 2 + usize::from(token.is_some()));
    }
}

#[test]
fn a_port_is_part_of_the_host_unless_it_is_the_default_one() {
    let path = "/v1/x";
    let headers = signed("ws://127.0.0.1:8123/v1/x", None);
    assert_eq!(value(&headers, "authorization"), by_hand("127.0.0.1:8123", path, "", None));
    let headers = signed("wss://gateway.test:443/v1/x", None);
    assert_eq!(value(&headers, "authorization"), by_hand("gateway.test", path, "", None));
}

#[test]
fn nothing_of_it_shows_in_debug() {
    let text = format!("{:?}", signed(URL, Some("TOKENTEXT")));
    for secret in ["TOKENTEXT", "AKIDTEST", "Signature="] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_url_that_cannot_be_signed_is_an_error() {
    let credentials = Credentials::new("AKIDTEST", "SECRETKEY", None, None, "test");
    for url in ["", "wss://", "/path", "wss:///path", "http://[", "a b"] {
        assert!(sign_at(url, "eu-west-1", credentials.clone(), SystemTime::UNIX_EPOCH).is_err(), "{url}");
    }
}

#[test]
fn a_presigned_url_is_known_by_its_query() {
    assert!(is_presigned("wss://h/p?role=x&X-Amz-Signature=0"));
    assert!(is_presigned("wss://h/p?x-amz-date=0"));
    assert!(!is_presigned(URL));
    assert!(!is_presigned("wss://h/X-Amz-Signature?role=é-amz-é"));
    assert!(!is_presigned("wss://h/p"));
}
