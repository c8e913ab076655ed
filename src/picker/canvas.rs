//! [`Canvas`]: the whole screen of the terminal, on standard error.

use std::io::{self, Write as _};
use std::time::Duration;

use base64::Engine as _;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::style;
use ratatui::layout::Rect;
use tokio::time::{Instant, sleep_until, timeout};

use super::state::State;
use super::view::draw;
use crate::terminal::{Output, Size};

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// How long the terminal may take for what it is sent at the end.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The alternate screen, cleared, and what is pasted marked as such, so that no line end in it counts as a key.
const OPEN: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[H\x1b[?2004h";
const CLOSE: &[u8] = b"\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// The size of a terminal that does not know it.
const UNKNOWN: Size = Size { cols: 80, rows: 24 };

/// The screen, and what is on it.
pub(super) struct Canvas {
    output: Output,
    shown: Buffer,
    /// What is on the screen is not known.
    disturbed: bool,
    next_frame: Instant,
}

impl Canvas {
    /// Takes the screen. The terminal has to be raw.
    pub(super) async fn open(size: Option<Size>, colored: bool) -> io::Result<Self> {
        // Otherwise the library would go by the environment.
        style::force_color_output(colored);
        let mut output = Output::stderr()?;
        output.write_all(OPEN).await?;
        Ok(Self { output, shown: Buffer::empty(area(size)), disturbed: true, next_frame: Instant::now() })
    }

    /// Waits until the terminal has taken the last frame, and it is time for another. Cancel safe.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        self.output.flush().await?;
        sleep_until(self.next_frame).await;
        Ok(())
    }

    /// Draws what has changed.
    pub(super) async fn draw(&mut self, state: &mut State) -> io::Result<()> {
        self.next_frame = Instant::now() + FRAME;
        let mut next = Buffer::empty(self.shown.area);
        let cursor = draw(state, &mut next);
        let mut bytes = b"\x1b[?25l".to_vec();
        if std::mem::take(&mut self.disturbed) {
            bytes.extend_from_slice(b"\x1b[2J");
            self.shown.reset();
        }
        CrosstermBackend::new(&mut bytes).draw(self.shown.diff(&next).into_iter())?;
        write!(bytes, "\x1b[{};{}H\x1b[?25h", cursor.y + 1, cursor.x + 1)?;
        self.shown = next;
        self.output.write_all(&bytes).await
    }

    /// The size has changed.
    pub(super) fn resize(&mut self, size: Option<Size>) {
        self.shown = Buffer::empty(area(size));
        self.disturb();
    }

    /// Another program has drawn on the screen.
    pub(super) fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// Asks the terminal to put a text into the clipboard.
    pub(super) async fn copy(&mut self, text: &str) -> io::Result<()> {
        let text = base64::engine::general_purpose::STANDARD.encode(text);
        self.output.write_all(format!("\x1b]52;c;{text}\x07").as_bytes()).await
    }

    /// Waits until all is written, for as long as a terminal may take.
    pub(super) async fn flush(&mut self) {
        let _ = timeout(WRITE_TIMEOUT, self.output.flush()).await;
    }

    /// Gives the screen back as it was. Nothing is left to be undone after that, for undoing it drops what was typed
    /// meanwhile.
    pub(super) async fn close(mut self) {
        let _ = timeout(WRITE_TIMEOUT, self.output.write_all(CLOSE)).await;
        self.flush().await;
    }
}

fn area(size: Option<Size>) -> Rect {
    let Size { cols, rows } = size.unwrap_or(UNKNOWN);
    Rect::new(0, 0, cols, rows)
}
