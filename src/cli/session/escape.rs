//! The first of the escape keys, as it is typed.

/// The first of the escape keys, if there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Escape(pub Option<u8>);

/// Takes a character, `^` and a letter for a control character, or `none`.
///
/// # Errors
/// It is something else.
pub(crate) fn escape(text: &str) -> Result<Escape, String> {
    match text.as_bytes() {
        b"none" => Ok(Escape(None)),
        [key] if key.is_ascii_graphic() => Ok(Escape(Some(*key))),
        [b'^', key @ b'@'..=b'_'] => Ok(Escape(Some(key - b'@'))),
        [b'^', key @ b'a'..=b'z'] => Ok(Escape(Some(key - b'a' + 1))),
        _ => Err("expected an ASCII character, `^` and a letter, or `none`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_characters() {
        for (text, key) in [("~", b'~'), ("%", b'%'), ("^]", 0x1d), ("^p", 0x10), ("^P", 0x10), ("^", b'^')] {
            assert_eq!(escape(text), Ok(Escape(Some(key))), "{text}");
        }
        assert_eq!(escape("none"), Ok(Escape(None)));
        for bad in ["", " ", "ab", "^é", "é", "^~"] {
            assert!(escape(bad).is_err(), "{bad}");
        }
    }
}
