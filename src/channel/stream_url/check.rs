//! What must hold for any stream URL: one function for the test that runs the corpus and for the fuzzer, which includes
//! this file.

use http::Uri;

use crate::aws::{is_gateway, is_loopback};
use crate::channel::stream_url::{Policy, StreamUrl};

/// Reads `bytes` as a URL, a region, the endpoint of SSM and that of the data channels, with a line feed between them.
///
/// # Panics
/// When something does not hold: a session would go where it may not, or in the clear, or elsewhere than another reader
/// of URLs would go.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let url = lines.next().unwrap_or_default();
    let mut given = || lines.next().filter(|line| !line.is_empty());
    let (region, ssm_endpoint, messages_endpoint) = (given().unwrap_or("eu-west-1"), given(), given());
    let policy = Policy { region, ssm_endpoint, messages_endpoint, allow_insecure: false };
    let Ok(parsed) = StreamUrl::parse(url, &policy) else { return };

    assert!(parsed.tls || is_loopback(&parsed.host), "{parsed:?} is not encrypted");
    if ssm_endpoint.is_none() && messages_endpoint.is_none() {
        assert!(is_gateway(&parsed.host, region) && parsed.tls && parsed.port == 443, "{parsed:?}");
    }
    assert!(parsed.path_and_query.starts_with('/') && parsed.port != 0 && !parsed.host.contains(['@', '/', '?']));

    assert!(!format!("{parsed:?}").contains('?'), "{parsed:?} shows its query");

    let whole: Uri = parsed.url().parse().expect("it is a URL");
    assert_eq!(whole.host(), Some(parsed.host.as_str()));
    assert_eq!(whole.port_u16().unwrap_or(if parsed.tls { 443 } else { 80 }), parsed.port);
    assert_eq!(whole.path_and_query().map(|path| path.as_str()), Some(parsed.path_and_query.as_str()));
    assert_eq!(StreamUrl::parse(&parsed.url(), &policy), Ok(parsed));
}
