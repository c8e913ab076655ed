use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// The second in which the watchdog pings and the one in which it gives up, looking every second in silence.
fn silence(unanswered: bool, sleep_at: Option<u32>) -> (u32, u32) {
    let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
    let mut watchdog = Watchdog::new(start, wall);
    let mut pinged = 0;
    for second in 1..100 {
        let slept = sleep_at.is_some_and(|at| second >= at);
        let wall = wall + SECOND * second + if slept { SECOND * 3600 } else { Duration::ZERO };
        match watchdog.look(start + SECOND * second, wall, unanswered) {
            Verdict::Fine => {}
            Verdict::Ping => pinged = second,
            Verdict::Dead => return (pinged, second),
        }
    }
    panic!("never gave up");
}

#[test]
fn pings_when_quiet_and_gives_up_without_an_answer() {
    assert_eq!(silence(false, None), (30, 40));
}

#[test]
fn asks_sooner_when_something_is_unanswered() {
    assert_eq!(silence(true, None), (3, 13));
}

#[test]
fn asks_at_once_after_sleep() {
    assert_eq!(silence(false, Some(5)), (5, 15));
}

#[test]
fn a_quiet_connection_is_looked_at_twice_for_each_ping() {
    let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
    let mut watchdog = Watchdog::new(start, wall);
    let mut looks = Vec::new();
    for _ in 0..4 {
        let at = watchdog.next_look();
        looks.push((at - start).as_secs());
        if watchdog.look(at, wall + (at - start), false) == Verdict::Ping {
            watchdog.heard(at);
        }
    }
    assert_eq!(looks, [30, 60, 90, 120]);
    assert_eq!(watchdog.look(start + 150 * SECOND, wall + 150 * SECOND, false), Verdict::Ping);
    assert_eq!(watchdog.next_look(), start + 160 * SECOND, "nothing has answered");
}

#[test]
fn an_answer_is_an_answer() {
    let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH);
    let mut watchdog = Watchdog::new(start, wall);
    for second in 1..1000 {
        let now = start + SECOND * second;
        match watchdog.look(now, wall + SECOND * second, false) {
            Verdict::Fine => {}
            Verdict::Ping => watchdog.heard(now + SECOND / 10),
            Verdict::Dead => panic!("gave up at {second}"),
        }
    }
}
