use super::*;

const MS: Duration = Duration::from_millis(1);

fn acknowledged(bytes: usize, order: u64, next_order: u64, rtt: Duration, minimum: Duration) -> Acknowledged {
    let now = Instant::now();
    Acknowledged { now, bytes, order, next_order, in_flight: 0, rtt: Some(rtt), minimum: Some(minimum) }
}

/// A window that has left its fast opening behind.
fn steady() -> Window {
    let mut window = Window::new(4 << 20);
    window.timed_out();
    window.set(INITIAL);
    window
}

/// A round of a window that is full.
fn round(window: &mut Window, order: &mut u64, rtt: Duration, minimum: Duration) {
    // The first message after a change, and the first that went out when that one was acknowledged.
    for _ in 0..2 {
        window.limited();
        *order += 1;
        window.acknowledged(&acknowledged(window.size() / 2, *order, *order + 1, rtt, minimum));
    }
}

#[test]
fn opens_fast_then_closes_when_the_round_trip_grows() {
    let mut window = Window::new(4 << 20);
    let mut order = 0;
    for _ in 0..4 {
        round(&mut window, &mut order, 20 * MS, 20 * MS);
    }
    let open = window.size();
    assert!(open >= INITIAL << 4, "{open}");
    round(&mut window, &mut order, 40 * MS, 20 * MS);
    let closed = window.size();
    assert!(closed < open * 3 / 2, "{open} and then {closed}");
    for _ in 0..50 {
        round(&mut window, &mut order, 400 * MS, 20 * MS);
    }
    assert_eq!(window.size(), MINIMUM);
}

#[test]
fn a_queue_ends_the_fast_opening_within_the_round() {
    let mut window = Window::new(4 << 20);
    window.limited();
    for order in 1..=u64::from(SLOW) {
        window.acknowledged(&acknowledged(1024, order, 1000, 30 * MS, 20 * MS));
    }
    assert!(window.size() < INITIAL, "{}", window.size());
}

#[test]
fn opens_the_faster_the_shorter_the_queue_is() {
    let grown = |rtt| {
        let (mut window, mut order) = (steady(), 0);
        round(&mut window, &mut order, rtt, 20 * MS);
        window.size()
    };
    assert_eq!([20, 22, 25].map(|ms| grown(ms * MS)), [INITIAL * 5 / 4, INITIAL * 23 / 20, INITIAL]);
    assert_eq!(grown(50 * MS), INITIAL / 2);
}

#[test]
fn what_went_out_before_a_change_is_not_held_against_it() {
    let (mut window, mut order) = (steady(), 0);
    round(&mut window, &mut order, 40 * MS, 20 * MS);
    let closed = window.size();
    // These were under way when the window was closed.
    for before in 1..=order {
        window.acknowledged(&acknowledged(1024, before, order + 10, 40 * MS, 20 * MS));
    }
    assert_eq!(window.size(), closed);
}

#[test]
fn opens_as_fast_when_acknowledgements_come_in_bursts() {
    let mut window = Window::new(4 << 20);
    let mut order = 0;
    for _ in 0..5 {
        window.limited();
        let messages = window.size() / 1024;
        let next_order = order + messages as u64 + 1;
        for _ in 0..messages {
            order += 1;
            window.acknowledged(&acknowledged(1024, order, next_order, 20 * MS, 20 * MS));
        }
    }
    assert_eq!(window.size(), INITIAL << 5);
}

#[test]
fn does_not_open_for_a_sender_that_does_not_fill_it() {
    let mut window = Window::new(4 << 20);
    for order in 1..1000 {
        window.acknowledged(&acknowledged(1, order, order + 1, 20 * MS, 20 * MS));
    }
    assert_eq!(window.size(), INITIAL);
}

#[test]
fn a_full_window_is_halved_now_and_then_until_one_message_has_seen_the_path() {
    let mut window = steady();
    let size = window.size();
    let start = Instant::now();
    let hear = |window: &mut Window, seconds, order, next_order, in_flight| {
        window.limited();
        let heard = acknowledged(1024, order, next_order, 30 * MS, 20 * MS);
        window.acknowledged(&Acknowledged { now: start + MS * 1000 * seconds, in_flight, ..heard });
        window.size()
    };
    hear(&mut window, 0, 1, 100, size);
    let before = hear(&mut window, 7, 2, 100, size);
    // It is time, and nothing goes out until half is acknowledged.
    assert_eq!(hear(&mut window, 9, 3, 100, before), before / 2);
    assert_eq!(hear(&mut window, 9, 50, 100, before * 3 / 4), before / 2);
    assert_eq!(hear(&mut window, 9, 60, 100, before / 2), before / 2);
    // The first that has gone out since then is number 100.
    assert_eq!(hear(&mut window, 9, 99, 120, before / 2), before / 2);
    assert_eq!(hear(&mut window, 9, 100, 120, before / 2), before / 2 + 1024);
    let mut order = 101;
    while hear(&mut window, 9, order, 1000, before / 2) < before {
        order += 1;
    }
    assert!(order >= 100 + before as u64 / 2 / 1024 - 1, "{order}");
}

#[test]
fn a_window_that_is_never_full_is_not_halved() {
    let mut window = steady();
    let (size, start) = (window.size(), Instant::now());
    for order in 1..100 {
        let heard = acknowledged(1, order, order + 1, 20 * MS, 20 * MS);
        window.acknowledged(&Acknowledged { now: start + MS * 1000 * order as u32, ..heard });
        assert_eq!(window.size(), size);
    }
}

#[test]
fn never_leaves_its_bounds() {
    let mut window = Window::new(100_000);
    let mut order = 0;
    for _ in 0..100 {
        round(&mut window, &mut order, MS, MS);
    }
    assert_eq!(window.size(), 100_000);
    for _ in 0..100 {
        window.timed_out();
    }
    assert_eq!(window.size(), MINIMUM);
}
