//! Which modes the remote side has switched on in our terminal, so that a lost session does not leave them behind.
//!
//! A full-screen program that is cut off never sends its farewell: the terminal keeps the alternate screen, reports
//! mouse movements to the shell as garbage, and hides the cursor. This tracker reads what is sent to the terminal and
//! knows the farewell that is owed. It is no terminal emulator: it knows the modes that hurt, and nothing else.

/// Parameters longer than this are no mode change that we track.
const MAX_PARAMS: usize = 64;

/// Private modes that are off in a terminal at rest, in the order in which they are undone: what reports input first,
/// the alternate screen last, because leaving it also brings back the cursor of the main screen.
const OFF_AT_REST: [u16; 17] =
    [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 9, 2004, 2026, 1, 66, 47, 1047, 1049];

/// DECTCEM, the visible cursor: the one tracked private mode that is on at rest.
const CURSOR: u16 = 25;

/// The modes of one terminal as changed by the output seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct ScreenModes {
    state: State,
    params: Vec<u8>,
    /// Bit n is set while `OFF_AT_REST[n]` is on.
    on: u32,
    cursor_hidden: bool,
    keypad: bool,
    /// Depth of the stack of keyboard enhancements (the kitty protocol, which fish and editors use).
    keyboard_depth: u8,
    keyboard_flags: bool,
    modify_other_keys: bool,
    line_drawing: bool,
    styled: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    Charset,
    Csi,
    /// A control sequence too long to be one of ours; skipped to its final byte.
    Skip,
}

impl ScreenModes {
    /// A terminal at rest.
    pub(super) const fn new() -> Self {
        Self {
            state: State::Ground,
            params: Vec::new(),
            on: 0,
            cursor_hidden: false,
            keypad: false,
            keyboard_depth: 0,
            keyboard_flags: false,
            modify_other_keys: false,
            line_drawing: false,
            styled: false,
        }
    }

    /// Reads output on its way to the terminal. Sequences may be split anywhere between calls.
    pub(super) fn track(&mut self, mut output: &[u8]) {
        while !output.is_empty() {
            if self.state == State::Ground {
                let Some(escape) = output.iter().position(|&b| b == 0x1b) else { return };
                output = &output[escape + 1..];
                self.state = State::Escape;
                continue;
            }
            self.step(output[0]);
            output = &output[1..];
        }
    }

    /// What to send to bring the terminal back to rest; empty when it is at rest.
    pub(super) fn undo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (bit, mode) in OFF_AT_REST.iter().enumerate() {
            if self.on & (1 << bit) == 0 {
                continue;
            }
            if *mode == 1049 {
                // A scrolling region outlives the alternate screen; resetting it moves the cursor, which 1049 restores.
                out.extend_from_slice(b"\x1b[r");
            }
            out.extend_from_slice(format!("\x1b[?{mode}l").as_bytes());
        }
        if self.keypad {
            out.extend_from_slice(b"\x1b>");
        }
        if self.keyboard_depth > 0 {
            // Terminals keep one stack for each screen, so this follows the return to the main one as well.
            out.splice(0..0, format!("\x1b[<{}u", self.keyboard_depth).into_bytes());
            out.extend_from_slice(format!("\x1b[<{}u", self.keyboard_depth).as_bytes());
        }
        if self.keyboard_flags {
            out.extend_from_slice(b"\x1b[=0;1u");
        }
        if self.modify_other_keys {
            out.extend_from_slice(b"\x1b[>4m");
        }
        if self.line_drawing {
            out.extend_from_slice(b"\x1b(B");
        }
        if self.styled {
            out.extend_from_slice(b"\x1b[m");
        }
        if self.cursor_hidden {
            out.extend_from_slice(b"\x1b[?25h");
        }
        out
    }

    /// What to send after [`Self::undo`] to have the modes of the remote program again, for one that goes on after a
    /// suspension. Its screen is not kept; programs draw it anew.
    pub(super) fn redo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (bit, mode) in OFF_AT_REST.iter().enumerate().rev() {
            if self.on & (1 << bit) != 0 {
                out.extend_from_slice(format!("\x1b[?{mode}h").as_bytes());
            }
        }
        if self.keypad {
            out.extend_from_slice(b"\x1b=");
        }
        if self.cursor_hidden {
            out.extend_from_slice(b"\x1b[?25l");
        }
        out
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            // CAN and SUB abort a sequence, ESC starts another.
            (_, 0x18 | 0x1a) => State::Ground,
            (_, 0x1b) => State::Escape,
            (State::Escape, b'[') => {
                self.params.clear();
                State::Csi
            }
            (State::Escape, b'(') => State::Charset,
            (State::Escape, _) => {
                self.escape(byte);
                State::Ground
            }
            (State::Charset, _) => {
                self.line_drawing = byte == b'0';
                State::Ground
            }
            (State::Csi, 0x40..=0x7e) => {
                self.control(byte);
                State::Ground
            }
            (State::Csi, _) if self.params.len() == MAX_PARAMS => State::Skip,
            (State::Csi, _) => {
                self.params.push(byte);
                State::Csi
            }
            (State::Skip, 0x40..=0x7e) => State::Ground,
            (state, _) => state,
        };
    }

    fn escape(&mut self, last: u8) {
        match last {
            b'=' => self.keypad = true,
            b'>' => self.keypad = false,
            // RIS, a full reset.
            b'c' => *self = Self::new(),
            _ => {}
        }
    }

    fn control(&mut self, last: u8) {
        let params = std::mem::take(&mut self.params);
        match (params.first(), last) {
            (Some(b'?'), b'h' | b'l') => {
                for mode in numbers(&params[1..]) {
                    self.private_mode(mode, last == b'h');
                }
            }
            (Some(b'>'), b'u') => self.keyboard_depth = self.keyboard_depth.saturating_add(1),
            (Some(b'<'), b'u') => {
                let count = numbers(&params[1..]).next().unwrap_or(1).max(1);
                self.keyboard_depth = self.keyboard_depth.saturating_sub(count.min(255) as u8);
            }
            (Some(b'='), b'u') => self.keyboard_flags = numbers(&params[1..]).next() != Some(0),
            (Some(b'>'), b'm') => {
                let mut numbers = numbers(&params[1..]);
                if numbers.next() == Some(4) {
                    self.modify_other_keys = !matches!(numbers.next(), None | Some(0));
                }
            }
            (None | Some(b'0'..=b'9' | b';' | b':'), b'm') => self.styled = !matches!(params.as_slice(), b"" | b"0"),
            // DECSTR, a soft reset.
            (Some(b'!'), b'p') => {
                self.cursor_hidden = false;
                self.keypad = false;
                self.line_drawing = false;
                self.styled = false;
                self.private_mode(1, false);
            }
            _ => {}
        }
        self.params = params;
    }

    fn private_mode(&mut self, mode: u16, on: bool) {
        if mode == CURSOR {
            self.cursor_hidden = !on;
        } else if let Some(bit) = OFF_AT_REST.iter().position(|&m| m == mode) {
            self.on = if on { self.on | (1 << bit) } else { self.on & !(1 << bit) };
        }
    }
}

/// The numeric parameters; one that is empty or no number counts as 0, as terminals take it.
fn numbers(params: &[u8]) -> impl Iterator<Item = u16> + '_ {
    params
        .split(|&b| b == b';')
        .map(|number| std::str::from_utf8(number).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
