//! Reads the recordings in tests/wire.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToService,
    ToClient,
}

/// One line of a recording.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A WebSocket frame: its time in microseconds, direction, opcode and content.
    Frame(u64, Direction, u64, Bytes),
    /// Something the relay noted: its time in microseconds and its name.
    Event(u64, String),
}

/// One recorded session.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
}

impl Recording {
    pub(crate) fn load(name: &str) -> Self {
        let path = folder().join(format!("{name}.jsonl"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let entries = text.lines().filter_map(entry).collect();
        Self { name: name.to_owned(), entries }
    }

    /// All recordings, by name.
    pub(crate) fn all() -> Vec<Self> {
        let mut names: Vec<String> = std::fs::read_dir(folder())
            .expect("tests/wire is a folder")
            .filter_map(|file| file.ok()?.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
            .collect();
        names.sort();
        assert_eq!(names.len(), 27, "a recording is missing, or a new one wants a place in the replay");
        names.iter().map(|name| Self::load(name)).collect()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire")
}

fn entry(line: &str) -> Option<Entry> {
    let value: Value = serde_json::from_str(line).expect("a line of JSON");
    if value.get("meta").is_some() {
        return None;
    }
    let time = value["t_us"].as_u64().expect("a time");
    if let Some(event) = value["event"].as_str() {
        return Some(Entry::Event(time, event.to_owned()));
    }
    let direction = match value["dir"].as_str() {
        Some("c2s") => Direction::ToService,
        Some("s2c") => Direction::ToClient,
        other => panic!("direction {other:?}"),
    };
    let data = STANDARD.decode(value["data"].as_str().expect("data")).expect("base64");
    Some(Entry::Frame(time, direction, value["op"].as_u64().expect("an opcode"), data.into()))
}
