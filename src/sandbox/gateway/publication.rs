//! The service's own messages: `start_publication` and `pause_publication`, and the layout they have in common.

use std::time::SystemTime;

use aws_lc_rs::digest;
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::sandbox::random;

/// For an agent: its client is there.
pub(crate) fn start_publication() -> Bytes {
    message("start_publication", random::uuid(), unix_millis(SystemTime::now()), b"")
}

/// For an agent: its client is away.
pub(crate) fn pause_publication() -> Bytes {
    message("pause_publication", random::uuid(), unix_millis(SystemTime::now()), b"")
}

pub(crate) fn unix_millis(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_millis() as u64)
}

/// A binary message of the service: a 120-byte header without sequence number, flags or payload type.
pub(crate) fn message(kind: &str, id: Uuid, created: u64, payload: &[u8]) -> Bytes {
    let (first, last) = id.as_bytes().split_at(8);
    let mut frame = BytesMut::with_capacity(120 + payload.len());
    frame.put_u32(116);
    frame.put_slice(format!("{kind:<32}").as_bytes());
    frame.put_u32(1);
    frame.put_u64(created);
    frame.put_u64(0);
    frame.put_u64(0);
    frame.put_slice(last);
    frame.put_slice(first);
    frame.put_slice(digest::digest(&digest::SHA256, payload).as_ref());
    frame.put_u32(0);
    frame.put_u32(payload.len() as u32);
    frame.put_slice(payload);
    frame.freeze()
}
