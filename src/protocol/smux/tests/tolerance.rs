//! What a peer may do that it should not: the session ends where the reference implementation ends it, and goes on
//! where that goes on.

use std::time::Instant;

use bytes::Bytes;

use super::pair::{Pair, events, noise, read_all};
use crate::protocol::Role;
use crate::protocol::smux::{Command, Config, Event, Header, Mux, ProtocolError, SessionError, StreamId, WriteError};

const ID: StreamId = StreamId(3);

fn frame(command: Command, id: StreamId, data: &[u8]) -> Vec<u8> {
    let length = data.len().try_into().unwrap();
    [&Header { command, length, id }.encode(), data].concat()
}

fn receive(mux: &mut Mux, frames: &[Vec<u8>]) {
    mux.handle_data(Instant::now(), frames.concat().into()).unwrap();
}

fn mux(role: Role) -> Mux {
    Mux::new(role, Config::default(), Instant::now())
}

#[test]
fn another_version_or_command_ends_the_session_for_good() {
    let cases = [
        ([2, 2, 1, 0, 3, 0, 0, 0], ProtocolError::Version(2)),
        ([1, 4, 8, 0, 3, 0, 0, 0], ProtocolError::Command(4)),
        ([1, 3, 1, 0, 0, 0, 0, 0], ProtocolError::Length { command: Command::Nop, length: 1 }),
    ];
    for (bytes, error) in cases {
        let mut mux = mux(Role::Agent);
        receive(&mut mux, &[frame(Command::Syn, ID, b""), frame(Command::Push, ID, b"before")]);
        mux.write(ID, Bytes::from_static(b"answer")).unwrap();
        let error = SessionError::Protocol(error);
        for bytes in [Bytes::copy_from_slice(&bytes), frame(Command::Syn, StreamId(5), b"").into()] {
            assert_eq!(mux.handle_data(Instant::now(), bytes), Err(error));
        }
        assert_eq!(events(&mut mux), [Event::Opened(ID), Event::Readable(ID), Event::Closed(error)]);
        assert_eq!(read_all(&mut mux, ID), b"before", "what had arrived can be read");
        assert_eq!(mux.write(ID, Bytes::from_static(b"x")), Err(WriteError::Session(error)));
        assert_eq!(mux.poll_transmit(100), None);
    }
}

#[test]
fn frames_without_effect_are_counted() {
    let mut mux = mux(Role::Agent);
    receive(
        &mut mux,
        &[
            frame(Command::Push, StreamId(9), b"to no stream"),
            frame(Command::Fin, StreamId(9), b""),
            frame(Command::Syn, ID, b""),
            frame(Command::Push, ID, b"a"),
            frame(Command::Syn, ID, b""),
            frame(Command::Push, ID, b""),
            frame(Command::Push, ID, b"b"),
            frame(Command::Fin, ID, b""),
            frame(Command::Fin, ID, b""),
            frame(Command::Push, ID, b"after the end"),
        ],
    );
    assert_eq!(mux.ignored_frames(), 6);
    assert_eq!(events(&mut mux), [Event::Opened(ID), Event::Readable(ID)]);
    assert_eq!(read_all(&mut mux, ID), b"ab");
    assert_eq!(events(&mut mux), [Event::Finished(ID)]);
    assert_eq!(mux.poll_transmit(100), None, "no answer to any of it");
}

#[test]
fn a_client_has_no_streams_opened_on_it() {
    let mut mux = mux(Role::Client);
    receive(&mut mux, &[frame(Command::Syn, StreamId(2), b""), frame(Command::Push, StreamId(2), b"data")]);
    assert_eq!((events(&mut mux), mux.unread_total(), mux.ignored_frames()), (vec![], 0, 2));
}

