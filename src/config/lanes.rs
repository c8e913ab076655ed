//! [`Lanes`]: how many sessions a tunnel uses side by side.

use std::fmt;
use std::str::FromStr;

/// Most sessions that one tunnel can have at a time: StartSession is throttled for the whole account.
const MOST_LANES: u8 = 16;

/// How many sessions a tunnel uses side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// One, and more where connections would disturb each other.
    Auto,
    /// So many, 1 to [`MOST_LANES`].
    Fixed(u8),
}

impl Lanes {
    /// What a person has to write, in words.
    pub(super) const EXPECTED: &str = "\"auto\" or a number from 1 to 16";
}

impl FromStr for Lanes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.and_then(|text| text.parse().ok()).filter(|number| (1..=MOST_LANES).contains(number));
        number.map(Self::Fixed).ok_or_else(|| format!("expected {}, found `{text}`", Self::EXPECTED))
    }
}

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_auto() {
        for (text, lanes) in [("auto", Lanes::Auto), ("1", Lanes::Fixed(1)), ("16", Lanes::Fixed(16))] {
            assert_eq!(text.parse(), Ok(lanes));
            assert_eq!(lanes.to_string(), text);
        }
        for wrong in ["", "0", "17", "+4", "-1", "Auto", "four", "4.0"] {
            assert!(wrong.parse::<Lanes>().is_err(), "{wrong}");
        }
    }
}
