//! Tests of the pace, in virtual time, against services that have too much as each test says.

use std::cell::{Cell, RefCell};
use std::future::pending;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::aws::error::Cause;

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// A service that answers after a round trip.
struct Service<F> {
    /// Whether the next request is one too many.
    is_too_much: RefCell<F>,
    under_way: Cell<usize>,
    /// The most that were under way.
    most: Cell<usize>,
    asked: Cell<usize>,
}

impl<F: FnMut() -> bool> Service<F> {
    fn new(is_too_much: F) -> Self {
        let is_too_much = RefCell::new(is_too_much);
        Self { is_too_much, under_way: Cell::default(), most: Cell::default(), asked: Cell::default() }
    }

    async fn ask(&self) -> Result<(), Error> {
        self.asked.set(self.asked.get() + 1);
        self.under_way.set(self.under_way.get() + 1);
        self.most.set(self.most.get().max(self.under_way.get()));
        sleep(ROUND_TRIP).await;
        self.under_way.set(self.under_way.get() - 1);
        if self.is_too_much.borrow_mut()() { Err(too_many()) } else { Ok(()) }
    }

    /// Makes so many requests. Returns how long that took, and how many of them were given up.
    async fn answers(&self, requests: usize) -> (Duration, usize) {
        let (limit, start) = (Limit::default(), Instant::now());
        let asked = (0..requests).map(|_| limit.patiently(Duration::from_secs(1), || self.ask()));
        let failed = join_all(asked).await.into_iter().filter(Result::is_err).count();
        (start.elapsed(), failed)
    }
}

fn too_many() -> Error {
    Error::new(ErrorKind::Throttled, Cause::Refused, "ssm:DescribeInstanceInformation", "Rate exceeded".to_owned())
}

/// A number that follows from the one before (SplitMix64).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[tokio::test(start_paused = true)]
async fn a_patient_service_is_asked_for_much_at_a_time_and_not_for_more() {
    let service = Service::new(|| false);
    let (took, failed) = service.answers(200).await;
    assert_eq!((failed, service.asked.get(), service.most.get()), (0, 200, MOST));
    // 8, 16 and then 32 at a time.
    assert!(took <= ROUND_TRIP * 8, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn where_one_in_five_is_too_many_all_are_answered_soon() {
    for seed in 0..100 {
        let mut random = seed;
        let service = Service::new(move || next(&mut random).is_multiple_of(5));
        let (took, failed) = service.answers(205).await;
        assert!(failed == 0 && service.most.get() <= MOST, "seed {seed}: {failed} failed");
        assert!(took <= Duration::from_secs(12), "seed {seed}: {took:?} with {} requests", service.asked.get());
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_empty_is_not_asked_in_vain_all_the_time() {
    for (size, refill) in [(40, 10), (100, 20), (10, 5)] {
        let start = Instant::now();
        let mut given = 0;
        let service = Service::new(move || {
            let there = size + start.elapsed().as_secs() * refill;
            given += u64::from(given < there);
            given == there
        });
        let (took, failed) = service.answers(100).await;
        assert_eq!(failed, 0, "{size} and {refill}/s");
        let least = Duration::from_secs(100_u64.saturating_sub(size) / refill);
        assert!(took <= least * 3 / 2 + Duration::from_secs(5), "{size} and {refill}/s: {took:?}");
        assert!(service.asked.get() <= 300, "{size} and {refill}/s: {} requests", service.asked.get());
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_has_enough_is_given_up_after_half_a_minute() {
    let service = Service::new(|| true);
    let (took, failed) = service.answers(1).await;
    assert_eq!((failed, service.asked.get()), (1, ROUNDS as usize + 1));
    assert!((20..60).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_together_halves_it_once_and_gives_its_turns_back() {
    let limit = Limit::default();
    let together = join_all((0..FIRST).map(|_| limit.turn())).await;
    together.iter().for_each(Turn::was_too_much);
    assert_eq!((limit.state().allowed(), limit.free.available_permits()), (FIRST / 2, 0));
    drop(together);
    assert_eq!((limit.state().turns, limit.free.available_permits()), (FIRST / 2, FIRST / 2));
    for _ in 0..FIRST {
        limit.turn().await.was_too_much();
    }
    assert_eq!((limit.state().turns, limit.free.available_permits()), (1, 1));
    for _ in 0..16 * MOST {
        limit.turn().await.was_answered();
    }
    assert_eq!((limit.state().turns, limit.free.available_permits()), (MOST, MOST));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_gives_its_turn_back() {
    let limit = Limit::default();
    for _ in 0..FIRST * 2 {
        let asked = limit.patiently(Duration::from_secs(1), pending::<Result<(), Error>>);
        assert!(tokio::time::timeout(ROUND_TRIP, asked).await.is_err());
    }
    assert_eq!(limit.free.available_permits(), FIRST);
}
