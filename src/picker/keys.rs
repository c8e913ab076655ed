//! [`Decoder`]: from the bytes of a terminal to keys.
//!
//! Byte by byte, so that not one is taken from the terminal that comes after the key that ends the picker: it is left to
//! the next reader. Libraries that read events take what there is.

/// The most of a paste that is looked at, in bytes.
const MOST_PASTED: usize = 4096;

/// The longest sequence of a key, in bytes; a longer one is not a key.
const MOST_SEQUENCE: usize = 32;

const PASTE_END: &[u8] = b"\x1b[201~";

/// A key as the picker knows it, or pasted text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Key {
    Char(char),
    /// With Ctrl, in lower case.
    Ctrl(char),
    /// With Alt.
    Alt(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    /// With Alt.
    AltBackspace,
    Delete,
    Left,
    Right,
    /// With Ctrl or Alt.
    WordLeft,
    WordRight,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    /// Text that was pasted.
    Paste(String),
}

/// Makes keys of bytes.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    state: State,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// In a character of so many bytes.
    Utf8(usize),
    Escape,
    Csi,
    Ss3,
    Paste,
}

impl Decoder {
    /// Takes a byte; returns the key that it completes. An unknown key is swallowed.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Key> {
        match self.state {
            State::Ground => self.begin(byte),
            State::Utf8(length) => {
                if byte & 0xc0 != 0x80 {
                    self.reset();
                    return self.begin(byte);
                }
                self.bytes.push(byte);
                if self.bytes.len() < length {
                    return None;
                }
                let key = std::str::from_utf8(&self.bytes).ok().and_then(|text| text.chars().next()).map(Key::Char);
                self.reset();
                key
            }
            State::Escape => match byte {
                b'[' => self.go_on(State::Csi),
                b'O' => self.go_on(State::Ss3),
                // Of two, the second may begin something.
                0x1b => Some(Key::Esc),
                _ => {
                    self.reset();
                    Some(match self.begin(byte)? {
                        Key::Char(c) => Key::Alt(c),
                        Key::Backspace => Key::AltBackspace,
                        other => other,
                    })
                }
            },
            State::Csi => match byte {
                0x40..=0x7e => {
                    let key = control_sequence(&self.bytes, byte);
                    let is_paste = byte == b'~' && self.bytes == b"200";
                    self.reset();
                    if is_paste {
                        self.state = State::Paste;
                    }
                    key
                }
                0x20..=0x3f if self.bytes.len() < MOST_SEQUENCE => {
                    self.bytes.push(byte);
                    None
                }
                0x20..=0x3f => None,
                // It was cut short.
                _ => {
                    self.reset();
                    self.begin(byte)
                }
            },
            State::Ss3 => {
                self.reset();
                match byte {
                    b'M' => Some(Key::Enter),
                    _ => control_sequence(&[], byte),
                }
            }
            State::Paste => {
                self.bytes.push(byte);
                if !self.bytes.ends_with(PASTE_END) {
                    // What is too much goes, but not what may be the end.
                    if self.bytes.len() > MOST_PASTED + PASTE_END.len() {
                        self.bytes.remove(MOST_PASTED);
                    }
                    return None;
                }
                let text = String::from_utf8_lossy(&self.bytes[..self.bytes.len() - PASTE_END.len()]).into_owned();
                self.reset();
                Some(Key::Paste(text))
            }
        }
    }

    /// Whether the next byte decides what the last one was. When none comes within a moment it was the key Esc: see
    /// [`Self::timeout`].
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, State::Escape | State::Csi | State::Ss3)
    }

    /// Nothing more came.
    pub(crate) fn timeout(&mut self) -> Option<Key> {
        let key = match self.state {
            State::Ground | State::Utf8(_) | State::Paste => return None,
            State::Escape => Some(Key::Esc),
            State::Csi => Some(Key::Alt('[')).filter(|_| self.bytes.is_empty()),
            State::Ss3 => Some(Key::Alt('O')),
        };
        self.reset();
        key
    }

    fn begin(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b'\r' => Key::Enter,
            b'\t' => Key::Tab,
            0x7f | 0x08 => Key::Backspace,
            0x1b => return self.go_on(State::Escape),
            0 => Key::Ctrl(' '),
            0x01..=0x1a => Key::Ctrl((byte - 1 + b'a') as char),
            0x1c..=0x1f => Key::Ctrl((byte - 0x1c + b'\\') as char),
            0x20..=0x7e => Key::Char(byte as char),
            0xc2..=0xf4 => {
                self.bytes.push(byte);
                self.state = State::Utf8(match byte {
                    0xc2..=0xdf => 2,
                    0xe0..=0xef => 3,
                    _ => 4,
                });
                return None;
            }
            // No character begins so.
            _ => return None,
        })
    }

    fn go_on(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }

    fn reset(&mut self) {
        self.state = State::Ground;
        self.bytes.clear();
    }
}

