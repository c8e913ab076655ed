//! The terminal that ssmx runs in: raw mode, size, escape keys, and putting everything back.
//!
//! Whatever happens to a session, the person gets a working terminal back: [`RawMode`] restores it when dropped, in a
//! panic, before a suspension and before an exit forced by a signal, and undoes the screen modes that a remote program
//! left behind. Bytes pass through this room unchanged in both directions; only [`EscapeKeys`] takes any out.

pub mod byte_input;
pub mod escape;
pub mod input;
pub mod output;
pub mod raw;
mod screen_modes;
pub mod signals;
pub mod size;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "windows.rs"]
mod platform;

pub use byte_input::ByteInput;
pub use escape::{EscapeKeys, Typed};
pub use input::{Input, is_terminal};
pub use output::Output;
pub use raw::{RawMode, restore};
pub use signals::{SuspendedChild, Suspensions, Termination, Terminations, forward, share, suspend};
pub use size::{Changes, Size};
