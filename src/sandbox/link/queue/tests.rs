use super::*;

fn frame(n: u32) -> Bytes {
    Bytes::copy_from_slice(&n.to_be_bytes())
}

/// What comes out of 200 frames that went in at once.
fn fates(faults: Faults, seed: u64) -> Vec<Bytes> {
    let mut queue = Queue::new(faults, seed);
    let now = Instant::now();
    for n in 0..200 {
        queue.push(now, frame(n));
    }
    let later = now + Duration::from_secs(1);
    std::iter::from_fn(|| queue.take(later).ok()).map(|entry| entry.frame).collect()
}

#[test]
fn keeps_order_without_faults() {
    assert_eq!(fates(Faults::default(), 1), (0..200).map(frame).collect::<Vec<_>>());
}

#[test]
fn one_seed_one_fate() {
    let faults = Faults { drop: 0.2, duplicate: 0.1, ..Faults::default() };
    let first = fates(faults, 42);
    assert_eq!(first, fates(faults, 42));
    assert_ne!(first, fates(faults, 43));
    let mut distinct = first.clone();
    distinct.dedup();
    assert!(distinct.len() < 190, "some were lost");
    assert!(first.len() > distinct.len(), "some came twice");
}

#[test]
fn reordering_loses_nothing() {
    let mut arrived = fates(Faults { reorder: 0.3, ..Faults::default() }, 9);
    assert!(!arrived.is_sorted());
    arrived.sort();
    assert_eq!(arrived, (0..200).map(frame).collect::<Vec<_>>());
}

#[test]
fn delayed_frames_are_not_due_before() {
    let delay = Duration::from_millis(5);
    let mut queue = Queue::new(Faults { delay, ..Faults::default() }, 0);
    let now = Instant::now();
    queue.push(now, frame(1));
    assert_eq!(queue.take(now), Err(Some(now + delay)));
    assert!(queue.take(now + delay).is_ok());
    assert_eq!(queue.take(now + delay), Err(None));
}

#[test]
fn frames_under_way_count() {
    let mut queue = Queue::new(Faults::default(), 0);
    let now = Instant::now();
    queue.push(now, Bytes::from(vec![0; MOST_BYTES]));
    let entry = queue.take(now).unwrap();
    assert!(queue.is_full());
    queue.put_back(entry);
    let entry = queue.take(now).unwrap();
    queue.release(&entry);
    assert!(!queue.is_full());
    assert_eq!(queue.released(), 1);
}
