//! What must hold for any bytes whatever: one function for the test that runs the corpus and for the fuzzer, which
//! includes this file.

use std::time::Instant;

use bytes::Bytes;

use crate::protocol::Role;
use crate::protocol::smux::{Config, Decoded, Decoder, Event, HEADER_LEN, Header, Mux, ProtocolError, StreamId};

/// Feeds `bytes` to the decoder and to both roles.
///
/// # Panics
/// When something does not hold: frames depend on where the bytes are cut, do not encode to what they were decoded
/// from, a limit is passed by more than a chunk, or a peer would not understand what is sent.
pub(crate) fn check(bytes: &[u8]) {
    let (whole, frames, error) = decode(bytes, |left| left);
    assert!(bytes.starts_with(&frames));
    for cuts in [|_| 1, |left: usize| left.min(left % 13 + 1)] {
        let (pieces, again, same_error) = decode(bytes, cuts);
        assert!((&pieces, &again, same_error) == (&whole, &frames, error));
    }
    for role in [Role::Client, Role::Agent] {
        for chunk in [1, 7, 1_024, usize::MAX] {
            drive(role, bytes, chunk.min(bytes.len()).max(1));
        }
    }
}

/// The headers that `bytes` hold, everything decoded encoded again, and the error at which it ended.
fn decode(bytes: &[u8], cut: fn(usize) -> usize) -> (Vec<Header>, Vec<u8>, Option<ProtocolError>) {
    let (mut headers, mut frames) = (Vec::new(), Vec::new());
    let (mut decoder, mut left) = (Decoder::default(), Bytes::copy_from_slice(bytes));
    while !left.is_empty() {
        let mut chunk = left.split_to(cut(left.len()));
        loop {
            match decoder.next(&mut chunk) {
                Ok(Some(Decoded::Header(header))) => {
                    headers.push(header);
                    frames.extend(header.encode());
                }
                Ok(Some(Decoded::Data(id, data))) => {
                    assert_eq!(headers.last().map(|header| header.id), Some(id));
                    frames.extend_from_slice(&data);
                }
                Ok(None) => break,
                Err(error) => return (headers, frames, Some(error)),
            }
        }
    }
    (headers, frames, None)
}

/// An owner that reads, answers and ends streams as the bytes happen to say.
fn drive(role: Role, bytes: &[u8], chunk: usize) {
    let config = Config {
        max_frame_data: 100,
        receive_per_stream: 200,
        receive_per_session: 500,
        send_per_stream: 150,
        send_per_session: 300,
        max_streams: 4,
        ..Config::default()
    };
    let now = Instant::now();
    let mut mux = Mux::new(role, config, now);
    let mut sent = Vec::new();
    let _ = mux.open();
    for data in bytes.chunks(chunk) {
        let before = mux.unread_total();
        if mux.handle_data(now, Bytes::copy_from_slice(data)).is_err() {
            break;
        }
        assert!(mux.unread_total() <= before + data.len());
        while let Some(event) = mux.poll_event() {
            act(&mut mux, event, data);
        }
        while !mux.can_receive() {
            let _ = mux.poll_transmit(20).map(|out| sent.extend_from_slice(&out));
            let streams: Vec<StreamId> = mux.streams().collect();
            streams.into_iter().for_each(|id| drop(mux.read(id)));
        }
        assert!(mux.unread_total() < config.receive_per_session && mux.queued_total() <= config.send_per_session);
        assert!(mux.streams().len() <= config.max_streams);
    }
    while let Some(out) = mux.poll_transmit(HEADER_LEN + 1) {
        sent.extend_from_slice(&out);
    }
    let (_, frames, error) = decode(&sent, |left| left);
    assert!(frames == sent && error.is_none());
}

fn act(mux: &mut Mux, event: Event, data: &[u8]) {
    match event {
        Event::Opened(id) | Event::Writable(id) => {
            let _ = mux.write(id, Bytes::copy_from_slice(data));
            assert!(mux.queued(id) <= 150);
        }
        Event::Readable(id) => match data.len() % 3 {
            0 => drop(mux.read(id)),
            1 => mux.close(id),
            _ => {}
        },
        Event::Finished(id) => mux.finish(id),
        Event::Closed(_) => unreachable!("handle_data said so before"),
    }
}