/// The key of a control sequence, by its parameters and its last byte.
fn control_sequence(parameters: &[u8], last: u8) -> Option<Key> {
    let text = std::str::from_utf8(parameters).ok()?;
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().unwrap_or(1));
    let first = numbers.next().unwrap_or(1);
    // One more than the bits of Shift, Alt, Ctrl.
    let modified = numbers.next().unwrap_or(1).saturating_sub(1) & 0b110 != 0;
    Some(match (last, first) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) if modified => Key::WordRight,
        (b'C', _) => Key::Right,
        (b'D', _) if modified => Key::WordLeft,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', 1 | 7) => Key::Home,
        (b'F', _) | (b'~', 4 | 8) => Key::End,
        (b'Z', _) => Key::BackTab,
        (b'~', 3) => Key::Delete,
        (b'~', 5) => Key::PageUp,
        (b'~', 6) => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        let mut keys: Vec<Key> = bytes.iter().filter_map(|byte| decoder.push(*byte)).collect();
        keys.extend(decoder.timeout());
        keys
    }

    #[test]
    fn keys_of_usual_terminals() {
        use Key::*;
        assert_eq!(keys(b"a\r\t\x7f\x08\x03"), [Char('a'), Enter, Tab, Backspace, Backspace, Ctrl('c')]);
        assert_eq!(keys("é日𝄞".as_bytes()), [Char('é'), Char('日'), Char('𝄞')]);
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[1;5C\x1b[1;3D\x1b[D"), [Up, Down, WordRight, WordLeft, Left]);
        assert_eq!(
            keys(b"\x1b[H\x1b[4~\x1b[5~\x1b[6~\x1b[3~\x1b[Z\x1bOM"),
            [Home, End, PageUp, PageDown, Delete, BackTab, Enter]
        );
        assert_eq!(keys(b"\x1bb\x1b\x7f\x1bf"), [Alt('b'), AltBackspace, Alt('f')]);
        assert_eq!(keys(b"\0\x1f\x0a"), [Ctrl(' '), Ctrl('_'), Ctrl('j')]);
    }

    #[test]
    fn an_escape_alone_is_the_key() {
        assert_eq!(keys(b"\x1b"), [Key::Esc]);
        assert_eq!(keys(b"\x1b\x1b"), [Key::Esc, Key::Esc]);
        assert_eq!(keys(b"\x1b\x1b[A"), [Key::Esc, Key::Up]);
        let mut decoder = Decoder::default();
        assert!(decoder.push(0x1b).is_none() && decoder.is_undecided());
        assert_eq!((decoder.timeout(), decoder.is_undecided(), decoder.timeout()), (Some(Key::Esc), false, None));
    }

    #[test]
    fn what_is_not_known_is_swallowed_as_a_whole() {
        assert_eq!(keys(b"\x1b[<0;12;7Mx\x1b[Iy\x1b[?1;2cz\x1b[99~"), [Key::Char('x'), Key::Char('y'), Key::Char('z')]);
        assert_eq!(keys(b"\xff\xc3(\x80a"), [Key::Char('('), Key::Char('a')]);
        assert_eq!(keys(b"\x1b[12\ra"), [Key::Enter, Key::Char('a')]);
    }

    #[test]
    fn a_paste_is_no_typing() {
        assert_eq!(keys(b"\x1b[200~a\rb\x1b[A\x1b[201~c"), [Key::Paste("a\rb\x1b[A".into()), Key::Char('c')]);
        let long = [b"\x1b[200~".to_vec(), vec![b'x'; 100_000], b"\x1b[201~\r".to_vec()].concat();
        let [Key::Paste(pasted), Key::Enter] = &keys(&long)[..] else { panic!("no paste and a key") };
        assert!((MOST_PASTED..=MOST_PASTED + 1).contains(&pasted.len()), "{}", pasted.len());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            for byte in bytes {
                let _ = decoder.push(byte);
                prop_assert!(decoder.bytes.len() <= MOST_PASTED + PASTE_END.len() + 1);
            }
        }
    }
}
