//! Which lane a connection takes, whether it waits for another one, and how many there should be.
//!
//! A session of the agent sends 1,024 bytes a millisecond, 32 KiB of one connection after 32 KiB of the next, and reads
//! nothing once it has 4 MiB that destinations do not take. So connections that move much, or may not move at all, are
//! kept apart, and from all others. What a connection will do is not known when it comes: a new one counts as busy for
//! as long as the last ones were, until it has been answered.
//!
//! A connection waits for a lane that is being opened only where the lanes that there are would have it wait too, and no
//! longer. When no lane can be had, none waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::session::forward::lanes::Lanes;
use crate::session::forward::meter::Load;

/// One turn of a connection at the agent: 32 KiB at 1,024 bytes a millisecond.
const TURN: Duration = Duration::from_millis(32);

/// Answers that a connection waits for before it does its work: for TLS, to log in, to ask. Each waits for its turn.
const DIALOGUE: u32 = 16;

/// How long a byte waits in a lane where something was sent that nobody takes: beside an echo that is saturated it was
/// measured to be 1 to 2 s, and far longer where nobody reads.
const BACKLOG: Duration = Duration::from_secs(2);

/// For no longer than this, whatever is in the way.
const LONGEST: Duration = Duration::from_secs(5);

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// This lane carries it.
    On(usize),
    /// It waits for another lane, until this instant at most.
    Wait(Instant),
}

/// Places a connection that came at `since`; `may_wait`: another lane is being opened. `None` without any lane.
pub(super) fn place(loads: &[Load], may_wait: bool, since: Instant, now: Instant) -> Option<Placement> {
    let quietness = |load: &Load| (load.cut, load.stopped > 0, load.heavy(), load.young, load.open);
    let (best, load) = loads.iter().enumerate().min_by_key(|(_, load)| quietness(load))?;
    let until = match load {
        _ if !may_wait || load.cut => now,
        Load { stopped: 1.., .. } => since + BACKLOG.max(dialogue(load)).min(LONGEST),
        Load { bulk: 1.., .. } => since + dialogue(load).min(LONGEST),
        Load { busy_until, .. } => busy_until.map_or(now, Instant::from_std),
    };
    Some(if until > now { Placement::Wait(until) } else { Placement::On(best) })
}

/// How long others would have a connection wait before it does its work.
fn dialogue(load: &Load) -> Duration {
    let others = u32::try_from(load.heavy()).unwrap_or(u32::MAX);
    TURN.saturating_mul(DIALOGUE).saturating_mul(others)
}

/// How many lanes there should be, where `waiting` more connections have come: one for each connection that moves much
/// or may do so, one for the rest and the next, and more where there are many. A connection alone needs no second one.
pub(super) fn wanted(loads: &[Load], waiting: usize, lanes: Lanes) -> usize {
    let heavy = waiting + loads.iter().map(|load| load.heavy() + load.young).sum::<usize>();
    let open = (waiting + loads.iter().map(|load| load.open).sum::<usize>()).max(heavy);
    let by_number = |open: usize| 1 + open.ilog2() as usize;
    let want = match open {
        0 => return 1,
        1 => 1,
        _ if waiting + loads.iter().map(|load| load.young).sum::<usize>() >= open => open,
        _ => by_number(open).max(heavy + 1),
    };
    want.clamp(lanes.least, lanes.most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Load = Load { open: 0, bulk: 0, stopped: 0, young: 0, busy_until: None, cut: false };
    const QUIET: Load = Load { open: 3, ..FREE };
    const BULK: Load = Load { open: 1, bulk: 1, ..FREE };
    const STOPPED: Load = Load { open: 1, stopped: 1, ..FREE };
    const CUT: Load = Load { cut: true, ..FREE };

    fn young(now: Instant) -> Load {
        Load { open: 1, young: 1, busy_until: Some((now + Duration::from_millis(100)).into_std()), ..FREE }
    }

    #[tokio::test]
    async fn a_connection_goes_where_it_is_disturbed_least() {
        let now = Instant::now();
        let on = |loads: &[Load]| place(loads, false, now, now);
        assert_eq!(on(&[]), None);
        assert_eq!(on(&[QUIET, FREE]), Some(Placement::On(1)));
        assert_eq!(on(&[BULK, QUIET, young(now)]), Some(Placement::On(1)));
        assert_eq!(on(&[STOPPED, BULK]), Some(Placement::On(1)));
        assert_eq!(on(&[CUT, STOPPED]), Some(Placement::On(1)));
        assert_eq!(on(&[CUT]), Some(Placement::On(0)), "there is no better one");
        assert_eq!(on(&[FREE, FREE]), Some(Placement::On(0)), "later ones are to be idle");
    }

    #[tokio::test]
    async fn it_waits_no_longer_than_on_the_best_lane_that_there_is() {
        let now = Instant::now();
        let until = |loads: &[Load]| match place(loads, true, now, now) {
            Some(Placement::Wait(until)) => until - now,
            _ => Duration::ZERO,
        };
        assert_eq!(until(&[QUIET, BULK]), Duration::ZERO);
        assert_eq!(until(&[BULK]), 16 * TURN);
        assert_eq!(until(&[STOPPED]), BACKLOG);
        assert_eq!(until(&[young(now)]), Duration::from_millis(100));
        assert_eq!(until(&[Load { bulk: 100, open: 100, ..FREE }]), LONGEST);
        assert_eq!(place(&[BULK], true, now, now + 16 * TURN), Some(Placement::On(0)));
    }

    #[tokio::test]
    async fn lanes_are_wanted_ahead_of_need_and_not_for_one() {
        let now = Instant::now();
        let want = |loads: &[Load], waiting| wanted(loads, waiting, Lanes::AUTO);
        assert_eq!((want(&[FREE], 0), want(&[FREE], 1), want(&[BULK], 0), want(&[young(now)], 0)), (1, 1, 1, 1));
        assert_eq!(want(&[BULK], 1), 3, "one for the next");
        assert_eq!(want(&[young(now)], 1), 2);
        assert_eq!(want(&[FREE], 50), 4);
        assert_eq!((want(&[QUIET], 0), want(&[Load { open: 8, ..FREE }], 0)), (2, 4));
        assert_eq!(want(&[Load { open: 2, bulk: 1, ..FREE }], 0), 2);
        assert_eq!(wanted(&[FREE], 1, Lanes::fixed(8)), 8);
        assert_eq!(wanted(&[FREE], 0, Lanes::fixed(8)), 1, "nobody is there");
        assert_eq!(wanted(&[FREE], 50, Lanes::ONE), 1);
    }
}
