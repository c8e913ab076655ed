//! What the remote side has changed in our terminal, so that a lost session does not leave it behind.
//!
//! A full-screen program that is cut off never sends its farewell: the terminal keeps the alternate screen, reports
//! mouse movements to the shell as garbage, and hides the cursor. This tracker reads what is sent to the terminal and
//! knows the farewell that is owed: what was changed and not changed back, and nothing else. A soft reset (`ESC [ ! p`)
//! would be shorter, but it also undoes what the person chose, and not half of what is here.
//!
//! It is no terminal emulator. Left alone is what differs from terminal to terminal at rest, such as the blinking of the
//! cursor (12) and what Alt and the wheel send (1007, 1034–1039), and what each prompt sets anew, such as the title.

mod keyboard;
mod parser;

use keyboard::Keyboard;
use parser::{Parser, Sequence};

/// Private modes that are off in a terminal at rest, in the order in which they are undone: first what withholds output
/// (2026), then what sends input by itself. The first [`REPORTS`] of them do.
const OFF_AT_REST: [u16; 27] = [
    1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 9, 2031, 2048,
    9001, // reports, and keys as Windows has them
    2026, 2004, 5522, 2027, 1, 66, 67, 5, 4, 45, 69, 80, 3, 40,
];

/// How many of [`OFF_AT_REST`] make the terminal send what nobody typed, or keys in another form.
const REPORTS: usize = 13;

/// Private modes that are on in a terminal at rest: wrapping, repeating keys, the cursor.
const ON_AT_REST: [u16; 3] = [7, 8, 25];

/// ANSI modes, and whether they are on at rest: the keyboard is locked, insert, no local echo, line feeds.
const ANSI: [(u16, bool); 4] = [(2, false), (4, false), (12, true), (20, false)];

/// The modes that show the alternate screen. The last one also keeps the cursor of the main screen.
const ALTERNATE: [u16; 3] = [47, 1047, 1049];

/// DECOM: positions count from the scrolling region.
const ORIGIN: u16 = 6;

/// DECANM: off, the terminal is a VT52.
const ANSI_MODE: u16 = 2;

/// Titles that terminals keep for a program.
const MAX_TITLES: u16 = 10;

/// The colours of text, background, cursor and selection, by the number that changes them; 100 more changes them back.
const COLOURS: std::ops::RangeInclusive<u16> = 10..=19;

/// The terminal as changed by the output seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct ScreenModes {
    parser: Parser,
    /// Lines of the screen, if they are known.
    rows: Option<u16>,
    private: Private,
    /// As it was saved by XTSAVE.
    saved: Private,
    /// Bit n is set while `ANSI[n]` is not as at rest.
    ansi: u8,
    vt52: bool,
    keypad: bool,
    /// Of the main screen and of the alternate one.
    keyboards: [Keyboard; 2],
    /// Values of modifyOtherKeys and its kin.
    modifiers: [u16; 8],
    /// The sets that G0 to G3 stand for, if not ASCII; and which of them is in use.
    charsets: [Option<u8>; 4],
    shift: u8,
    latin: bool,
    eight_bit: bool,
    styled: bool,
    /// The first and the last line that scroll.
    region: Option<(u16, u16)>,
    cursor_shape: u16,
    tabs: bool,
    printing: bool,
    auto_printing: bool,
    status_line: bool,
    titles: u16,
    palette: bool,
    /// Bit n is set while colour 10 + n is changed.
    colours: u16,
    hyperlink: bool,
    pointer: bool,
    progress: bool,
}

/// Private modes.
#[derive(Debug, Clone, Copy, Default)]
struct Private {
    /// Bit n is set while `OFF_AT_REST[n]` is on.
    on: u32,
    /// Bit n is set while `ON_AT_REST[n]` is off.
    off: u8,
    origin: bool,
    /// The mode that shows the alternate screen; 0 on the main one.
    alternate: u16,
}

/// Something that was changed: how it is changed back, and again.
struct Owed {
    undo: String,
    redo: String,
}

impl ScreenModes {
    /// A terminal at rest.
    pub(super) const fn new() -> Self {
        const REST: Keyboard = Keyboard::new();
        Self {
            parser: Parser::new(),
            rows: None,
            private: Private { on: 0, off: 0, origin: false, alternate: 0 },
            saved: Private { on: 0, off: 0, origin: false, alternate: 0 },
            ansi: 0,
            vt52: false,
            keypad: false,
            keyboards: [REST; 2],
            modifiers: [0; 8],
            charsets: [None; 4],
            shift: 0,
            latin: false,
            eight_bit: false,
            styled: false,
            region: None,
            cursor_shape: 0,
            tabs: false,
            printing: false,
            auto_printing: false,
            status_line: false,
            titles: 0,
            palette: false,
            colours: 0,
            hyperlink: false,
            pointer: false,
            progress: false,
        }
    }

