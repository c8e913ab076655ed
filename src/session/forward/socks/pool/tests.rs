use futures_util::FutureExt;

use super::*;

fn to(port: u16) -> Destination {
    Destination { host: None, port }
}

/// A guard that can be had at once, and the slot if it is a new one.
fn at_once(pool: &Arc<Pool>, port: u16) -> Option<(SlotGuard, Option<Slot>)> {
    pool.guard(&to(port), Instant::now() + Duration::from_mins(1)).now_or_never().map(Result::unwrap)
}

fn is_closed(slot: &Slot) -> bool {
    *slot.closed.borrow() != Stop::Not
}

#[tokio::test]
async fn one_slot_for_each_destination() {
    let pool = Pool::new(2, 1);
    let (first, slot) = at_once(&pool, 1).unwrap();
    let slot = slot.unwrap();
    let (second, none) = at_once(&pool, 1).unwrap();
    assert!(none.is_none(), "it has one");
    drop((first, second));
    assert!(!is_closed(&slot), "no connection waits for it");
}

#[tokio::test]
async fn the_one_that_is_idle_for_longest_makes_room() {
    let pool = Pool::new(3, 1);
    let (busy, busy_slot) = at_once(&pool, 1).unwrap();
    let (older, older_slot) = at_once(&pool, 2).unwrap();
    let (younger, younger_slot) = at_once(&pool, 3).unwrap();
    drop(older);
    drop(younger);
    let four = to(4);
    let mut fourth = pool.guard(&four, Instant::now() + Duration::from_mins(1)).boxed();
    assert!((&mut fourth).now_or_never().is_none());
    // News of others do not cost another one its place.
    pool.changed.notify_waiters();
    assert!((&mut fourth).now_or_never().is_none());
    let (busy_slot, older_slot, younger_slot) = (busy_slot.unwrap(), older_slot.unwrap(), younger_slot.unwrap());
    assert_eq!([&busy_slot, &older_slot, &younger_slot].map(is_closed), [false, true, false]);
    assert!(at_once(&pool, 2).is_none(), "a slot that ends takes no connection");
    drop(older_slot);
    let (_guard, slot) = fourth.now_or_never().unwrap().unwrap();
    assert!(slot.is_some());
    drop(busy);
}

#[tokio::test]
async fn a_long_wait_is_refused_and_a_short_one_gets_what_becomes_idle() {
    let pool = Pool::new(1, 1);
    let (guard, slot) = at_once(&pool, 1).unwrap();
    let slot = slot.unwrap();
    assert_eq!(pool.guard(&to(2), Instant::now()).await.err(), Some(NoRoom));
    assert_eq!(pool.lock().waiting, 0);
    let two = to(2);
    let mut waiting = pool.guard(&two, Instant::now() + Duration::from_mins(1)).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    drop(guard);
    assert!((&mut waiting).now_or_never().is_none());
    assert!(is_closed(&slot));
    drop(slot);
    assert!(waiting.now_or_never().is_some());
}

#[tokio::test]
async fn a_slot_expires_when_it_has_no_guard() {
    let pool = Pool::new(1, 1);
    let (guard, slot) = at_once(&pool, 1).unwrap();
    let slot = slot.unwrap();
    assert!(slot.expires(Duration::ZERO).now_or_never().is_none());
    drop(guard);
    assert!(slot.expires(Duration::from_mins(1)).now_or_never().is_none());
    assert!(slot.expires(Duration::ZERO).now_or_never().is_some());
    assert!(at_once(&pool, 1).is_none());
}

#[tokio::test]
async fn a_guard_of_a_slot_that_is_gone_counts_nowhere() {
    let pool = Pool::new(1, 1);
    let (old, slot) = at_once(&pool, 1).unwrap();
    drop(slot);
    let (_new, slot) = at_once(&pool, 1).unwrap();
    drop(old);
    assert!(slot.is_some_and(|slot| slot.expires(Duration::ZERO).now_or_never().is_none()));
}

#[tokio::test]
async fn closing_waits_for_all() {
    let pool = Pool::new(2, 1);
    let (_guard, slot) = at_once(&pool, 1).unwrap();
    let (stop, mut stopped) = watch::channel(Stop::Finish);
    let mut closing = pool.close(&mut stopped).boxed();
    assert!((&mut closing).now_or_never().is_none());
    assert!(at_once(&pool, 2).is_none());
    assert_eq!(*slot.as_ref().unwrap().closed.borrow(), Stop::Finish);
    stop.send_replace(Stop::Now);
    assert!((&mut closing).now_or_never().is_none());
    assert_eq!(*slot.as_ref().unwrap().closed.borrow(), Stop::Now);
    drop(slot);
    assert_eq!(closing.now_or_never(), Some(false));
}

#[tokio::test]
async fn closing_says_whether_all_went_well() {
    for lost in [false, true] {
        let pool = Pool::new(2, 1);
        let (_guard, slot) = at_once(&pool, 1).unwrap();
        let slot = slot.unwrap();
        if lost {
            slot.lost();
        }
        drop(slot);
        let (_stop, mut stopped) = watch::channel(Stop::Finish);
        assert_eq!(pool.close(&mut stopped).now_or_never(), Some(!lost));
    }
}

#[tokio::test]
async fn sessions_hear_that_others_wait() {
    let pool = Pool::new(1, 1);
    let (_guard, slot) = at_once(&pool, 1).unwrap();
    let slot = slot.unwrap();
    let mut wanted = Box::pin(slot.wanted(false));
    assert!((&mut wanted).now_or_never().is_none());
    let two = to(2);
    let mut waiting = pool.guard(&two, Instant::now() + Duration::from_mins(1)).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(wanted.now_or_never(), Some(true));
    assert!(slot.wanted(true).now_or_never().is_none());
    drop(waiting);
    assert_eq!(slot.wanted(true).now_or_never(), Some(false));
}
