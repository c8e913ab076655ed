//! The fuzzer's seeds, run as an ordinary test, and made from the recordings.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{check_handshake, check_message};
use crate::protocol::{Message, PayloadType};

/// One recording of each kind; more would teach the fuzzer nothing and cost it time.
const RECORDINGS: [&str; 9] = [
    "cut-and-resume",
    "kms-noninteractive",
    "kms-shell",
    "noninteractive-command",
    "port-single",
    "raw-basic-flags",
    "raw-kms-challenge",
    "raw-order",
    "shell",
];

/// Frames of a recording that make a seed.
const FRAMES: usize = 12;

/// What no recording has.
const HANDSHAKES: [(&str, &str); 3] = [
    ("null-lists", "r{\"RequestedClientActions\":null,\"ProcessedClientActions\":null,\"Errors\":null}\nd{}\nolate"),
    (
        "unknown-actions",
        "r{\"RequestedClientActions\":[{\"ActionType\":\"Dance\"},{\"ActionType\":\"SessionType\",\"ActionParameters\":7},\
         {\"ActionType\":\"KMSEncryption\",\"ActionParameters\":[]}]}\nd7",
    ),
    ("output-first", "ohello\nr{\"RequestedClientActions\":[]}\noagain\nd{\"CustomerMessage\":\"hi\"}\no!"),
];

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

fn run(target: &str, check: fn(&[u8])) {
    let mut seeds = 0;
    for entry in fs::read_dir(corpus(target)).unwrap() {
        let path = entry.unwrap().path();
        let seed = fs::read(&path).unwrap();
        assert!(std::panic::catch_unwind(|| check(&seed)).is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(seeds >= RECORDINGS.len());
}

#[test]
fn every_message_seed_passes() {
    run("message", check_message::check);
}

#[test]
fn every_handshake_seed_passes() {
    run("handshake", check_handshake::check);
}

/// The messages that one end of a recording sent.
fn half(recording: &str, direction: &str) -> Vec<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/{recording}.jsonl"));
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter(|line| line["op"] == 2 && line["dir"] == direction)
        .map(|line| BASE64_STANDARD.decode(line["data"].as_str().unwrap()).unwrap())
        .collect()
}

fn message_seed(frames: &[Vec<u8>]) -> Vec<u8> {
    let with_length = |frame: &Vec<u8>| [&(frame.len() as u16).to_be_bytes()[..], frame].concat();
    frames.iter().take(FRAMES).flat_map(with_length).collect()
}

fn handshake_seed(frames: &[Vec<u8>]) -> Vec<u8> {
    let line = |frame: &Vec<u8>| {
        let message = Message::parse(frame.clone().into()).unwrap();
        let letter = match message.header.payload_type {
            PayloadType::HandshakeRequest | PayloadType::HandshakeResponse => b'r',
            PayloadType::EncChallengeRequest | PayloadType::EncChallengeResponse => b'c',
            PayloadType::HandshakeComplete => b'd',
            PayloadType::Size => b's',
            _ => return None,
        };
        Some([&[letter][..], &message.payload, b"\no\n"].concat())
    };
    frames.iter().filter_map(line).take(FRAMES).flatten().collect()
}

/// With `UPDATE_CORPUS=1` in the environment the seeds are written instead.
#[test]
fn every_recording_is_a_seed() {
    let mut seeds = Vec::new();
    for recording in RECORDINGS {
        for (direction, from) in [("c2s", "client"), ("s2c", "agent")] {
            let frames = half(recording, direction);
            seeds.push(("message", format!("{recording}-{from}"), message_seed(&frames)));
            let handshake = handshake_seed(&frames);
            if !handshake.is_empty() {
                seeds.push(("handshake", format!("{recording}-{from}"), handshake));
            }
        }
    }
    let own = HANDSHAKES.iter().map(|(name, text)| ("handshake", (*name).to_owned(), text.as_bytes().to_vec()));
    for (target, name, seed) in seeds.into_iter().chain(own) {
        let path = corpus(target).join(name);
        if crate::environment::of_tests("UPDATE_CORPUS").is_some() {
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(&path, &seed).unwrap();
        }
        assert!(fs::read(&path).is_ok_and(|found| found == seed), "{} differs", path.display());
    }
}
