//! What goes wrong in a sandbox because a test wants it to.

pub(crate) mod api;
pub(crate) mod throttle;

use std::time::Duration;

pub use throttle::Throttle;

/// What happens to the frames of one direction. Probabilities are from 0 to 1; all are 0 by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of frames that are lost.
    pub drop: f64,
    /// Share of frames that arrive twice.
    pub duplicate: f64,
    /// Share of frames that are held back for 30 ms, so that later ones overtake them.
    pub reorder: f64,
    /// Delay of every frame.
    pub delay: Duration,
    /// A time in which all frames are lost, while the gateway goes on: an agent that is gone.
    pub silence: Option<Silence>,
}

/// A time in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When it begins, counted from the start of the session.
    pub after: Duration,
    /// How long it lasts; without an end if `None`.
    pub lasting: Option<Duration>,
}

impl Silence {
    /// Whether it covers this age of a session.
    pub(crate) fn covers(&self, age: Duration) -> bool {
        age >= self.after && self.lasting.is_none_or(|lasting| age < self.after + lasting)
    }
}

/// A gateway that takes no long messages. Whether the real one is such, and which of the two it does, is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageLimit {
    /// A message of more bytes than these, headers included, closes the connection with code 1009.
    Close(usize),
    /// It is lost without a word.
    Swallow(usize),
}

/// A call of the API that fails, or that takes its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// The first calls of an action are throttled.
    Throttle {
        /// The action as IAM spells it, as in `ssm:StartSession`.
        action: String,
        /// How many calls fail.
        calls: u32,
    },
    /// An action that answers in pages breaks off: so many calls are served, and all further ones are refused, as those
    /// with the mark of a page that has expired are.
    BreakOff {
        /// The action as IAM spells it, as in `ssm:DescribeInstanceInformation`.
        action: String,
        /// How many calls are served.
        calls: u32,
    },
    /// The first calls of an action are answered only so much later. What else is to become of them is done at once: a
    /// client that gives up before does not learn what its call has done.
    Delay {
        /// The action as IAM spells it, as in `ssm:StartSession`.
        action: String,
        /// How many calls are answered late.
        calls: u32,
        /// How late.
        time: Duration,
    },
    /// The caller's policy does not allow an action.
    Deny {
        /// The action as IAM spells it, as in `ssm:StartSession`.
        action: String,
    },
}

impl ApiFault {
    /// Every call of an action, as in `ssm:StartSession`, is answered so much later.
    pub fn slow(action: &str, time: Duration) -> Self {
        Self::Delay { action: action.to_owned(), calls: u32::MAX, time }
    }
}
