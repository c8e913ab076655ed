//! Each limit and what happens at it.

use std::time::Duration;

use bytes::Bytes;

use super::pair::{Pair, events, noise, read_all};
use crate::protocol::smux::{Config, Event, KeepAlive, OpenError, SessionError, StreamId, WriteError};

const NOP: [u8; 8] = [1, 3, 0, 0, 0, 0, 0, 0];

#[test]
fn a_stalled_stream_stops_no_other_before_its_limit() {
    let config = Config { receive_per_stream: 100_000, ..Config::default() };
    let mut pair = Pair::new(config);
    let [stalled, lively] = [(); 2].map(|()| pair.client().open().unwrap());
    let (mut stuck, mut wanted, mut got) = (noise(1, 1_000_000), noise(2, 90_000), Vec::new());
    let unread = wanted.clone();
    let whole = stuck.clone();
    while !wanted.is_empty() {
        let part = stuck.split_to(1_000);
        assert_eq!(pair.client().write(stalled, part), Ok(1_000));
        assert_eq!(pair.client().write(lively, wanted.split_to(1_000)), Ok(1_000));
        pair.settle();
        got.extend(read_all(pair.server(), lively));
    }
    assert_eq!((&got[..], pair.server().unread(stalled)), (&unread[..], 90_000));
    assert!(pair.server().can_receive());

    pair.client().write(stalled, stuck.split_to(200_000)).unwrap();
    pair.client().write(lively, Bytes::from_static(b"late")).unwrap();
    pair.settle();
    assert!(!pair.server().can_receive(), "the channel is not read at the limit");
    assert!((100_000..100_000 + 1_024).contains(&pair.server().unread(stalled)), "passed by a chunk at most");

    let mut rest = read_all(pair.server(), stalled);
    pair.settle();
    assert_eq!(read_all(pair.server(), lively), b"late");
    while pair.server().unread(stalled) > 0 {
        rest.extend(read_all(pair.server(), stalled));
        pair.settle();
    }
    assert_eq!(rest, whole[..290_000], "nothing was dropped");
}

#[test]
fn many_stalled_streams_stop_the_session_at_its_limit() {
    let config = Config { receive_per_stream: 50_000, receive_per_session: 100_000, ..Config::default() };
    let mut pair = Pair::new(config);
    let streams = [(); 4].map(|()| pair.client().open().unwrap());
    for id in streams {
        pair.client().write(id, noise(0, 40_000)).unwrap();
    }
    pair.settle();
    assert!((100_000..101_024).contains(&pair.server().unread_total()));
    let got: usize = streams.map(|id| read_all(pair.server(), id).len()).iter().sum();
    assert_eq!((pair.server().unread_total(), pair.server().can_receive()), (0, true));
    pair.settle();
    assert_eq!(got + pair.server().unread_total(), 160_000);
}

#[test]
fn closing_a_stalled_stream_makes_room() {
    let mut pair = Pair::new(Config { receive_per_stream: 1_000, ..Config::default() });
    let [stalled, lively] = [(); 2].map(|()| pair.client().open().unwrap());
    pair.client().write(stalled, noise(0, 50_000)).unwrap();
    pair.settle();
    pair.client().write(lively, Bytes::from_static(b"x")).unwrap();
    assert!(!pair.server().can_receive());
    pair.server().close(stalled);
    assert_eq!(pair.server().unread_total(), 0);
    pair.settle();
    assert_eq!((pair.server().unread_total(), read_all(pair.server(), lively)), (1, b"x".to_vec()));
    assert_eq!(events(pair.client()), [Event::Finished(stalled)]);
}

#[test]
fn streams_beyond_the_limit_are_refused() {
    let mut pair = Pair::new(Config { max_streams: 2, ..Config::default() });
    let first = pair.client().open().unwrap();
    pair.client().open().unwrap();
    assert_eq!(pair.client().open(), Err(OpenError::TooManyStreams));
    assert_eq!(pair.server().open(), Err(OpenError::NotClient));

    // A client with a higher limit than the server's.
    let now = pair.now;
    let syn = |id: u8| Bytes::copy_from_slice(&[1, 0, 0, 0, id, 0, 0, 0]);
    for id in [3, 5, 7, 9] {
        assert!(pair.server().can_receive());
        pair.server().handle_data(now, syn(id)).unwrap();
    }
    assert!(!pair.server().can_receive(), "refusals are bounded too");
    assert_eq!(events(pair.server()), [Event::Opened(StreamId(3)), Event::Opened(StreamId(5))]);
    let refusals = [1, 1, 0, 0, 7, 0, 0, 0, 1, 1, 0, 0, 9, 0, 0, 0];
    assert_eq!(pair.server().poll_transmit(100).as_deref(), Some(&refusals[..]));
    assert!(pair.server().can_receive());

    pair.client().close(first);
    pair.settle();
    assert!(pair.client().open().is_ok());
}

#[test]
fn keep_alive_sends_nops_and_ends_a_silent_session() {
    let mut pair = Pair::new(Config { keep_alive: Some(KeepAlive::default()), ..Config::default() });
    let start = pair.now;
    let at = |seconds| start + Duration::from_secs(seconds);
    let mux = pair.client();
    let id = mux.open().unwrap();
    mux.poll_transmit(100).unwrap();
    assert_eq!(mux.poll_timeout(), Some(at(10)));
    mux.handle_timeout(at(10));
    assert_eq!(mux.poll_transmit(100).as_deref(), Some(&NOP[..]));
    mux.handle_timeout(at(30));
    assert_eq!(events(mux), [Event::Closed(SessionError::TimedOut)]);
    assert_eq!((mux.poll_transmit(100), mux.poll_timeout()), (None, None));
    assert_eq!(mux.write(id, Bytes::from_static(b"x")), Err(WriteError::Session(SessionError::TimedOut)));
    assert_eq!(mux.open(), Err(OpenError::Session(SessionError::TimedOut)));
    assert_eq!(mux.handle_data(at(30), Bytes::from_static(b"x")), Err(SessionError::TimedOut));
}

#[test]
fn a_peer_that_only_sends_nops_is_alive() {
    let mut pair = Pair::new(Config { keep_alive: Some(KeepAlive::default()), ..Config::default() });
    for seconds in (10..1_000).step_by(10) {
        pair.now += Duration::from_secs(10);
        let now = pair.now;
        assert_eq!(pair.server().poll_timeout(), Some(now), "after {seconds} s");
        pair.server().handle_timeout(now);
        pair.client().handle_timeout(now);
        pair.settle();
    }
    assert_eq!((events(pair.client()), events(pair.server())), (vec![], vec![]));
}

#[test]
fn without_keep_alive_there_is_no_timer() {
    let mut pair = Pair::new(Config::default());
    let later = pair.now + Duration::from_secs(1_000_000);
    assert_eq!(pair.client().poll_timeout(), None);
    pair.client().handle_timeout(later);
    assert_eq!((pair.client().poll_transmit(100), events(pair.client())), (None, vec![]));
}

#[test]
fn unsent_nops_do_not_pile_up() {
    let config = Config { keep_alive: Some(KeepAlive::default()), ..Config::default() };
    let mut pair = Pair::new(config);
    let now = pair.now;
    for second in (10..1_000).step_by(10) {
        let now = now + Duration::from_secs(second);
        pair.client().handle_data(now, Bytes::from_static(&NOP)).unwrap();
        pair.client().handle_timeout(now);
    }
    assert_eq!(pair.client().poll_transmit(usize::MAX).map(|out| out.len()), Some(8));
}
