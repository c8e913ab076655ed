//! The signature of a WebSocket upgrade.
//!
//! Session Manager wants the GET that opens a data channel signed with SigV4 for the service name `ssmmessages`: a
//! bare GET with an empty body, of whose headers only Host and the signer's own are covered. The WebSocket's headers
//! are added afterwards.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderName, HeaderValue, Uri};

use super::{
    client::Aws,
    error::{Cause, Error, ErrorKind},
};

/// Headers to add to an upgrade request. Their values are marked sensitive, so that `Debug` does not show them.
pub type SignedHeaders = Vec<(HeaderName, HeaderValue)>;

impl Aws {
    /// Signs the upgrade request for a `wss://` or `ws://` URL with the credentials and the time as they are now.
    /// A presigned URL carries its signature already and needs no headers: none are given.
    ///
    /// The request must carry `Host` as the URL has it, without the default port of the scheme.
    ///
    /// # Errors
    ///
    /// If there are no credentials, or the URL is none.
    pub async fn sign_upgrade(&self, url: &str) -> Result<Option<SignedHeaders>, Error> {
        if is_presigned(url) {
            return Ok(None);
        }
        let credentials = self.credentials().await?;
        sign_at(url, self.region(), credentials, SystemTime::now()).map(Some)
    }
}

/// Whether a URL carries a signature in its query.
pub(crate) fn is_presigned(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-")))
}

fn sign_at(url: &str, region: &str, credentials: Credentials, time: SystemTime) -> Result<SignedHeaders, Error> {
    let failed = |err: &(dyn std::error::Error + 'static)| {
        let message = format!("the connection request cannot be signed: {err}");
        Error::new(ErrorKind::Service, Cause::Broken, "signature", message)
    };
    // The signer leaves out the default port of the schemes it knows.
    let url = match url.split_once("://") {
        Some(("wss", rest)) => format!("https://{rest}"),
        Some(("ws", rest)) => format!("http://{rest}"),
        _ => url.to_owned(),
    };
    // It panics on a URL without a host.
    let host = url.parse::<Uri>().map_err(|err| failed(&err))?.host().is_some_and(|host| !host.is_empty());
    if !host {
        return Err(Error::new(ErrorKind::Usage, Cause::Configuration, "signature", "the stream URL has no host"));
    }
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|err| failed(&err))?;
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]));
    let signed = sign(request.map_err(|err| failed(&err))?, &params.into()).map_err(|err| failed(&err))?;
    let (instructions, _signature) = signed.into_parts();
    instructions
        .headers()
        .map(|(name, value)| {
            let mut value = HeaderValue::from_str(value).map_err(|err| failed(&err))?;
            value.set_sensitive(true);
            Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|err| failed(&err))?, value))
        })
        .collect()
}

/// The service name of the message gateway in a signature.
const SERVICE: &str = "ssmmessages";

#[cfg(test)]
mod tests {
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
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_258_800);
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
}
