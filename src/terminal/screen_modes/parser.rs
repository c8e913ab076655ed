//! Takes output apart into text, which does not matter here, and the sequences that change a terminal.

/// Bytes of a sequence that are kept. Longer control sequences are no mode change that we know; of longer strings the
/// beginning says enough.
pub(super) const MAX_KEPT: usize = 64;

/// A complete sequence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sequence<'a> {
    /// SO or SI.
    Shift(u8),
    /// ESC, the bytes between, and the last one.
    Escape(&'a [u8], u8),
    /// CSI, the parameters with the sign before them, the bytes between, and the last one.
    Control(&'a [u8], &'a [u8], u8),
    /// The beginning of an operating system command.
    Command(&'a [u8]),
}

/// Where in a sequence the output stands. Sequences may be split anywhere between calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Parser {
    state: State,
    kept: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    Csi,
    /// A control sequence too long to be one of ours; skipped to its final byte.
    Skip,
    Osc,
    /// A string of another kind, of which nothing matters.
    String,
}

impl Parser {
    pub(super) const fn new() -> Self {
        Self { state: State::Ground, kept: Vec::new() }
    }

    /// Whether a sequence has begun and not ended: the terminal takes what comes next for its rest.
    pub(super) fn is_within(&self) -> bool {
        self.state != State::Ground
    }

    /// Reads output up to the end of the next sequence, and hands that over. Returns what is left to read.
    pub(super) fn next<'a>(&mut self, mut output: &'a [u8], found: impl FnOnce(Sequence<'_>)) -> &'a [u8] {
        while let Some((&byte, rest)) = output.split_first() {
            if self.state == State::Ground && !matches!(byte, 0x0e | 0x0f | 0x1b) {
                let end = output.iter().position(|byte| matches!(byte, 0x0e | 0x0f | 0x1b));
                output = &output[end.unwrap_or(output.len())..];
                continue;
            }
            output = rest;
            if self.step(byte) {
                found(self.sequence(byte));
                self.kept.clear();
                break;
            }
        }
        output
    }

    /// Takes a byte. True if it completes a sequence; the state is that before it then.
    fn step(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            // CAN and SUB abort a sequence, ESC starts another one; a string is at its end.
            (_, 0x18 | 0x1a) => self.enter(State::Ground),
            (State::Osc, 0x1b) => return true,
            (_, 0x1b) => self.enter(State::Escape),
            (State::Ground, _) => return matches!(byte, 0x0e | 0x0f),
            (State::Escape, b'[') if self.kept.is_empty() => self.enter(State::Csi),
            (State::Escape, b']') if self.kept.is_empty() => self.enter(State::Osc),
            (State::Escape, b'P' | b'X' | b'^' | b'_') if self.kept.is_empty() => self.enter(State::String),
            (State::Escape, 0x20..=0x2f) => self.keep(byte),
            (State::Escape | State::Csi, 0x00..=0x1f | 0x7f) => {}
            (State::Escape, _) => return true,
            (State::Csi, 0x40..=0x7e) => return true,
            (State::Csi, _) if self.kept.len() == MAX_KEPT => self.enter(State::Skip),
            (State::Csi, _) => self.keep(byte),
            (State::Skip, 0x40..=0x7e) => self.enter(State::Ground),
            (State::Osc, 0x07) => return true,
            // Those of a Linux console, which have no end: a reset of the palette, and an entry of it.
            (State::Osc, b'R') if self.kept.is_empty() => self.enter(State::Ground),
            (State::Osc, _) if self.kept.len() == 7 && self.kept[0] == b'P' => self.enter(State::Ground),
            (State::Osc, _) => self.keep(byte),
            (State::Skip | State::String, _) => {}
        }
        false
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.kept.clear();
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push(byte);
        }
    }

    /// The sequence that `last` completes.
    fn sequence(&mut self, last: u8) -> Sequence<'_> {
        let state = self.state;
        // The end of a string is the beginning of its terminator.
        self.state = if last == 0x1b { State::Escape } else { State::Ground };
        let kept = self.kept.as_slice();
        match state {
            State::Escape => Sequence::Escape(kept, last),
            State::Osc => Sequence::Command(kept),
            State::Csi => {
                let middle = kept.iter().position(|byte| matches!(byte, 0x20..=0x2f)).unwrap_or(kept.len());
                Sequence::Control(&kept[..middle], &kept[middle..], last)
            }
            State::Ground | State::Skip | State::String => Sequence::Shift(last),
        }
    }
}
