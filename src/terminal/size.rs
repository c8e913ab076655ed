//! The size of the terminal, and its changes.

use std::io;

use super::platform;

/// The size of a terminal, in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width; never 0.
    pub cols: u16,
    /// Height; never 0.
    pub rows: u16,
}

/// The size of the terminal that standard output, error or input is, in this order; `None` without a terminal, and for
/// one that does not know its size (a serial line).
pub fn size() -> Option<Size> {
    platform::size().filter(|size| size.cols > 0 && size.rows > 0)
}

/// The changes of the terminal's size.
#[derive(Debug)]
pub struct Changes {
    wakes: platform::SizeWakes,
    last: Option<Size>,
}

impl Changes {
    /// Changes from the size that the terminal has now. Needs a tokio runtime.
    ///
    /// # Errors
    /// The signal handler cannot be installed.
    pub fn listen() -> io::Result<Self> {
        let wakes = platform::SizeWakes::listen()?;
        Ok(Self { wakes, last: size() })
    }

    /// The size at the last change, or at the start.
    pub fn current(&self) -> Option<Size> {
        self.last
    }

    /// Waits for the next change. Several in quick succession may come as one. Cancel safe.
    pub async fn next(&mut self) -> Size {
        loop {
            self.wakes.next().await;
            let now = size();
            if now != self.last
                && let Some(size) = now
            {
                self.last = now;
                return size;
            }
        }
    }
}
