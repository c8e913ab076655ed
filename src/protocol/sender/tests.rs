use super::*;

const MS: Duration = Duration::from_millis(1);

fn sender_with(count: u8, now: Instant) -> Sender {
    let mut sender = Sender::new(1 << 20);
    for number in 0..count {
        sender.push(now, Bytes::from(vec![number; 100]));
    }
    sender
}

#[test]
fn acknowledged_out_of_order() {
    let now = Instant::now();
    let mut sender = sender_with(3, now);
    assert!(sender.acknowledge(now, 1));
    assert!(!sender.acknowledge(now, 1), "a second acknowledgement is nothing");
    assert!(sender.acknowledge(now, 0));
    assert!(!sender.is_idle());
    assert!(sender.acknowledge(now, 2));
    assert!(sender.is_idle() && sender.in_flight() == 0);
    for unknown in [-1, 3, i64::MAX, i64::MIN] {
        assert!(!sender.acknowledge(now, unknown));
    }
}

#[test]
fn gap_is_repeated_when_three_later_ones_are_acknowledged() {
    let now = Instant::now();
    let mut sender = sender_with(5, now);
    sender.acknowledge(now + MS, 1);
    sender.acknowledge(now + MS, 2);
    assert_eq!(sender.retransmit(now + MS), None);
    sender.acknowledge(now + MS, 3);
    assert_eq!(sender.retransmit(now + MS).map(|frame| frame[0]), Some(0));
    assert_eq!(sender.retransmit(now + MS), None);
}

#[test]
fn silence_repeats_the_first_and_backs_off() {
    let now = Instant::now();
    let mut sender = sender_with(3, now);
    let first = sender.next_timeout().unwrap();
    assert_eq!(first, now + 200 * MS);
    sender.on_timeout(first);
    assert_eq!(sender.retransmit(first).map(|frame| frame[0]), Some(0));
    assert_eq!(sender.retransmit(first), None);
    let second = sender.next_timeout().unwrap();
    assert_eq!(second, first + 400 * MS);
    sender.on_timeout(second);
    assert_eq!(sender.retransmit(second).map(|frame| frame[0]), Some(0), "a receiver may have room for no other");
    assert_eq!(sender.next_timeout().unwrap(), second + 800 * MS);
}

#[test]
fn karn_takes_no_sample_from_a_repetition() {
    let now = Instant::now();
    let mut sender = sender_with(1, now);
    let at = sender.next_timeout().unwrap();
    sender.on_timeout(at);
    sender.retransmit(at);
    sender.acknowledge(at + MS, 0);
    assert_eq!(sender.round_trip(), None);
}

#[test]
fn reconnect_repeats_everything_in_order() {
    let now = Instant::now();
    let mut sender = sender_with(5, now);
    sender.acknowledge(now, 2);
    sender.on_reconnected();
    let again: Vec<u8> = std::iter::from_fn(|| sender.retransmit(now)).map(|frame| frame[0]).collect();
    assert_eq!(again, [0, 1, 3, 4]);
}

#[test]
fn losses_after_a_reconnect_cost_no_timeout_each() {
    let now = Instant::now();
    let mut sender = sender_with(8, now);
    sender.on_reconnected();
    while sender.retransmit(now).is_some() {}
    sender.acknowledge(now + MS, 7);
    let again: Vec<u8> = std::iter::from_fn(|| sender.retransmit(now + MS)).map(|frame| frame[0]).collect();
    assert_eq!(again, [0, 1, 2, 3, 4]);
}

#[test]
fn fast_probes_double_up_to_the_timeout() {
    let now = Instant::now();
    let mut sender = Sender::new(1 << 20);
    sender.fast_probe();
    sender.push(now, Bytes::from_static(b"first"));
    let mut at = now;
    let mut gaps = Vec::new();
    for _ in 0..6 {
        let next = sender.next_timeout().unwrap();
        gaps.push((next - at).as_millis());
        at = next;
        sender.on_timeout(at);
        assert!(sender.retransmit(at).is_some());
    }
    assert_eq!(gaps, [25, 50, 100, 200, 200, 200]);
}

#[test]
fn the_window_holds_back_but_admits_one() {
    let now = Instant::now();
    let mut sender = Sender::new(0);
    assert_eq!(sender.admit(now, 1 << 20), Admission::Granted, "nothing in flight");
    sender.push(now, Bytes::from(vec![0; 8000]));
    assert_eq!(sender.admit(now, 192), Admission::Granted);
    assert_eq!(sender.admit(now, 193), Admission::Full);
}

#[test]
fn repetitions_after_a_reconnect_are_bounded_by_the_window() {
    let now = Instant::now();
    let mut sender = Sender::new(16 << 20);
    for _ in 0..100 {
        sender.push(now, Bytes::from(vec![0; 32 * 1024]));
    }
    sender.on_reconnected();
    let burst = |sender: &mut Sender| {
        let mut sequences = 0;
        while sender.admit_repeated(now) == Some(Admission::Granted) {
            sender.retransmit(now);
            sequences += 1;
        }
        sequences
    };
    let first = burst(&mut sender);
    assert!((1..=2).contains(&first), "{first} at once");
    let mut repeated = first;
    // What is acknowledged lets more go, and in the end everything.
    for sequence in 0..100 {
        assert!(sequence < repeated, "nothing is in flight after {sequence}");
        sender.acknowledge(now, sequence);
        repeated += burst(&mut sender);
    }
    assert!(sender.is_idle() && repeated == 100);
}

#[test]
fn the_first_of_the_stream_is_repeated_even_into_a_full_window() {
    let now = Instant::now();
    let mut sender = Sender::new(0);
    for _ in 0..20 {
        sender.push(now, Bytes::from(vec![0; 1000]));
    }
    let at = sender.next_timeout().unwrap();
    sender.on_timeout(at);
    assert!(sender.in_flight() > sender.window());
    assert_eq!(sender.admit_repeated(at), Some(Admission::Granted));
}

#[test]
fn a_timeout_that_is_too_short_stays_longer_until_a_round_trip_is_known() {
    let now = Instant::now();
    let mut sender = sender_with(1, now);
    let at = sender.next_timeout().unwrap();
    sender.on_timeout(at);
    sender.retransmit(at);
    // The acknowledgement of the first transmission, on a path of 250 ms.
    sender.acknowledge(now + 250 * MS, 0);
    let next = now + 300 * MS;
    sender.push(next, Bytes::from_static(b"next"));
    assert!(sender.next_timeout().unwrap() >= next + 400 * MS);
    sender.acknowledge(next + 250 * MS, 1);
    assert_eq!(sender.round_trip(), Some(250 * MS));
}
