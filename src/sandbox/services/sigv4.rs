//! Checks Signature Version 4, independently of the library that clients sign with.
//!
//! Only the form that the services here see: an `Authorization` header, the body hashed, no presigned URLs.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, Uri};
use zeroize::Zeroizing;

use super::credentials::Credentials;

/// How far a client's clock may be off.
const SKEW: Duration = Duration::from_mins(5);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedRequest<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// What a request was signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) region: String,
    pub(crate) service: String,
}

/// Why a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("Missing Authentication Token")]
    Missing,
    #[error("Authorization header requires {0}")]
    Incomplete(&'static str),
    #[error("The security token included in the request is invalid")]
    UnknownKey,
    #[error("The security token included in the request is expired")]
    Expired,
    #[error("{0}")]
    Skewed(String),
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// The scope that a request claims, before anything is checked.
pub(crate) fn claimed_scope(headers: &HeaderMap) -> Option<Scope> {
    let authorization = Authorization::parse(headers).ok()?;
    Some(Scope { region: authorization.region.to_owned(), service: authorization.service.to_owned() })
}

/// Checks a request's key, token, time and signature.
pub(crate) fn verify(
    credentials: &Credentials,
    request: &SignedRequest<'_>,
    now: SystemTime,
) -> Result<Scope, Refused> {
    let authorization = Authorization::parse(request.headers)?;
    let known = equal(authorization.access_key_id, &credentials.access_key_id)
        && equal(text(request.headers, "x-amz-security-token"), &credentials.session_token);
    if !known {
        return Err(Refused::UnknownKey);
    }
    let date = text(request.headers, "x-amz-date");
    check_time(date, now)?;
    // The host, and every header of the service's own, must be signed.
    let own = request.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-amz-"));
    let signs = |name: &str| authorization.signed_headers.contains(&name);
    if !date.starts_with(authorization.date) || !signs(HOST.as_str()) || !own.into_iter().all(signs) {
        return Err(Refused::Mismatch);
    }
    let signature = signature(credentials, &authorization, date, request);
    if !equal(&signature, authorization.signature) {
        return Err(Refused::Mismatch);
    }
    if credentials.expires.is_some_and(|expires| expires <= now) {
        return Err(Refused::Expired);
    }
    Ok(Scope { region: authorization.region.to_owned(), service: authorization.service.to_owned() })
}

impl<'a> Authorization<'a> {
    fn parse(headers: &'a HeaderMap) -> Result<Self, Refused> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(Refused::Missing)?;
        let fields = header.strip_prefix(ALGORITHM).ok_or(Refused::Missing)?;
        let field = |name: &'static str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .ok_or(Refused::Incomplete(name))
        };
        let credential: Vec<_> = field("Credential")?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = credential[..] else {
            return Err(Refused::Incomplete("Credential"));
        };
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            signed_headers: field("SignedHeaders")?.split(';').collect(),
            signature: field("Signature")?,
        })
    }
}

fn check_time(date: &str, now: SystemTime) -> Result<(), Refused> {
    let signed = parse_date(date).ok_or(Refused::Incomplete("a valid X-Amz-Date"))?;
    if signed + SKEW < now {
        let (now, limit) = (format_date(now), format_date(now - SKEW));
        return Err(Refused::Skewed(format!("Signature expired: {date} is now earlier than {limit} ({now} - 5 min.)")));
    }
    if signed > now + SKEW {
        let (now, limit) = (format_date(now), format_date(now + SKEW));
        return Err(Refused::Skewed(format!(
            "Signature not yet current: {date} is still later than {limit} ({now} + 5 min.)"
        )));
    }
    Ok(())
}

fn signature(
    credentials: &Credentials,
    authorization: &Authorization<'_>,
    date: &str,
    request: &SignedRequest<'_>,
) -> String {
    let canonical = canonical_request(&authorization.signed_headers, request);
    let Authorization { date: day, region, service, .. } = authorization;
    let to_sign =
        format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n{}", sha256(canonical.as_bytes()));
    let secret = Zeroizing::new(format!("AWS4{}", credentials.secret_access_key.as_str()));
    let mut key = mac(secret.as_bytes(), day);
    for part in [*region, *service, "aws4_request", &to_sign] {
        key = mac(key.as_ref(), part);
    }
    hex(key.as_ref())
}

fn canonical_request(signed_headers: &[&str], request: &SignedRequest<'_>) -> String {
    let mut canonical = format!("{}\n", request.method);
    // All services but S3 encode the path that was sent a second time.
    let path = request.uri.path();
    encode(&mut canonical, if path.is_empty() { b"/" } else { path.as_bytes() }, b"/");
    canonical.push('\n');
    let mut parameters: Vec<_> = (request.uri.query().unwrap_or_default().split('&'))
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let mut encoded = [String::new(), String::new()];
            encode(&mut encoded[0], &decode(name), b"");
            encode(&mut encoded[1], &decode(value), b"");
            encoded
        })
        .collect();
    parameters.sort();
    let parameters: Vec<_> = parameters.iter().map(|[name, value]| format!("{name}={value}")).collect();
    canonical.push_str(&parameters.join("&"));
    canonical.push('\n');
    for name in signed_headers {
        let values = request.headers.get_all(*name).iter().map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        });
        let _ = writeln!(canonical, "{name}:{}", values.collect::<Vec<_>>().join(","));
    }
    let _ = write!(canonical, "\n{}\n{}", signed_headers.join(";"), sha256(request.body));
    canonical
}

/// Percent-encodes all but unreserved characters and those in `keep`.
fn encode(into: &mut String, bytes: &[u8], keep: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// Undoes percent-encoding; what is not properly encoded stays as it is.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// `20260131T235959Z`, as signatures have it.
fn format_date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string().replace(['-', ':'], "")
}

fn parse_date(text: &str) -> Option<SystemTime> {
    if text.len() != 16 || !text.is_ascii() {
        return None;
    }
    let (year, month, day) = (&text[..4], &text[4..6], &text[6..8]);
    let (hour, minute, second) = (&text[9..11], &text[11..13], &text[13..15]);
    humantime::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn equal(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
