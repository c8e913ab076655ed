use futures_util::FutureExt;

use super::*;

fn to(port: u16) -> Destination {
    Destination { host: None, port }
}

/// A lease that can be had at once, and the seat if it is a new one.
fn at_once(pool: &Arc<Pool>, port: u16) -> Option<(Lease, Option<Seat>)> {
    pool.lease(&to(port), Instant::now() + Duration::from_secs(60)).now_or_never().map(Result::unwrap)
}

fn is_closed(seat: &Seat) -> bool {
    *seat.closed.borrow()
}

#[tokio::test]
async fn one_place_for_each_destination() {
    let pool = Pool::new(2, 1);
    let (first, seat) = at_once(&pool, 1).unwrap();
    let seat = seat.unwrap();
    let (second, none) = at_once(&pool, 1).unwrap();
    assert!(none.is_none(), "it has one");
    drop((first, second));
    assert!(!is_closed(&seat), "nobody waits for it");
}

#[tokio::test]
async fn the_one_that_is_idle_for_longest_makes_room() {
    let pool = Pool::new(3, 1);
    let (busy, busy_seat) = at_once(&pool, 1).unwrap();
    let (older, older_seat) = at_once(&pool, 2).unwrap();
    let (younger, younger_seat) = at_once(&pool, 3).unwrap();
    drop(older);
    drop(younger);
    let four = to(4);
    let mut fourth = pool.lease(&four, Instant::now() + Duration::from_secs(60)).boxed();
    assert!((&mut fourth).now_or_never().is_none());
    // News of others do not cost another one its place.
    pool.changed.notify_waiters();
    assert!((&mut fourth).now_or_never().is_none());
    let (busy_seat, older_seat, younger_seat) = (busy_seat.unwrap(), older_seat.unwrap(), younger_seat.unwrap());
    assert_eq!([&busy_seat, &older_seat, &younger_seat].map(is_closed), [false, true, false]);
    assert!(at_once(&pool, 2).is_none(), "what ends takes nobody in");
    drop(older_seat);
    let (_lease, seat) = fourth.now_or_never().unwrap().unwrap();
    assert!(seat.is_some());
    drop(busy);
}

#[tokio::test]
async fn who_waits_too_long_is_refused_and_who_waits_gets_what_becomes_idle() {
    let pool = Pool::new(1, 1);
    let (lease, seat) = at_once(&pool, 1).unwrap();
    let seat = seat.unwrap();
    assert_eq!(pool.lease(&to(2), Instant::now()).await.err(), Some(NoRoom));
    assert_eq!(pool.lock().waiting, 0);
    let two = to(2);
    let mut waiting = pool.lease(&two, Instant::now() + Duration::from_secs(60)).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    drop(lease);
    assert!((&mut waiting).now_or_never().is_none());
    assert!(is_closed(&seat));
    drop(seat);
    assert!(waiting.now_or_never().is_some());
}

#[tokio::test]
async fn a_place_expires_when_nobody_has_a_lease() {
    let pool = Pool::new(1, 1);
    let (lease, seat) = at_once(&pool, 1).unwrap();
    let seat = seat.unwrap();
    assert!(seat.expires(Duration::ZERO).now_or_never().is_none());
    drop(lease);
    assert!(seat.expires(Duration::from_secs(60)).now_or_never().is_none());
    assert!(seat.expires(Duration::ZERO).now_or_never().is_some());
    assert!(at_once(&pool, 1).is_none());
}

#[tokio::test]
async fn a_lease_of_a_place_that_is_gone_counts_nowhere() {
    let pool = Pool::new(1, 1);
    let (old, seat) = at_once(&pool, 1).unwrap();
    drop(seat);
    let (_new, seat) = at_once(&pool, 1).unwrap();
    drop(old);
    assert!(seat.is_some_and(|seat| seat.expires(Duration::ZERO).now_or_never().is_none()));
}

#[tokio::test]
async fn closing_waits_for_all() {
    let pool = Pool::new(2, 1);
    let (_lease, seat) = at_once(&pool, 1).unwrap();
    let mut closing = pool.close().boxed();
    assert!((&mut closing).now_or_never().is_none());
    assert!(at_once(&pool, 2).is_none());
    assert!(is_closed(seat.as_ref().unwrap()));
    drop(seat);
    assert!(closing.now_or_never().is_some());
}
