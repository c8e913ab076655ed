use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use super::super::queue::{MOST_BYTES, MOST_FRAMES};
use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

fn frame(n: u32) -> Bytes {
    Bytes::copy_from_slice(&n.to_be_bytes())
}

async fn take(lane: &Lane) -> Option<Bytes> {
    match timeout(DEADLINE, lane.next()).await.expect("a frame in time")? {
        LinkEvent::Frame(frame) => Some(frame),
        LinkEvent::Reconnected => panic!("not cut"),
    }
}

#[tokio::test]
async fn a_full_lane_makes_the_writer_wait() {
    let lane = Lane::new(Faults::default(), 0);
    for n in 0..MOST_FRAMES as u32 {
        assert_eq!(lane.try_push(frame(n)), Ok(None));
    }
    assert_eq!(lane.try_push(frame(7)), Ok(Some(frame(7))));
    let mut waiting = Box::pin(lane.push(frame(7)));
    let pending = std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending())).await;
    assert!(pending);
    assert_eq!(take(&lane).await, Some(frame(0)));
    timeout(DEADLINE, waiting).await.unwrap().unwrap();
    assert_eq!(lane.try_push(frame(8)), Ok(Some(frame(8))));
}

#[tokio::test]
async fn bytes_fill_it_too() {
    let lane = Lane::new(Faults::default(), 0);
    let big = Bytes::from(vec![0; MOST_BYTES - 1]);
    assert_eq!(lane.try_push(big.clone()), Ok(None));
    assert_eq!(lane.try_push(big.clone()), Ok(None), "a lane below its bound takes any frame");
    assert_eq!(lane.try_push(frame(1)), Ok(Some(frame(1))));
}

#[tokio::test]
async fn a_batch_that_was_not_sent_goes_back_to_its_place() {
    let lane = Lane::new(Faults::default(), 0);
    for n in 0..5 {
        lane.push(frame(n)).await.unwrap();
    }
    drop(lane.batch(3).await.unwrap());
    let batch = lane.batch(2).await.unwrap();
    assert_eq!(batch.frames().collect::<Vec<_>>(), [frame(0), frame(1)]);
    batch.sent();
    assert_eq!(take(&lane).await, Some(frame(2)));
}

#[tokio::test]
async fn close_lets_out_what_is_in_and_abort_does_not() {
    let lane = Lane::new(Faults::default(), 0);
    lane.push(frame(1)).await.unwrap();
    lane.close();
    assert_eq!(lane.push(frame(2)).await, Err(LinkClosed));
    assert_eq!(take(&lane).await, Some(frame(1)));
    assert_eq!(take(&lane).await, None);

    let lane = Lane::new(Faults::default(), 0);
    lane.push(frame(1)).await.unwrap();
    lane.abort();
    assert_eq!(take(&lane).await, None);
    timeout(DEADLINE, lane.writable()).await.unwrap();
}

#[tokio::test]
async fn a_cut_is_told() {
    let lane = Lane::new(Faults::default(), 0);
    lane.push(frame(1)).await.unwrap();
    lane.cut();
    lane.push(frame(2)).await.unwrap();
    assert_eq!(lane.next().await, Some(LinkEvent::Reconnected));
    assert_eq!(take(&lane).await, Some(frame(2)));
}