    /// The number of lines of the screen: a scrolling region of all of them is none.
    pub(super) fn set_rows(&mut self, rows: Option<u16>) {
        self.rows = rows;
    }

    /// Reads output on its way to the terminal. Sequences may be split anywhere between calls.
    pub(super) fn track(&mut self, mut output: &[u8]) {
        let mut parser = std::mem::take(&mut self.parser);
        while !output.is_empty() {
            output = parser.next(output, |sequence| match sequence {
                Sequence::Shift(byte) => self.shift = u8::from(byte == 0x0e),
                Sequence::Escape(between, last) => self.escape(between, last),
                Sequence::Control(params, between, last) => self.control(params, between, last),
                Sequence::Command(text) => self.command(text),
            });
        }
        self.parser = parser;
    }

    /// What to send to bring the terminal back to rest; empty when it is at rest.
    pub(super) fn undo(&self) -> Vec<u8> {
        self.owed().into_iter().map(|owed| owed.undo).collect::<String>().into_bytes()
    }

    /// What to send after [`Self::undo`] to have the modes of the remote program again, for one that goes on after a
    /// suspension. Its screen and its colours are not kept; programs draw anew.
    pub(super) fn redo(&self) -> Vec<u8> {
        self.owed().into_iter().rev().map(|owed| owed.redo).collect::<String>().into_bytes()
    }

    /// Whether the terminal may have sent what nobody typed, or keys in another form than the shell knows.
    pub(super) fn has_reported(&self) -> bool {
        self.private.on & ((1 << REPORTS) - 1) != 0
            || self.modifiers != [0; 8]
            || self.eight_bit
            || self.keyboards.iter().any(|keyboard| !keyboard.is_at_rest())
    }

    /// All that was changed, in the order in which it is undone.
    fn owed(&self) -> Vec<Owed> {
        let mut all = Vec::new();
        let mut owe = |is_owed: bool, undo: &str, redo: &str| {
            if is_owed {
                all.push(Owed { undo: undo.to_owned(), redo: redo.to_owned() });
            }
        };
        // CAN ends what has begun, and the end of a string what CAN does not.
        owe(self.parser.is_within(), "\x18\x1b\\", "");
        owe(self.vt52, "\x1b<", "\x1b[?2l");
        owe(self.latin, "\x1b%G", "\x1b%@");
        owe(self.eight_bit, "\x1b F", "\x1b G");
        owe(self.printing, "\x1b[4i", "\x1b[5i");
        owe(self.auto_printing, "\x1b[?4i", "\x1b[?5i");
        owe(self.status_line, "\x1b[0$}", "\x1b[1$}");
        for (bit, mode) in OFF_AT_REST.iter().enumerate() {
            owe(self.private.on & (1 << bit) != 0, &format!("\x1b[?{mode}l"), &format!("\x1b[?{mode}h"));
        }

        let [main, other] = &self.keyboards;
        let alternate = self.private.alternate;
        if alternate != 0 {
            // What moves the cursor comes first: leaving brings back that of the main screen.
            owe(self.private.origin, "\x1b[?6l", "\x1b[?6h");
            let (top, bottom) = self.region.unwrap_or_default();
            owe(self.region.is_some(), "\x1b[r", &format!("\x1b[{top};{bottom}r"));
            owe(!other.is_at_rest(), &other.undo(), &other.redo());
            owe(true, &format!("\x1b[?{alternate}l"), &format!("\x1b[?{alternate}h"));
        } else if let Some((top, bottom)) = self.region.filter(|_| !self.private.origin) {
            owe(true, "\x1b7\x1b[r\x1b8", &format!("\x1b7\x1b[{top};{bottom}r\x1b8"));
        } else if self.private.origin {
            // Where the cursor was is not known. Below all lines it overwrites none.
            let region = self.region.map(|(top, bottom)| format!("\x1b[{top};{bottom}r")).unwrap_or_default();
            owe(true, "\x1b[?6l\x1b[r\x1b[999;1H", &format!("{region}\x1b[?6h"));
        }
        owe(!main.is_at_rest(), &main.undo(), &main.redo());

        for (bit, (mode, at_rest)) in ANSI.iter().enumerate() {
            let (undo, redo) = if *at_rest { ('h', 'l') } else { ('l', 'h') };
            owe(self.ansi & (1 << bit) != 0, &format!("\x1b[{mode}{undo}"), &format!("\x1b[{mode}{redo}"));
        }
        owe(self.keypad, "\x1b>", "\x1b=");
        for (which, value) in self.modifiers.iter().enumerate() {
            owe(*value != 0, &format!("\x1b[>{which}m"), &format!("\x1b[>{which};{value}m"));
        }
        owe(self.tabs, "\x1b[?5W", "");
        owe(self.titles > 0, &"\x1b[23;0t".repeat(self.titles.into()), "");
        owe(self.palette, "\x1b]104\x1b\\", "");
        for colour in COLOURS {
            owe(self.colours & (1 << (colour - 10)) != 0, &format!("\x1b]{}\x1b\\", colour + 100), "");
        }
        owe(self.hyperlink, "\x1b]8;;\x1b\\", "");
        owe(self.pointer, "\x1b]22;\x1b\\", "");
        owe(self.progress, "\x1b]9;4;0\x1b\\", "");
        owe(self.shift != 0, "\x0f", ["", "\x0e", "\x1bn", "\x1bo"][usize::from(self.shift)]);
        for (set, name) in self.charsets.iter().zip("()*+".chars()) {
            let redo = set.map(|set| format!("\x1b{name}{}", char::from(set))).unwrap_or_default();
            owe(set.is_some(), &format!("\x1b{name}B"), &redo);
        }
        owe(self.styled, "\x1b[m", "");
        owe(self.cursor_shape != 0, "\x1b[0 q", &format!("\x1b[{} q", self.cursor_shape));
        for (bit, mode) in ON_AT_REST.iter().enumerate() {
            owe(self.private.off & (1 << bit) != 0, &format!("\x1b[?{mode}h"), &format!("\x1b[?{mode}l"));
        }
        all
    }

