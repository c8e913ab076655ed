use super::*;

fn past(lived: Duration, progressed: bool, oldest: Option<i64>) -> Past {
    Past { reason: "cut".to_owned(), lived, progressed, refused: false, oldest, probing: false }
}

/// How many connections like these there are before it is given up; each is tried at the sleep's end.
async fn tries(pacing: &mut Pacing, past: impl Fn(u32) -> Past) -> (u32, End) {
    for number in 1.. {
        if let Err(end) = pacing.lost(past(number)) {
            return (number, end);
        }
        if let Some(reason) = pacing.take_unpaused()
            && let Err(end) = pacing.failed(reason).await
        {
            return (number, end);
        }
    }
    unreachable!("there is an end")
}

#[tokio::test(start_paused = true)]
async fn a_service_that_closes_each_connection_is_left_after_ten() {
    let started = now();
    let ended = tries(&mut Pacing::new(), |_| Past { refused: true, ..past(Duration::ZERO, false, None) }).await;
    assert!(matches!(ended, (10, End::Rejected(_))), "{ended:?}");
    assert!((Duration::from_secs(20)..Duration::from_mins(2)).contains(&(now() - started)));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_never_answered_is_left_whatever_else_gets_through() {
    for (lived, progressed) in [(0, false), (0, true), (50, false), (50, true)] {
        let past = |_| past(Duration::from_secs(lived), progressed, Some(7));
        let ended = tries(&mut Pacing::new(), past).await;
        assert!(matches!(ended, (10, End::Rejected(_))), "{ended:?}");
        let ended = tries(&mut Pacing::new(), |_| Past { probing: true, ..past(0) }).await;
        assert!(matches!(ended, (3, End::Rejected(_))), "{ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_bring_nothing_are_left_after_forty_with_growing_pauses() {
    let started = now();
    let ended = tries(&mut Pacing::new(), |_| past(Duration::ZERO, false, None)).await;
    assert!(matches!(ended, (40, End::Rejected(_))), "{ended:?}");
    assert!((Duration::from_mins(4)..Duration::from_mins(11)).contains(&(now() - started)));
}

#[tokio::test(start_paused = true)]
async fn a_network_without_a_connection_is_waited_for_an_hour() {
    let (started, mut pacing) = (now(), Pacing::new());
    while pacing.failed("no route".to_owned()).await.is_ok() {}
    assert!((KEPT_BY_SERVICE..2 * KEPT_BY_SERVICE).contains(&(now() - started)));
}

#[tokio::test(start_paused = true)]
async fn progress_and_a_long_life_make_up_for_failures_and_a_short_life_does_not() {
    let mut pacing = Pacing::new();
    let mut pauses = |past: Past| {
        assert!(pacing.lost(past).is_ok());
        pacing.take_unpaused().is_some()
    };
    for oldest in 0..100 {
        assert!(!pauses(past(Duration::from_millis(300), true, Some(oldest))));
        assert!(!pauses(past(LIVES, false, None)));
        assert!(pauses(past(LIVES / 2, false, None)));
        assert!(pauses(past(Duration::from_millis(300), false, Some(oldest))));
    }
}

#[tokio::test(start_paused = true)]
async fn the_cut_of_every_hour_ends_no_session_whose_destination_does_not_read() {
    let mut pacing = Pacing::new();
    for _ in 0..100 {
        assert!(pacing.lost(past(Duration::from_hours(1), false, Some(7))).is_ok());
        assert!(pacing.take_unpaused().is_none());
    }
}
