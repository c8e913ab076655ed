use super::*;

fn response(step: ClientStep) -> Value {
    let ClientStep::Respond(payload) = step else { panic!("expected a response, not {step:?}") };
    serde_json::from_slice(&payload).unwrap()
}

#[test]
fn answers_the_session_type() {
    let mut handshake = ClientHandshake::new("1.2.764.0".into(), 0);
    let request = br#"{"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"portNumber":"80","type":"LocalPortForwarding"}}}]}"#;
    let response = response(handshake.handle_request(request));
    assert_eq!(
        response,
        serde_json::json!({"ClientVersion": "1.2.764.0", "ProcessedClientActions": [
            {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": null, "Error": ""}], "Errors": []})
    );
    let ClientStep::Completed(done) =
        handshake.handle_complete(br#"{"HandshakeTimeToComplete":1,"CustomerMessage":"hi"}"#)
    else {
        panic!()
    };
    assert_eq!(done.session_type, Some(SessionType::Port));
    assert_eq!(done.properties["portNumber"], "80");
    assert_eq!((done.customer_message.as_str(), done.encrypted), ("hi", false));
}

#[test]
fn unknown_actions_get_status_3() {
    let mut handshake = ClientHandshake::new("1".into(), 0);
    let request = br#"{"RequestedClientActions":[{"ActionType":"Dance"},{"ActionType":"SessionType","ActionParameters":{"SessionType":"Standard_Stream","Properties":null}}]}"#;
    let response = response(handshake.handle_request(request));
    assert_eq!(response["ProcessedClientActions"][0]["ActionStatus"], 3);
    assert_eq!(response["ProcessedClientActions"][1]["ActionStatus"], 1);
    assert_eq!(response["Errors"][0], "unsupported action Dance");
}

#[test]
fn a_key_that_cannot_be_had_fails_the_action() {
    let mut handshake = ClientHandshake::new("1".into(), 0);
    let request = br#"{"RequestedClientActions":[{"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"k"}}]}"#;
    let ClientStep::AskForKey(asked) = handshake.handle_request(request) else { panic!() };
    assert_eq!(asked, KeyRequest { key_id: "k".into(), challenge: None });
    let response = response(handshake.provide_key(Err("denied".into())));
    assert_eq!(response["ProcessedClientActions"][0]["ActionStatus"], 2);
    assert_eq!(response["ProcessedClientActions"][0]["Error"], "denied");
    assert!(matches!(handshake.provide_key(Err("again".into())), ClientStep::None));
}

#[test]
fn nonsense_is_malformed_not_fatal() {
    let mut handshake = ClientHandshake::new("1".into(), 0);
    assert!(matches!(handshake.handle_request(b"\xff"), ClientStep::Malformed));
    assert!(matches!(handshake.handle_request(b"7"), ClientStep::Malformed));
    assert!(matches!(handshake.handle_challenge(b"{}"), ClientStep::Malformed));
    response(handshake.handle_request(b"{\"RequestedClientActions\":null}"));
    let mut handshake = ClientHandshake::new("1".into(), 0);
    assert!(matches!(handshake.handle_complete(b"nope"), ClientStep::Malformed));
    response(handshake.handle_request(b"{\"RequestedClientActions\":null}"));
    assert!(matches!(handshake.handle_complete(b"nope"), ClientStep::Malformed));
}
