//! The escape keys of an interactive session, as ssh has them: `~.` `~^Z` `~?` `~~` after a newline.
//!
//! Pure: typed bytes in, bytes for the remote side and commands out. Inside a bracketed paste nothing is an escape, so
//! that a pasted text cannot end the session that it is pasted into.

use bytes::Bytes;

/// What precedes pasted text when the remote program asked for bracketed paste (xterm, mode 2004).
const PASTE_START: &[u8; 6] = b"\x1b[200~";
/// What follows pasted text.
const PASTE_END: &[u8; 6] = b"\x1b[201~";
/// Ctrl-Z.
const CTRL_Z: u8 = 0x1a;

/// What a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Bytes for the remote side; never empty.
    Data(Bytes),
    /// `~.`: end the session. Nothing follows it.
    Disconnect,
    /// `~^Z`: suspend ssmx.
    Suspend,
    /// `~?`: say which escape keys there are.
    Help,
}

/// Finds the escape keys in typed bytes, which may be split anywhere between reads.
#[derive(Debug, Clone)]
pub struct EscapeKeys {
    escape: Option<u8>,
    at_line_start: bool,
    /// The escape character was typed and waits for what follows.
    held: bool,
    pasting: bool,
    /// How many bytes of the next paste mark have been seen.
    mark: usize,
    done: bool,
}

impl EscapeKeys {
    /// Escapes begin with `escape`; with `None` every byte passes.
    pub fn new(escape: Option<u8>) -> Self {
        Self { escape, at_line_start: true, held: false, pasting: false, mark: 0, done: false }
    }

    /// The text that answers `~?`, for a terminal in raw mode; empty without an escape character.
    pub fn help(&self) -> String {
        let Some(escape) = self.escape else { return String::new() };
        let name = name(escape);
        format!(
            "{name}?\r\n\
             Escape keys, recognised at the start of a line:\r\n\
             \x20{name}.   end the session\r\n\
             \x20{name}^Z  suspend ssmx\r\n\
             \x20{name}?   this help\r\n\
             \x20{name}{name}   send {name}\r\n"
        )
    }

    /// Takes typed bytes apart, in order. After [`Typed::Disconnect`] all further bytes are dropped.
    pub fn read(&mut self, typed: Bytes) -> Vec<Typed> {
        let Some(escape) = self.escape else {
            return if typed.is_empty() { Vec::new() } else { vec![Typed::Data(typed)] };
        };

        let mut out = Vec::new();
        // The bytes from here to the current one are still to be handed on.
        let mut start = 0;
        for (at, &byte) in typed.iter().enumerate() {
            if self.done {
                return out;
            }
            if self.held {
                self.held = false;
                start = at + 1;
                match byte {
                    b'.' => {
                        self.done = true;
                        out.push(Typed::Disconnect);
                        continue;
                    }
                    CTRL_Z => {
                        out.push(Typed::Suspend);
                        continue;
                    }
                    b'?' => {
                        out.push(Typed::Help);
                        continue;
                    }
                    _ if byte == escape => {}
                    // Not ours after all: the escape character is sent, and what follows it.
                    _ => out.push(Typed::Data(Bytes::copy_from_slice(&[escape]))),
                }
                start = at;
            } else if byte == escape && self.at_line_start && !self.pasting {
                push(&mut out, typed.slice(start..at));
                start = at + 1;
                self.held = true;
                continue;
            }
            self.follow(byte);
        }
        if !self.done {
            push(&mut out, typed.slice(start..));
        }
        out
    }

    /// What is still held when the input ends.
    pub fn finish(&mut self) -> Option<Bytes> {
        let escape = self.escape.filter(|_| self.held)?;
        self.held = false;
        Some(Bytes::copy_from_slice(&[escape]))
    }

    /// Notes where a byte that was handed on leaves us: at the start of a line, or inside a paste.
    fn follow(&mut self, byte: u8) {
        self.at_line_start = matches!(byte, b'\r' | b'\n');
        let mark = if self.pasting { PASTE_END } else { PASTE_START };
        self.mark = match self.mark {
            seen if mark[seen] == byte => seen + 1,
            _ if byte == mark[0] => 1,
            _ => 0,
        };
        if self.mark == mark.len() {
            self.pasting = !self.pasting;
            self.mark = 0;
        }
    }
}

fn push(out: &mut Vec<Typed>, data: Bytes) {
    if !data.is_empty() {
        out.push(Typed::Data(data));
    }
}

