//! Faults that the sandbox is asked for: `--fault [up:|down:]drop=0.1,dup=0.1,reorder=0.2,delay=20ms,cut=5s`, and a few
//! more; the help has all of them.

use std::str::FromStr;
use std::time::Duration;

use crate::sandbox::{MessageLimit, Throttle};

/// The longest delay of a frame; beyond it sessions only time out.
const MAX_DELAY: Duration = Duration::from_mins(1);

const NAMES: &str =
    "`drop`, `dup`, `reorder`, `delay`, `cut`, `silent`, `silent-for`, `close-above`, `swallow-above` or `resume`";

/// One `--fault`. What it leaves out stays as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fault {
    /// The direction that is meant; both without one.
    pub direction: Option<Direction>,
    /// Share of frames that are lost, 0 to 1.
    pub drop: Option<f64>,
    /// Share of frames that arrive twice, 0 to 1.
    pub duplicate: Option<f64>,
    /// Share of frames that are overtaken by later ones, 0 to 1.
    pub reorder: Option<f64>,
    /// Delay of every frame, up to a minute.
    pub delay: Option<Duration>,
    /// Time after which a connection is cut, again and again: the client's going up, the agent's going down.
    pub cut: Option<Duration>,
    /// The longest message that is taken.
    pub message_limit: Option<MessageLimit>,
    /// When everything begins to be lost, from the start of a session.
    pub silent: Option<Duration>,
    /// How long everything is lost then.
    pub silent_for: Option<Duration>,
    /// How long ResumeSession takes, up to a minute.
    pub resume: Option<Duration>,
}

/// A direction of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the agent.
    Up,
    /// From the agent to the client.
    Down,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (direction, list) = match text.split_once(':') {
            Some(("up", list)) => (Some(Direction::Up), list),
            Some(("down", list)) => (Some(Direction::Down), list),
            Some((other, _)) => return Err(format!("unknown direction `{other}`; expected `up` or `down`")),
            None => (None, text),
        };
        let mut fault = Self { direction, ..Self::default() };
        for item in list.split(',') {
            let (name, value) = item.split_once('=').ok_or_else(|| format!("`{item}` has no value"))?;
            match name {
                "drop" => fault.drop = Some(share(value)?),
                "dup" => fault.duplicate = Some(share(value)?),
                "reorder" => fault.reorder = Some(share(value)?),
                "delay" => fault.delay = Some(delay(value)?),
                "cut" => {
                    let after = duration(value)?;
                    if after.is_zero() {
                        return Err("the time before a cut must not be zero".to_owned());
                    }
                    fault.cut = Some(after);
                }
                "close-above" => fault.message_limit = Some(MessageLimit::Close(bytes(value)?)),
                "swallow-above" => fault.message_limit = Some(MessageLimit::Swallow(bytes(value)?)),
                "silent" => fault.silent = Some(duration(value)?),
                "silent-for" => fault.silent_for = Some(duration(value)?),
                "resume" => fault.resume = Some(delay(value)?),
                _ => return Err(format!("unknown fault `{name}`; expected {NAMES}")),
            }
        }
        if fault.silent_for.is_some() && fault.silent.is_none() {
            return Err("`silent-for` says for how long; `silent` has to say from when".to_owned());
        }
        Ok(fault)
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("`{text}` is not a number between 0 and 1")),
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number of bytes"))
}

/// A delay, up to a minute.
///
/// # Errors
/// It is none, or longer; says so.
pub(crate) fn delay(text: &str) -> Result<Duration, String> {
    let delay = duration(text)?;
    if delay > MAX_DELAY {
        return Err(format!("`{text}` is longer than a minute"));
    }
    Ok(delay)
}

/// When calls of the API are too many: `real`, or a share.
///
/// # Errors
/// It is neither; says so.
pub(crate) fn throttle(text: &str) -> Result<Throttle, String> {
    match text {
        "real" => Ok(Throttle::Real),
        _ => share(text).map(Throttle::Share).map_err(|error| format!("{error}, and not `real`")),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("`{text}` is not a duration like `20ms` or `5s`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_both_directions_and_of_one() {
        let fault: Fault = "drop=0.1,dup=1,reorder=0,delay=20ms".parse().unwrap();
        assert_eq!(
            (fault.direction, fault.drop, fault.duplicate, fault.reorder),
            (None, Some(0.1), Some(1.0), Some(0.0))
        );
        assert_eq!((fault.delay, fault.cut), (Some(Duration::from_millis(20)), None));
        let fault: Fault = "close-above=4096".parse().unwrap();
        assert_eq!(fault.message_limit, Some(MessageLimit::Close(4096)));
        let fault: Fault = "silent=2s,silent-for=10s,resume=1s".parse().unwrap();
        assert_eq!((fault.silent, fault.silent_for), (Some(Duration::from_secs(2)), Some(Duration::from_secs(10))));
        assert_eq!(fault.resume, Some(Duration::from_secs(1)));
        let fault: Fault = "down:cut=5s".parse().unwrap();
        assert_eq!((fault.direction, fault.cut), (Some(Direction::Down), Some(Duration::from_secs(5))));
    }

    #[test]
    fn what_is_too_much_for_the_api() {
        assert_eq!((throttle("real"), throttle("0.2")), (Ok(Throttle::Real), Ok(Throttle::Share(0.2))));
        for bad in ["", "2", "-1", "Real", "20%"] {
            assert!(throttle(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "drop",
            "drop=",
            "drop=1.1",
            "drop=-1",
            "drop=NaN",
            "delay=20",
            "delay=2m",
            "cut=0s",
            "swallow-above=1k",
            "silent=now",
            "silent-for=1s",
            "resume=2m",
            "left:drop=0.1",
            "lose=0.1",
            "drop=0.1,,dup=0.1",
        ] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }
}
