//! The terminal that ssmx runs in: raw mode, size, escape keys, and putting everything back.
//!
//! Whatever happens to a session, the person gets a working terminal back: [`RawMode`] restores it when dropped, in a
//! panic, before a suspension and before an exit forced by a signal, and undoes the screen modes that a remote program
//! left behind. Bytes pass through this room unchanged in both directions; only [`EscapeKeys`] takes any out.

pub(crate) mod byte_input;
pub(crate) mod escape;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod raw;
mod screen_modes;
pub mod signals;
pub mod size;
mod unread;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "windows.rs"]
mod platform;

pub(crate) use byte_input::ByteInput;
pub use escape::{EscapeKeys, Typed};
pub use input::Input;
pub(crate) use input::{can_ask, is_terminal};
pub use output::Output;
pub use raw::RawMode;
pub(crate) use signals::{
    SignalError, SuspendedChild, Suspensions, Termination, Terminations, forward, share, suspend,
};
pub(crate) use size::{Changes, Size};
pub(crate) use unread::has_unread_input;