/// The name of a key as ssh writes it: `~`, `^]`.
fn name(key: u8) -> String {
    match key {
        0x00..=0x1f => format!("^{}", (key + 0x40) as char),
        0x7f => "^?".to_owned(),
        _ => (key as char).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads in the given pieces; neighbouring data is joined.
    fn read(escape: Option<u8>, pieces: &[&[u8]]) -> Vec<Typed> {
        let mut keys = EscapeKeys::new(escape);
        let mut out: Vec<Typed> = Vec::new();
        let mut all: Vec<Typed> = pieces.iter().flat_map(|piece| keys.read(Bytes::copy_from_slice(piece))).collect();
        all.extend(keys.finish().map(Typed::Data));
        for typed in all {
            match (out.last_mut(), typed) {
                (Some(Typed::Data(last)), Typed::Data(data)) => *last = [last.as_ref(), &data].concat().into(),
                (_, typed) => out.push(typed),
            }
        }
        out
    }

    fn data(bytes: &[u8]) -> Typed {
        Typed::Data(Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn escapes_are_recognised_at_the_start_and_after_a_newline() {
        assert_eq!(read(Some(b'~'), &[b"~."]), [Typed::Disconnect]);
        assert_eq!(read(Some(b'~'), &[b"ls\r~."]), [data(b"ls\r"), Typed::Disconnect]);
        assert_eq!(read(Some(b'~'), &[b"ls\n~\x1afg\r"]), [data(b"ls\n"), Typed::Suspend, data(b"fg\r")]);
        assert_eq!(read(Some(b'~'), &[b"~?~?~."]), [Typed::Help, Typed::Help, Typed::Disconnect]);
        assert_eq!(read(Some(b'%'), &[b"~.\r%."]), [data(b"~.\r"), Typed::Disconnect]);
    }

    #[test]
    fn elsewhere_a_tilde_is_a_tilde() {
        assert_eq!(read(Some(b'~'), &[b"cd ~.\r"]), [data(b"cd ~.\r")]);
        assert_eq!(read(Some(b'~'), &[b"~~.\r"]), [data(b"~.\r")]);
        assert_eq!(read(Some(b'~'), &[b"~/bin/x\r"]), [data(b"~/bin/x\r")]);
        assert_eq!(read(Some(b'~'), &[b"\r~\r~."]), [data(b"\r~\r"), Typed::Disconnect]);
        assert_eq!(read(Some(b'~'), &[b"ls\r~"]), [data(b"ls\r~")]);
    }

    #[test]
    fn the_held_tilde_waits_for_the_next_read() {
        let mut keys = EscapeKeys::new(Some(b'~'));
        assert_eq!(keys.read(Bytes::from_static(b"\r~")), [data(b"\r")]);
        assert_eq!(keys.read(Bytes::new()), []);
        assert_eq!(keys.read(Bytes::from_static(b"x")), [data(b"~"), data(b"x")]);
    }

    #[test]
    fn nothing_follows_a_disconnect() {
        let mut keys = EscapeKeys::new(Some(b'~'));
        assert_eq!(keys.read(Bytes::from_static(b"~.rm -rf\r")), [Typed::Disconnect]);
        assert_eq!(keys.read(Bytes::from_static(b"more")), []);
        assert_eq!(keys.finish(), None);
    }

    #[test]
    fn a_paste_holds_no_escapes() {
        let paste = b"\x1b[200~a\r~.\n~?\x1b[201~";
        let typed = [paste.as_slice(), b"\r~."].concat();
        for cut in 0..typed.len() {
            let (head, tail) = typed.split_at(cut);
            let expected = [data(&[paste.as_slice(), b"\r"].concat()), Typed::Disconnect];
            assert_eq!(read(Some(b'~'), &[head, tail]), expected, "cut at {cut}");
        }
        // A mark that almost comes, then comes.
        assert_eq!(read(Some(b'~'), &[b"\x1b[20\x1b[200~\r~."]), [data(b"\x1b[20\x1b[200~\r~.")]);
    }

    #[test]
    fn help_names_the_key_and_fits_a_raw_terminal() {
        let help = EscapeKeys::new(Some(0x1d)).help();
        assert!(help.contains("^]."), "{help}");
        assert_eq!(help.matches('\n').count(), help.matches("\r\n").count());
        assert_eq!(EscapeKeys::new(None).help(), "");
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let byte = prop_oneof![Just(b'~'), Just(b'\r'), Just(b'\n'), Just(b'.'), Just(0x1b), any::<u8>()];
        proptest::collection::vec(proptest::collection::vec(byte, 0..12), 0..12)
    }

    fn slices(pieces: &[Vec<u8>]) -> Vec<&[u8]> {
        pieces.iter().map(Vec::as_slice).collect()
    }

    proptest! {
        #[test]
        fn without_an_escape_every_byte_passes(pieces in pieces()) {
            let whole = pieces.concat();
            let expected: Vec<_> = (!whole.is_empty()).then(|| data(&whole)).into_iter().collect();
            prop_assert_eq!(read(None, &slices(&pieces)), expected);
        }

        #[test]
        fn without_a_tilde_at_a_line_start_every_byte_passes(mut pieces in pieces()) {
            let mut last = b'\n';
            for byte in pieces.iter_mut().flatten() {
                if *byte == b'~' && matches!(last, b'\r' | b'\n') {
                    *byte = b'-';
                }
                last = *byte;
            }
            let whole = pieces.concat();
            let expected: Vec<_> = (!whole.is_empty()).then(|| data(&whole)).into_iter().collect();
            prop_assert_eq!(read(Some(b'~'), &slices(&pieces)), expected);
        }

        #[test]
        fn how_input_is_split_makes_no_difference(pieces in pieces()) {
            let whole = pieces.concat();
            prop_assert_eq!(read(Some(b'~'), &slices(&pieces)), read(Some(b'~'), &[&whole]));
        }
    }
}
