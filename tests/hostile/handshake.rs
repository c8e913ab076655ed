//! Handshakes that no agent makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde_json::json;

use super::agent::{Frame, data, frame};
use super::service::{Client, Reply, Script, Service};
use crate::support::command::{Finished, run_with_input};

const REQUEST: u32 = 5;
const COMPLETE: u32 = 7;

/// What an agent says that wants encryption and does not wait for it.
fn request(sequence: i64) -> Bytes {
    let payload = json!({
        "AgentVersion": "3.3.2299.0",
        "RequestedClientActions": [
            { "ActionType": "KMSEncryption", "ActionParameters": { "KMSKeyId": "key" } },
            { "ActionType": "SessionType", "ActionParameters": { "SessionType": "Standard_Stream", "Properties": {} } },
        ],
    });
    frame(&Frame { sequence, payload_type: REQUEST, payload: payload.to_string().as_bytes(), ..Frame::default() })
}

fn complete(sequence: i64) -> Bytes {
    let payload =
        json!({ "HandshakeTimeToComplete": 1, "CustomerMessage": "this session is encrypted using AWS KMS." });
    frame(&Frame { sequence, payload_type: COMPLETE, payload: payload.to_string().as_bytes(), ..Frame::default() })
}

/// Declares the handshake complete, with or without a request before it, and before there is a key.
struct Hasty {
    saw_plain: Arc<AtomicBool>,
}

impl Script for Hasty {
    fn call(&self, action: &str, _: usize) -> Reply {
        match action {
            // The key takes longer than the agent waits.
            "GenerateDataKey" => Reply::Never,
            _ => Reply::Usual,
        }
    }

    async fn play(&self, mut client: Client, _: usize) {
        client.send(request(0)).await;
        client.send(complete(1)).await;
        client
            .send(frame(&Frame { sequence: 2, payload_type: 1, payload: b"in the clear\n", ..Frame::default() }))
            .await;
        while let Some(frame) = client.frame().await {
            if data(frame).is_some() {
                self.saw_plain.store(true, Ordering::SeqCst);
            }
        }
    }
}

#[test]
fn a_session_that_is_to_be_encrypted_is_not_opened_in_the_clear() {
    let saw_plain = Arc::new(AtomicBool::new(false));
    let service = Service::start(Hasty { saw_plain: Arc::clone(&saw_plain) });
    let ran: Finished = run_with_input(service.ssmx().args(["shell", "i-0123456789abcdef0"]), b"secret\n");
    assert_ne!(ran.code(), 0, "{}", ran.err());
    assert!(!saw_plain.load(Ordering::SeqCst), "typed in the clear");
    assert!(!ran.out().contains("in the clear"), "{}", ran.out());
    assert!(!ran.err().contains("this session is encrypted"), "{}", ran.err());
    assert!(ran.err().contains("encrypt"), "{}", ran.err());
}
