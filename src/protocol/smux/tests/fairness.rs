//! Bulk streams share evenly, and what is small does not wait for them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::pair::{Pair, events};
use crate::protocol::smux::{Command, Config, Decoded, Decoder, Event, Mux, StreamId};

const FRAME: u16 = 1_000;

fn config() -> Config {
    Config { max_frame_data: FRAME, ..Config::default() }
}

fn bulk(mux: &mut Mux, count: usize) -> Vec<StreamId> {
    let streams: Vec<_> = (0..count).map(|_| mux.open().unwrap()).collect();
    for &id in &streams {
        assert_eq!(mux.write(id, vec![0; 200_000].into()), Ok(200_000));
    }
    while mux.poll_transmit(8).is_some() {}
    streams
}

/// Data bytes of each stream in one output, in order.
fn shares(mut out: Bytes) -> Vec<(StreamId, usize)> {
    let mut shares = Vec::new();
    let mut decoder = Decoder::default();
    while let Some(item) = decoder.next(&mut out).unwrap() {
        if let Decoded::Data(id, data) = item {
            shares.push((id, data.len()));
        }
    }
    shares
}

#[test]
fn eight_bulk_streams_get_even_shares_of_any_output() {
    for max in [100, 700, 1_008, 1_024, 5_000, 32_768] {
        let mut pair = Pair::new(config());
        let streams = bulk(pair.client(), 8);
        let mut sent: BTreeMap<StreamId, usize> = BTreeMap::new();
        let mut total = 0;
        while total < 400_000 {
            let out = pair.client().poll_transmit(max).unwrap();
            assert!(out.len() <= max);
            for (id, bytes) in shares(out) {
                *sent.entry(id).or_default() += bytes;
                total += bytes;
            }
            let of = |id| sent.get(id).copied().unwrap_or(0);
            let (least, most) = (streams.iter().map(of).min().unwrap(), streams.iter().map(of).max().unwrap());
            assert!(most - least <= FRAME.into(), "outputs of {max}: {least} against {most} bytes");
        }
    }
}

#[test]
fn a_key_goes_ahead_of_bulk() {
    let mut pair = Pair::new(config());
    let mux = pair.client();
    let keys = mux.open().unwrap();
    bulk(mux, 8);
    mux.poll_transmit(10_000).unwrap();
    mux.write(keys, Bytes::from_static(b"x")).unwrap();
    assert_eq!(shares(mux.poll_transmit(100).unwrap())[0], (keys, 1));
}

#[test]
fn a_key_never_waits_for_more_than_a_frame_of_each_bulk_stream() {
    let mut pair = Pair::new(config());
    let mux = pair.client();
    let keys = mux.open().unwrap();
    let bulks = bulk(mux, 8);
    for _ in 0..100 {
        mux.write(keys, Bytes::from_static(b"x")).unwrap();
        let mut waited: BTreeMap<StreamId, usize> = BTreeMap::new();
        while mux.queued(keys) > 0 {
            for (id, bytes) in shares(mux.poll_transmit(1_008).unwrap()).into_iter().take_while(|(id, _)| *id != keys) {
                *waited.entry(id).or_default() += bytes;
            }
        }
        assert!(bulks.iter().all(|id| waited.get(id).is_none_or(|&bytes| bytes <= FRAME.into())), "{waited:?}");
    }
}

#[test]
fn small_frames_share_an_output() {
    let mut pair = Pair::new(config());
    let streams: Vec<_> = (0..10).map(|_| pair.client().open().unwrap()).collect();
    for &id in &streams {
        pair.client().write(id, Bytes::from_static(b"hello")).unwrap();
        pair.client().finish(id);
    }
    let mut out = pair.client().poll_transmit(1_024).unwrap();
    assert_eq!(pair.client().poll_transmit(1_024), None);
    let (mut decoder, mut commands) = (Decoder::default(), Vec::new());
    while let Some(item) = decoder.next(&mut out).unwrap() {
        if let Decoded::Header(header) = item {
            commands.push((header.id, header.command));
        }
    }
    for id in streams {
        let own: Vec<_> = commands.iter().filter(|(other, _)| *other == id).map(|(_, command)| *command).collect();
        assert_eq!(own, [Command::Syn, Command::Push, Command::Fin]);
    }
}

#[test]
fn bulk_writers_leave_room_for_a_newcomer() {
    let config = Config { send_per_stream: 60_000, send_per_session: 200_000, ..config() };
    let mut pair = Pair::new(config);
    let mux = pair.client();
    for _ in 0..8 {
        let id = mux.open().unwrap();
        while mux.write(id, vec![0; 10_000].into()).unwrap() > 0 {}
    }
    let id = mux.open().unwrap();
    assert_eq!(mux.write(id, vec![0; 1_000].into()), Ok(1_000));
    assert!(mux.queued_total() <= config.send_per_session);
}

#[test]
fn one_write_cannot_take_all_room() {
    let mut pair = Pair::new(Config { send_per_stream: 9_000, send_per_session: 9_000, ..config() });
    let mux = pair.client();
    let id = mux.open().unwrap();
    assert_eq!(mux.write(id, vec![0; 20_000].into()), Ok(1_000));
    mux.poll_transmit(usize::MAX).unwrap();
    assert_eq!(events(mux), [Event::Writable(id)]);
}

#[test]
fn who_was_refused_room_is_told_when_it_is_back() {
    let mut pair = Pair::new(Config { send_per_stream: 1_000, ..config() });
    let mux = pair.client();
    let id = mux.open().unwrap();
    assert_eq!(mux.write(id, vec![1; 1_500].into()), Ok(1_000));
    assert_eq!(mux.write(id, vec![1; 500].into()), Ok(0));
    assert_eq!(events(mux), []);
    mux.poll_transmit(8 + 8 + 300).unwrap();
    assert_eq!((mux.queued(id), events(mux)), (700, vec![]), "too little room to be worth it");
    mux.poll_transmit(8 + 300).unwrap();
    assert_eq!((mux.queued(id), events(mux)), (400, vec![Event::Writable(id)]));
    assert_eq!(mux.write(id, vec![1; 500].into()), Ok(500));
    mux.poll_transmit(usize::MAX).unwrap();
    assert_eq!(events(mux), [], "told only who asked");
}
