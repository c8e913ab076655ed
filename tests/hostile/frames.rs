//! Frames that no agent sends.

use bytes::Bytes;

use super::agent::{Frame, channel_closed, frame, play_command};
use super::bounds::measured;
use super::service::{Client, Script, Service};
use crate::support::command::run;

/// Plenty for a session that does not carry much: the program itself takes some 30 MiB.
const MEMORY: u64 = 150;

/// Sends these frames first, and then plays an agent that behaves.
struct First(fn() -> Vec<Bytes>);

impl Script for First {
    async fn play(&self, mut client: Client, _: usize) {
        for frame in (self.0)() {
            if !client.send(frame).await {
                return;
            }
        }
        play_command(&mut client, b"whole\n", 7).await;
    }
}

/// The command ends as if nothing had been.
#[track_caller]
fn assert_ignored(frames: fn() -> Vec<Bytes>) {
    let service = Service::start(First(frames));
    let (ran, memory) = measured(service.ssmx().args(["exec", "i-0123456789abcdef0", "--", "x"]));
    assert_eq!((ran.out().as_str(), ran.code()), ("whole\n", 7), "{}", ran.err());
    assert!(memory < MEMORY, "{memory} MiB");
    assert_eq!(service.connections(), 1);
}

#[test]
fn noise_is_ignored() {
    assert_ignored(|| (0..200).map(|length| vec![length as u8; length * 3].into()).collect());
}

#[test]
fn header_lengths_that_cannot_be_are_ignored() {
    assert_ignored(|| {
        let lengths = [0, 4, 115, 117, 1 << 16, u32::MAX - 3, u32::MAX];
        lengths.map(|header_length| frame(&Frame { header_length, payload: b"x", ..Frame::default() })).to_vec()
    });
}

#[test]
fn sequence_numbers_that_cannot_be_are_ignored() {
    assert_ignored(|| {
        let numbers = [-1, i64::MIN, i64::MAX, 1 << 40, 100_000];
        numbers.map(|sequence| frame(&Frame { sequence, payload_type: 1, payload: b"no", ..Frame::default() })).to_vec()
    });
}

#[test]
fn small_payloads_in_large_frames_do_not_fill_memory() {
    // 800 messages out of order, each of one byte in half a megabyte.
    assert_ignored(|| {
        let padding = 500_000;
        let large = |sequence| Frame {
            sequence,
            header_length: 116 + padding as u32,
            payload_type: 1,
            payload: b"x",
            padding,
            ..Frame::default()
        };
        (2_000..2_800).map(|sequence| frame(&large(sequence))).collect()
    });
}

#[test]
fn repetitions_and_unknown_payloads_do_not_fill_memory() {
    assert_ignored(|| {
        let payload = vec![b'x'; 900];
        let unknown = |payload_type| Frame { sequence: 5_000, payload_type, payload: &payload, ..Frame::default() };
        (0..20_000).map(|number| frame(&unknown(100 + number % 50))).collect()
    });
}

/// Ends the session with a text of this length.
struct Talks(usize);

impl Script for Talks {
    async fn play(&self, mut client: Client, _: usize) {
        client.send(channel_closed(&"no ".repeat(self.0 / 3))).await;
        client.silence().await;
    }
}

#[test]
fn a_reason_of_a_megabyte_is_cut() {
    let service = Service::start(Talks(1 << 20));
    let ran = run(service.ssmx().args(["exec", "i-0123456789abcdef0", "--", "x"]));
    assert_eq!(ran.code(), 255);
    assert!(ran.err().starts_with("error: "), "{:.200}", ran.err());
    assert!(ran.err().len() < 10_000, "{} bytes", ran.err().len());
}

/// A frame above what is taken, in every connection.
struct Oversized;

impl Script for Oversized {
    async fn play(&self, mut client: Client, _: usize) {
        client.send(vec![0; 17 << 20].into()).await;
        client.silence().await;
    }
}

#[test]
fn a_frame_above_the_limit_ends_the_session() {
    let service = Service::start(Oversized);
    let (ran, memory) = measured(service.ssmx().args(["exec", "i-0123456789abcdef0", "--", "x"]));
    assert_eq!(ran.code(), 255, "{}", ran.err());
    assert!(ran.err().contains("16 MiB") || ran.err().contains("larger"), "{}", ran.err());
    assert!(memory < MEMORY, "{memory} MiB");
    assert!(service.connections() <= 3, "{} connections", service.connections());
    assert!(service.calls("TerminateSession") >= 1, "left on the service");
}
