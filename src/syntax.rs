//! Forms of text that several rooms check, and a name that they share.

use http::Uri;

/// Longest name of a region; the longest today has 14 characters.
const REGION_LIMIT: usize = 32;

/// Whether a text has the form of a region's name, known or not: lower-case letters, digits and hyphens, one of which at
/// least. So it can be part of a host name.
pub(crate) fn is_region(text: &str) -> bool {
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=REGION_LIMIT).contains(&text.len()) && text.chars().all(label) && !text.starts_with('-') && text.contains('-')
}

/// Whether a text is a URL with one of these schemes, in lower case, and a host.
pub(crate) fn is_url(text: &str, schemes: &[&str]) -> bool {
    text.parse::<Uri>().is_ok_and(|url| {
        url.scheme_str().is_some_and(|scheme| schemes.contains(&scheme))
            && url.host().is_some_and(|host| !host.is_empty())
    })
}

/// A host as it stands in a URL, without the brackets of an IPv6 address.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The AWS profile where no other is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// The schemes of an endpoint.
pub(crate) const HTTP: [&str; 2] = ["https", "http"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_brackets_in_urls_alone() {
        assert_eq!(
            ["[::1]", "::1", "localhost", "[", "[]"].map(without_brackets),
            ["::1", "::1", "localhost", "[", ""]
        );
    }

    #[test]
    fn regions_can_be_part_of_a_host_name() {
        assert!(is_region("eu-west-1") && is_region("eusc-de-east-1"));
        for text in ["", "eu", "eu west", "EU-WEST-1", "x.evil.com/", "-", "-x", "é-é", &"a-".repeat(17)] {
            assert!(!is_region(text), "{text}");
        }
    }

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        assert!(is_url("http://localhost:4566", &HTTP) && is_url("https://x/", &HTTP));
        for text in ["", "localhost:4566", "ftp://x/", "/x", "wss://x", "https:///x"] {
            assert!(!is_url(text, &HTTP), "{text}");
        }
    }
}
