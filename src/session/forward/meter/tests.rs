use super::*;

const MS: Duration = Duration::from_millis(1);

fn load(meter: &Meter, now: Instant) -> Load {
    let mut load = Load::default();
    load.add(meter, now, 250 * MS);
    load
}

#[test]
fn bulk_is_what_moves_much_of_late() {
    let start = Instant::now();
    let mut meter = Meter::new(start);
    assert!(!meter.received(20_000, start + MS), "an answer is none");
    assert!(meter.received(20_000, start + 2 * MS), "and it is told when it begins");
    assert!(!meter.received(20_000, start + 3 * MS));
    assert_eq!(load(&meter, start + 100 * MS).bulk, 1);
    assert_eq!(load(&meter, start + 600 * MS), Load { open: 1, ..Load::default() });
}

#[test]
fn what_was_sent_is_undelivered_until_an_answer_shows_that_it_is_not() {
    let start = Instant::now();
    let mut meter = Meter::new(start);
    meter.sent(3 << 20, start);
    assert_eq!(load(&meter, start + 10_000 * MS).stopped, 1, "nobody answers");
    meter.received(1 << 20, start + 10_000 * MS);
    assert_eq!(meter.undelivered(start + 10_000 * MS), 0, "the program had said all it had to say");
    meter.sent(3 << 20, start + 10_001 * MS);
    meter.received(1 << 20, start + 10_002 * MS);
    assert_eq!(meter.undelivered(start + 10_002 * MS), 2 << 20, "an echo");
    assert_eq!(meter.undelivered(start + 11_000 * MS), 0, "that is through");
}

#[test]
fn an_upload_that_is_no_faster_than_its_answers_is_not_to_pile_up() {
    let start = Instant::now();
    let mut meter = Meter::new(start);
    for ms in 0..200 {
        meter.sent(50_000, start + ms * MS);
        meter.received(1_024, start + ms * MS);
        assert!(meter.may_send(start + ms * MS), "the destination may take it");
    }
    for ms in 200..1_000 {
        let now = start + ms * MS;
        if meter.may_send(now) {
            meter.sent(1_024, now);
        }
        meter.received(1_024, now);
    }
    let mut now = start + 1_000 * MS;
    assert!(!meter.may_send(now), "the agent is full");
    while !meter.may_send(now) {
        now += MS;
        meter.received(1_024, now);
    }
    assert!(meter.unanswered < ECHOED && meter.unanswered > ECHOED - 10_000, "{}", meter.unanswered);
    meter.sent(100_000, now);
    assert!(!meter.may_send(now));
    assert!(meter.may_send(now + 500 * MS), "no answer comes");
}

#[test]
fn the_new_ones_are_watched_until_they_are_answered() {
    let start = Instant::now();
    let mut meter = Meter::new(start);
    assert_eq!((load(&meter, start).young, load(&meter, start + 250 * MS).young), (1, 0));
    meter.sent(100, start);
    meter.received(1_000, start + 5 * MS);
    assert_eq!((load(&meter, start + 10 * MS).young, load(&meter, start + 25 * MS).young), (1, 0));
    meter.handing(true, start + 30 * MS);
    assert_eq!(load(&meter, start + 300 * MS).stopped, 1, "the program does not read");
}