    fn escape(&mut self, between: &[u8], last: u8) {
        match (between, last) {
            ([], b'<') => self.vt52 = false,
            ([], b'=') => self.keypad = true,
            ([], b'>') => self.keypad = false,
            ([], b'n') => self.shift = 2,
            ([], b'o') => self.shift = 3,
            ([], b'H') => self.tabs = true,
            // RIS, a full reset.
            ([], b'c') => *self = Self { rows: self.rows, ..Self::new() },
            ([b'%'], b'@' | b'G') => self.latin = last == b'@',
            ([b' '], b'F' | b'G') => self.eight_bit = last == b'G',
            ([set @ b'('..=b'+'], _) => self.charsets[usize::from(set - b'(')] = Some(last).filter(|set| *set != b'B'),
            _ => {}
        }
    }

    fn control(&mut self, params: &[u8], between: &[u8], last: u8) {
        let (sign, params) = match params.split_first() {
            Some((sign @ b'<'..=b'?', rest)) => (Some(*sign), rest),
            _ => (None, params),
        };
        let mut values = numbers(params);
        let mut next = || values.next().unwrap_or(0);
        match (sign, between, last) {
            (Some(b'?'), [], b'h' | b'l') => numbers(params).for_each(|mode| self.private_mode(mode, last == b'h')),
            (Some(b'?'), [], b's') => self.saved = self.private,
            (Some(b'?'), [], b'r') => numbers(params).for_each(|mode| self.bring_back(mode)),
            (Some(b'?'), [], b'W') if next() == 5 => self.tabs = false,
            (Some(b'?'), [], b'i') => self.auto_printing = next() == 5,
            (None, [], b'i') => match next() {
                5 => self.printing = true,
                4 => self.printing = false,
                _ => {}
            },
            (None, [], b'h' | b'l') => numbers(params).for_each(|mode| self.ansi_mode(mode, last == b'h')),
            (Some(b'>'), [], b'u') => self.keyboard().push(next()),
            (Some(b'<'), [], b'u') => {
                let count = next();
                self.keyboard().pop(count);
            }
            (Some(b'='), [], b'u') => {
                let (flags, how) = (next(), next());
                self.keyboard().set(flags, how);
            }
            (Some(b'>'), [], b'm' | b'n') => {
                if let Some(modifier) = self.modifiers.get_mut(usize::from(next())) {
                    *modifier = if last == b'm' { next() } else { 0 };
                }
            }
            (None, [], b'm') => self.style(params),
            (None, [], b'r') => {
                let (top, bottom) = (next().max(1), next());
                let is_all = top == 1 && (bottom == 0 || self.rows.is_some_and(|rows| bottom >= rows));
                self.region = (!is_all).then_some((top, bottom));
            }
            (None, [], b't') => match next() {
                22 => self.titles = (self.titles + 1).min(MAX_TITLES),
                23 => self.titles = self.titles.saturating_sub(1),
                _ => {}
            },
            (None, [], b'g') => self.tabs = true,
            (None, [b' '], b'q') => self.cursor_shape = next(),
            (None, [b'$'], b'}') => self.status_line = next() == 1,
            // DECSTR, a soft reset.
            (None, [b'!'], b'p') => {
                [1, 66, 69].into_iter().for_each(|mode| self.private_mode(mode, false));
                self.private_mode(25, true);
                self.private.origin = false;
                [2, 4].into_iter().for_each(|mode| self.ansi_mode(mode, false));
                self.keypad = false;
                (self.charsets, self.shift) = ([None; 4], 0);
                self.styled = false;
                self.region = None;
            }
            _ => {}
        }
    }

