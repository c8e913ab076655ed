//! Decodes a stream of base64 that arrives in pieces, with line breaks in it.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Digits that are no whole group yet; fewer than four.
    rest: Vec<u8>,
}

impl Decoder {
    /// Decodes what is complete.
    ///
    /// # Errors
    /// The text is not base64: the remote side has no `base64`, or something else wrote to its standard output.
    pub(super) fn decode(&mut self, text: &[u8]) -> io::Result<Vec<u8>> {
        self.rest.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let whole = self.rest.len() / 4 * 4;
        let decoded = STANDARD.decode(&self.rest[..whole]).map_err(invalid)?;
        self.rest.drain(..whole);
        Ok(decoded)
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// It ended in the middle of a group.
    pub(super) fn finish(&self) -> io::Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(invalid("it is cut short")) }
    }
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the remote side sent invalid base64: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_cut() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = STANDARD.encode(&bytes);
        for at in (0..text.len()).step_by(76).skip(1) {
            text.insert(at, '\n');
        }
        for size in [1, 2, 3, 5, 77, 1000] {
            let mut decoder = Decoder::default();
            let decoded: Vec<u8> =
                text.as_bytes().chunks(size).flat_map(|piece| decoder.decode(piece).unwrap()).collect();
            decoder.finish().unwrap();
            assert_eq!(decoded, bytes, "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_base64_is_an_error() {
        assert!(Decoder::default().decode(b"sh: base64: not found").is_err());
        let mut decoder = Decoder::default();
        decoder.decode(b"AAAAA").unwrap();
        assert!(decoder.finish().is_err());
    }
}
