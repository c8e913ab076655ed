//! The escape keys of an interactive session, as ssh has them: `~.` `~^Z` `~?` `~~` after a newline.
//!
//! Pure: typed bytes in, bytes for the remote side and commands out. Inside a bracketed paste nothing is an escape, so
//! that a pasted text cannot end the session that it is pasted into.

use bytes::Bytes;

/// What precedes pasted text when the remote program asked for bracketed paste (xterm, mode 2004).
const PASTE_START: &[u8; 6] = b"\x1b[200~";
/// What follows pasted text.
const PASTE_END: &[u8; 6] = b"\x1b[201~";
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
mod tests;