#[test]
fn ids_are_odd_from_three_and_run_out() {
    let mut mux = mux(Role::Client);
    let ids: Vec<_> = (0..4).map(|_| mux.open().unwrap().0).collect();
    assert_eq!(ids, [3, 5, 7, 9]);
    mux.skip_to(u32::MAX - 2);
    assert_eq!((mux.open().unwrap().0, mux.open().unwrap().0), (u32::MAX - 2, u32::MAX));
    assert_eq!(mux.open().unwrap_err().to_string(), "stream ids are exhausted");
    assert!(mux.open().is_err());
}

#[test]
fn either_direction_can_end_first() {
    let mut pair = Pair::new(Config::default());
    let id = pair.client().open().unwrap();
    pair.client().write(id, Bytes::from_static(b"question")).unwrap();
    pair.client().finish(id);
    assert_eq!(pair.client().write(id, Bytes::from_static(b"more")), Err(WriteError::Finished));
    pair.settle();
    assert_eq!(events(pair.server()), [Event::Opened(id), Event::Readable(id)]);
    assert_eq!(read_all(pair.server(), id), b"question");
    assert_eq!(events(pair.server()), [Event::Finished(id)]);

    pair.server().write(id, Bytes::from_static(b"answer")).unwrap();
    pair.server().finish(id);
    pair.settle();
    assert_eq!(pair.server().streams().len(), 0);
    assert_eq!(events(pair.client()), [Event::Readable(id)]);
    assert!(!pair.client().is_finished(id));
    assert_eq!(read_all(pair.client(), id), b"answer");
    assert!(pair.client().is_finished(id));
    assert_eq!(events(pair.client()), [Event::Finished(id)]);
    assert_eq!(pair.client().streams().len(), 0);
    assert_eq!(pair.client().write(id, Bytes::new()), Err(WriteError::UnknownStream));
}

#[test]
fn a_closed_stream_is_forgotten_but_sends_what_it_took() {
    let mut pair = Pair::new(Config::default());
    let id = pair.client().open().unwrap();
    pair.client().write(id, Bytes::from_static(b"last words")).unwrap();
    pair.client().close(id);
    assert_eq!(pair.client().write(id, Bytes::from_static(b"x")), Err(WriteError::Finished));
    pair.settle();
    assert_eq!(pair.client().streams().len(), 0);
    assert_eq!(events(pair.server()), [Event::Opened(id), Event::Readable(id)]);
    assert_eq!(read_all(pair.server(), id), b"last words");

    pair.server().write(id, Bytes::from_static(b"too late")).unwrap();
    pair.server().finish(id);
    pair.settle();
    assert_eq!((events(pair.client()), pair.client().unread_total(), pair.client().ignored_frames()), (vec![], 0, 2));
    assert_eq!(events(pair.server()), [Event::Finished(id)]);
    assert_eq!(pair.server().streams().len(), 0);
}

#[test]
fn a_stream_that_we_closed_is_remembered_until_the_agent_has_finished_it() {
    let mut pair = Pair::new(Config::default());
    let [used, unused, early] = [(); 3].map(|()| pair.client().open().unwrap());
    for id in [used, early] {
        pair.client().write(id, noise(0, 10)).unwrap();
    }
    pair.settle();
    assert!(pair.client().awaits_end(used) && !pair.client().awaits_end(unused), "nothing was sent on it");
    pair.server().finish(early);
    pair.settle();
    assert!(!pair.client().awaits_end(early));
    for id in [used, unused, early] {
        pair.client().close(id);
    }
    pair.settle();
    assert_eq!(pair.client().streams().len(), 0);
    assert!(pair.client().awaits_ends() && pair.client().awaits_end(used));
    pair.server().close(used);
    pair.settle();
    assert!(!pair.client().awaits_ends());
}

#[test]
fn what_is_remembered_of_an_agent_that_finishes_nothing_is_bounded() {
    let mut mux = mux(Role::Client);
    for _ in 0..10_000 {
        let id = mux.open().unwrap();
        mux.write(id, Bytes::from_static(b"x")).unwrap();
        mux.close(id);
        while mux.poll_transmit(1_000).is_some() {}
    }
    assert!(mux.awaits_ends() && !mux.awaits_end(StreamId(3)), "the oldest are forgotten");
}
