//! Versions of agents and clients, by which each end decides what the other can do.

use std::fmt;
use std::str::FromStr;

/// The version that ssmx states as a client. Agents leave out what older clients lack: multiplexing below 1.1.70,
/// separate output streams below 1.2.295, and they keep smux keep-alive on up to 1.2.331.0; the service has announced
/// to stop serving versions below 1.2.764.0.
pub const CLIENT_VERSION: &str = "1.2.814.0";

/// A version of one to four numbers, compared number by number; missing ones count as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 4]);

impl Version {
    /// The version with these four numbers.
    pub const fn new(major: u32, minor: u32, patch: u32, build: u32) -> Self {
        Self([major, minor, patch, build])
    }
}

/// The text is not one to four numbers with dots between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version: expected one to four numbers separated by dots")]
pub struct InvalidVersion;

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let mut numbers = [0; 4];
        let mut parts = text.trim().split('.');
        for number in &mut numbers {
            match parts.next() {
                Some(part) => *number = part.parse().map_err(|_| InvalidVersion)?,
                None => return Ok(Self(numbers)),
            }
        }
        if parts.next().is_some() { Err(InvalidVersion) } else { Ok(Self(numbers)) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_numbers_not_text() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("1.2.331.0") < version("1.2.1000.0"));
        assert_eq!((version("3.3"), version("3.3").to_string()), (version("3.3.0.0"), "3.3.0.0".to_owned()));
        assert!(version(CLIENT_VERSION) >= version("1.2.764.0"));
        for bad in ["", "3.", "1..2", "1.2.3.4.5", "1.a", "-1", "latest", "99999999999"] {
            assert_eq!(bad.parse::<Version>(), Err(InvalidVersion), "{bad:?}");
        }
    }
}
