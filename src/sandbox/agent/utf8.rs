//! The real agent's way of cutting output at character boundaries, with its flaws.
//!
//! The agent reads characters from each chunk and keeps back what may be the beginning of one. Its test for that is
//! rough: anything undecodable within the last three bytes is kept, and U+FFFD counts as undecodable. So what is kept
//! at the end of the stream is lost, and of a genuine U+FFFD only the first byte is passed on. Clients have to cope.

use bytes::Bytes;

/// The longest character, in bytes.
const LONGEST: usize = 4;

const REPLACEMENT: char = '\u{FFFD}';

/// Passes a stream of bytes on in chunks that end between characters.
#[derive(Debug, Default)]
pub(crate) struct Utf8Cutter {
    /// At most three bytes of output, and a prefix.
    held: Vec<u8>,
}

impl Utf8Cutter {
    /// Puts bytes of the agent's own in front of the next chunk.
    pub(crate) fn prefix(&mut self, prefix: &str) {
        self.held.extend_from_slice(prefix.as_bytes());
    }

    /// What the agent sends when it has read `chunk`; sometimes nothing.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Bytes {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        let mut passed = Vec::with_capacity(bytes.len());
        let mut at = 0;
        'chunk: loop {
            let mut valid = valid_prefix(&bytes[at..]);
            while let Some(before) = valid.find(REPLACEMENT) {
                passed.extend_from_slice(&bytes[at..at + before]);
                at += before;
                if bytes.len() - at < LONGEST {
                    break 'chunk;
                }
                passed.push(bytes[at]);
                at += REPLACEMENT.len_utf8();
                valid = &valid[before + REPLACEMENT.len_utf8()..];
            }
            passed.extend_from_slice(valid.as_bytes());
            at += valid.len();
            if bytes.len() - at < LONGEST {
                break;
            }
            passed.push(bytes[at]);
            at += 1;
        }
        self.held.extend_from_slice(&bytes[at..]);
        passed.into()
    }
}

/// The characters before the first byte that belongs to none.
fn valid_prefix(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(all) => all,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&[u8]]) -> Vec<Bytes> {
        let mut cutter = Utf8Cutter::default();
        chunks.iter().map(|chunk| cutter.push(chunk)).collect()
    }

    #[test]
    fn characters_stay_whole_wherever_the_chunks_end() {
        let text = "aé€😀 – ß\n".repeat(20);
        for size in 1..40 {
            let chunks: Vec<_> = text.as_bytes().chunks(size).collect();
            let passed = cut(&chunks);
            assert_eq!(passed.concat(), text.as_bytes(), "chunks of {size}");
            assert!(passed.iter().all(|chunk| std::str::from_utf8(chunk).is_ok()), "chunks of {size}");
        }
    }

    #[test]
    fn an_unfinished_character_is_lost_at_the_end() {
        assert_eq!(cut(&[b"ab\xe2\x82"]).concat(), b"ab");
        assert_eq!(cut(&[b"ab\xff"]).concat(), b"ab");
        assert_eq!(cut(&[b"\xffabc"]).concat(), b"\xffabc");
        assert_eq!(cut(&[b"\xffab"]).concat(), b"", "the whole rest is kept from the first bad byte on");
        assert_eq!(cut(&[b"\xffab", b"c"]).concat(), b"\xffabc");
    }

    #[test]
    fn other_invalid_bytes_pass() {
        let bytes = b"\x80\xc0\xaf\xed\xa0\x80\xf5\xfe\xff text";
        assert_eq!(cut(&[bytes]).concat(), bytes);
    }

    #[test]
    fn of_a_replacement_character_one_byte_arrives() {
        assert_eq!(cut(&["a\u{FFFD}bcd".as_bytes()]).concat(), b"a\xefbcd");
        assert_eq!(cut(&["a\u{FFFD}".as_bytes()]).concat(), b"a");
        assert_eq!(cut(&["a\u{FFFD}".as_bytes(), b"b"]).concat(), b"a\xefb");
    }

    #[test]
    fn random_bytes_lose_at_most_three_at_the_end() {
        let mut state = 1_u32;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(2048)
        .collect();
        let passed = cut(&bytes.chunks(100).collect::<Vec<_>>()).concat();
        assert!(bytes.starts_with(&passed) && passed.len() >= bytes.len() - 3);
    }
}
