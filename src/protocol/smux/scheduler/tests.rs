use super::*;

const BULK: [StreamId; 2] = [StreamId(3), StreamId(5)];
const KEYS: StreamId = StreamId(7);

/// Sends `count` frames of at most `frame` bytes, and says which streams they were of.
fn send(scheduler: &mut Scheduler, count: usize, frame: usize) -> Vec<u32> {
    let mut order = Vec::new();
    for _ in 0..count {
        let (id, credit) = scheduler.next().unwrap();
        scheduler.sent(id, credit.min(frame));
        order.push(id.0);
    }
    order
}

#[test]
fn turns_are_even_also_when_frames_are_cut() {
    let mut scheduler = Scheduler::new(100);
    BULK.iter().for_each(|&id| scheduler.wake(id));
    assert_eq!(send(&mut scheduler, 4, 100), [3, 5, 3, 5]);
    assert_eq!(send(&mut scheduler, 8, 60), [3, 3, 5, 5, 3, 3, 5, 5]);
}

#[test]
fn what_begins_goes_first_but_once_a_round() {
    let mut scheduler = Scheduler::new(100);
    BULK.iter().for_each(|&id| scheduler.wake(id));
    assert_eq!(send(&mut scheduler, 3, 100), [3, 5, 3]);

    scheduler.wake(KEYS);
    assert_eq!(scheduler.next(), Some((KEYS, 100)));
    scheduler.sent(KEYS, 1);
    scheduler.idle();
    scheduler.wake(KEYS);
    assert_eq!(send(&mut scheduler, 1, 100), [5], "it may not pass twice in a round");
    assert_eq!(scheduler.next(), Some((KEYS, 99)));
}

#[test]
fn new_streams_without_end_do_not_starve_the_others() {
    let mut scheduler = Scheduler::new(100);
    BULK.iter().for_each(|&id| scheduler.wake(id));
    send(&mut scheduler, 3, 100);
    let (mut new, mut old) = (0, 0);
    for id in (9..2_009).map(StreamId) {
        scheduler.wake(id);
        let mut waiting = true;
        while waiting {
            let (next, credit) = scheduler.next().unwrap();
            if BULK.contains(&next) {
                scheduler.sent(next, credit);
                old += credit;
            } else if next == id {
                scheduler.sent(next, 60);
                new += 60;
                waiting = false;
            } else {
                scheduler.idle();
            }
        }
        scheduler.forget(id);
    }
    assert_eq!(scheduler.len(), BULK.len());
    assert!(old * (AHEAD + 1) > new, "{old} against {new} bytes");
}

#[test]
fn idle_streams_are_forgotten() {
    let mut scheduler = Scheduler::new(100);
    BULK.iter().for_each(|&id| scheduler.wake(id));
    while scheduler.next().is_some() {
        scheduler.idle();
    }
    assert_eq!(scheduler.len(), 0);
}