    /// The keyboard of the screen that is shown.
    fn keyboard(&mut self) -> &mut Keyboard {
        &mut self.keyboards[usize::from(self.private.alternate != 0)]
    }

    fn private_mode(&mut self, mode: u16, on: bool) {
        if mode == ORIGIN {
            self.private.origin = on;
        } else if mode == ANSI_MODE {
            self.vt52 = !on;
        } else if ALTERNATE.contains(&mode) {
            self.private.alternate = if on { mode } else { 0 };
        } else if let Some(bit) = OFF_AT_REST.iter().position(|&known| known == mode) {
            self.private.on = if on { self.private.on | (1 << bit) } else { self.private.on & !(1 << bit) };
        } else if let Some(bit) = ON_AT_REST.iter().position(|&known| known == mode) {
            self.private.off = if on { self.private.off & !(1 << bit) } else { self.private.off | (1 << bit) };
        }
    }

    /// A private mode is again as it was saved.
    fn bring_back(&mut self, mode: u16) {
        let saved = self.saved;
        let on = match mode {
            ORIGIN => saved.origin,
            mode if ALTERNATE.contains(&mode) => saved.alternate != 0,
            mode => match (
                OFF_AT_REST.iter().position(|&known| known == mode),
                ON_AT_REST.iter().position(|&known| known == mode),
            ) {
                (Some(bit), _) => saved.on & (1 << bit) != 0,
                (None, Some(bit)) => saved.off & (1 << bit) == 0,
                (None, None) => return,
            },
        };
        self.private_mode(mode, on);
    }

    fn ansi_mode(&mut self, mode: u16, on: bool) {
        if let Some(bit) = ANSI.iter().position(|&(known, _)| known == mode) {
            let changed = on != ANSI[bit].1;
            self.ansi = if changed { self.ansi | (1 << bit) } else { self.ansi & !(1 << bit) };
        }
    }

    /// Colours and weights of text. What follows only takes something away changes nothing in plain text.
    fn style(&mut self, params: &[u8]) {
        let mut values = params.split(|&byte| byte == b';');
        while let Some(value) = values.next() {
            let is_whole = value.contains(&b':');
            match number(value.split(|&byte| byte == b':').next().unwrap_or_default()) {
                0 => self.styled = false,
                10 | 22..=29 | 39 | 49 | 50 | 54 | 55 | 59 | 65 | 75 => {}
                38 | 48 | 58 if !is_whole => {
                    self.styled = true;
                    let more = match values.next().map(number) {
                        Some(5) => 1,
                        Some(2) => 3,
                        _ => 0,
                    };
                    values.by_ref().take(more).for_each(drop);
                }
                _ => self.styled = true,
            }
        }
    }

    /// An operating system command.
    fn command(&mut self, text: &[u8]) {
        let (code, rest) = match text.iter().position(|&byte| byte == b';') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let is_set = |value: &[u8]| !value.is_empty() && value != b"?";
        let mut values = rest.unwrap_or_default().split(|&byte| byte == b';');
        match number(code) {
            4 => self.palette |= values.skip(1).step_by(2).any(is_set),
            104 if rest.is_none_or(<[u8]>::is_empty) => self.palette = false,
            // One value after the other is for the colours that follow.
            first @ 10..=19 => {
                for (colour, value) in (first..=*COLOURS.end()).zip(values) {
                    if is_set(value) {
                        self.colours |= 1 << (colour - 10);
                    }
                }
            }
            code @ 110..=119 => self.colours &= !(1 << (code - 110)),
            // All of the above by names, in kitty.
            21 if values.any(|value| value.contains(&b'=') && !value.ends_with(b"=?")) => {
                self.palette = true;
                self.colours |= (1 << 0) | (1 << 1) | (1 << 2) | (1 << 7) | (1 << 9);
            }
            8 => {
                self.hyperlink =
                    values.nth(1).is_some_and(|address| !address.is_empty()) || text.len() == parser::MAX_KEPT;
            }
            9 if values.next() == Some(b"4") => self.progress = values.next().map_or(0, number) != 0,
            22 => self.pointer = rest.is_some_and(|name| !name.is_empty() && !matches!(name[0], b'<' | b'?')),
            _ => {}
        }
    }
}

/// The numeric parameters; one that is empty or no number counts as 0, as terminals take it.
fn numbers(params: &[u8]) -> impl Iterator<Item = u16> + '_ {
    params.split(|&byte| byte == b';').map(number)
}

fn number(digits: &[u8]) -> u16 {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
