//! `channel_closed`, the service's message to a client that its session is over.

use std::time::SystemTime;

use bytes::Bytes;
use serde_json::json;

use super::publication::message;
use crate::sandbox::random;

/// The message for a client: an empty `output` is a normal end, anything else the reason of another one.
pub(crate) fn channel_closed(session_id: &str, target: &str, output: &str, now: SystemTime) -> Bytes {
    let id = random::uuid();
    let created = super::publication::unix_millis(now);
    let payload = json!({
        "MessageType": "channel_closed",
        "MessageId": id.to_string(),
        "DestinationId": target,
        "SessionId": session_id,
        "SchemaVersion": 1,
        "CreatedDate": created.to_string(),
        "Output": output,
    });
    message("channel_closed", id, created, payload.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields that the recorded `channel_closed` of tests/wire/terminate.jsonl has, at their offsets.
    #[test]
    fn has_the_recorded_layout() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_795_248_276_106);
        let frame = channel_closed("s-1", "i-1", "gone", now);
        assert_eq!(frame[..4], 116_u32.to_be_bytes());
        assert_eq!(&frame[4..36], b"channel_closed                  ");
        assert_eq!(frame[36..40], 1_u32.to_be_bytes());
        assert_eq!(frame[40..48], 1_795_248_276_106_u64.to_be_bytes());
        assert_eq!(frame[48..64], [0; 16]);
        assert_eq!(frame[112..116], [0; 4]);
        assert_eq!(frame[116..120], (frame.len() as u32 - 120).to_be_bytes());
        let payload: serde_json::Value = serde_json::from_slice(&frame[120..]).unwrap();
        assert_eq!(payload["Output"], "gone");
        assert_eq!(payload["DestinationId"], "i-1");
        assert_eq!(payload["SessionId"], "s-1");
        assert_eq!(payload["CreatedDate"], "1795248276106");
        // The id of the header is that of the payload, its halves swapped.
        let id: uuid::Uuid = payload["MessageId"].as_str().unwrap().parse().unwrap();
        assert_eq!([&frame[72..80], &frame[64..72]].concat(), id.as_bytes());
        assert_eq!(&frame[80..112], aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &frame[120..]).as_ref());
    }
}
