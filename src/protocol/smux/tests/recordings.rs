//! The multiplexed port sessions among the recordings: the plugin's bytes and the agent's.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;

use super::pair::{events, read_all};
use crate::protocol::Role;
use crate::protocol::smux::{Command, Config, Decoded, Decoder, Event, Header, Mux, StreamId};

/// Recordings that carry smux, and the streams each has.
pub(super) const RECORDINGS: [(&str, u32); 8] = [
    ("kms-port", 1),
    ("lone-newline", 1),
    ("port-keepalive-old-client", 1),
    ("port-refused", 1),
    ("port-remote-host", 1),
    ("port-single", 2),
    ("port-single-2026", 2),
    ("port-twenty", 20),
];

/// The byte streams of a session, the client's and the agent's: payloads of type 1, in order, each once.
pub(super) fn byte_streams(recording: &str) -> [Bytes; 2] {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/{recording}.jsonl"));
    let mut messages = [BTreeMap::new(), BTreeMap::new()];
    for line in fs::read_to_string(path).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["op"] != 2 {
            continue;
        }
        let message = BASE64_STANDARD.decode(line["data"].as_str().unwrap()).unwrap();
        let direction = match message[4..36].trim_ascii_end() {
            b"input_stream_data" => 0,
            b"output_stream_data" => 1,
            _ => continue,
        };
        if message[112..116] == 1_u32.to_be_bytes() {
            let number = i64::from_be_bytes(message[48..56].try_into().unwrap());
            messages[direction].insert(number, message[120..].to_vec());
        }
    }
    messages.map(|messages| messages.into_values().flatten().collect())
}

/// The frames with their data.
fn frames(mut bytes: Bytes) -> Vec<(Header, Vec<u8>)> {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    while let Some(item) = decoder.next(&mut bytes).unwrap() {
        match item {
            Decoded::Header(header) => frames.push((header, Vec::new())),
            Decoded::Data(_, data) => frames.last_mut().unwrap().1.extend_from_slice(&data),
        }
    }
    frames
}

#[test]
fn every_recording_encodes_to_the_same_bytes() {
    for (recording, _) in RECORDINGS {
        for bytes in byte_streams(recording) {
            let frames = frames(bytes.clone());
            assert!(!frames.is_empty(), "{recording}");
            assert!(frames.iter().all(|(header, data)| usize::from(header.length) == data.len()), "{recording}");
            let again: Vec<u8> = frames.into_iter().flat_map(|(h, data)| [&h.encode()[..], &data].concat()).collect();
            assert!(again == bytes, "{recording}");
        }
    }
}

#[test]
fn streams_are_opened_by_the_client_with_odd_ids_from_three() {
    for (recording, streams) in RECORDINGS {
        let [client, agent] = byte_streams(recording).map(frames);
        let opened: Vec<u32> = client.iter().filter(|(h, _)| h.command == Command::Syn).map(|(h, _)| h.id.0).collect();
        let mut sorted = opened.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..streams).map(|index| 3 + 2 * index).collect::<Vec<_>>(), "{recording}");
        for (header, _) in agent {
            assert_ne!(header.command, Command::Syn, "{recording}");
            assert!(header.command == Command::Nop || opened.contains(&header.id.0), "{recording}");
        }
    }
}

#[test]
fn the_plugin_is_served() {
    for (recording, streams) in RECORDINGS {
        let [client, _] = byte_streams(recording);
        for chunk in [1, 1_000, usize::MAX] {
            let mut mux = Mux::new(Role::Agent, Config::default(), Instant::now());
            for data in client.chunks(chunk) {
                mux.handle_data(Instant::now(), Bytes::copy_from_slice(data)).unwrap();
            }
            let opened = events(&mut mux).into_iter().filter(|event| matches!(event, Event::Opened(_))).count();
            assert_eq!((opened, mux.ignored_frames()), (streams as usize, 0), "{recording}");
            for id in mux.streams().collect::<Vec<_>>() {
                assert!(recording != "port-twenty" || mux.unread(id) == 2_048);
                assert_eq!(read_all(&mut mux, id), sent_on(&client, id), "{recording}");
                assert!(mux.is_finished(id), "{recording}");
                mux.finish(id);
            }
            events(&mut mux);
            mux.poll_transmit(usize::MAX);
            assert_eq!((mux.streams().len(), mux.unread_total()), (0, 0), "{recording}");
        }
    }
}

#[test]
fn the_agent_is_understood() {
    for (recording, streams) in RECORDINGS {
        let [_, agent] = byte_streams(recording);
        let mut mux = Mux::new(Role::Client, Config::default(), Instant::now());
        let ids: Vec<_> = (0..streams).map(|_| mux.open().unwrap()).collect();
        for data in agent.chunks(1_024) {
            mux.handle_data(Instant::now(), Bytes::copy_from_slice(data)).unwrap();
        }
        for id in ids {
            assert_eq!(read_all(&mut mux, id), sent_on(&agent, id), "{recording}");
        }
        assert_eq!(mux.ignored_frames(), 0, "{recording}");
    }
}

fn sent_on(bytes: &Bytes, id: StreamId) -> Vec<u8> {
    frames(bytes.clone()).into_iter().filter(|(header, _)| header.id == id).flat_map(|(_, data)| data).collect()
}
