//! Sessions that are encrypted with a KMS key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use ssmx::protocol::{DataKey, Event, Failure, KeyRequest, KmsRequest, PayloadType, SealedKey, Size};

use super::end::{
    COMPLETE, End, MS, SECOND, acknowledged, acknowledgement, converse, input, output, plain_request, shell_handshake,
};

const KEY: [u8; 64] = [42; 64];

pub(super) fn request(challenge: Option<&str>) -> KmsRequest {
    KmsRequest { key_id: "key".to_owned(), challenge: challenge.map(str::to_owned), proof: [9; 64], nonce: 7 }
}

fn key() -> DataKey {
    DataKey::new(&KEY).expect("64 bytes")
}

/// Plays KMS for both ends. Says what the client was asked for and whether the agent has to give the challenge.
fn play_kms(
    end: &mut End,
    event: Event,
    asked: &mut Option<KeyRequest>,
    challenged: &mut Option<bool>,
) -> Option<Event> {
    match event {
        Event::KeyNeeded(request) => {
            *asked = Some(request);
            let sealed = SealedKey { plaintext: key(), ciphertext: b"sealed".to_vec() };
            end.channel.provide_sealed_key(Ok(sealed));
        }
        Event::KeyToDecrypt { ciphertext, with_challenge } => {
            assert_eq!(ciphertext, b"sealed");
            *challenged = Some(with_challenge);
            end.channel.provide_data_key(end.now, Ok(key()));
        }
        other => return Some(other),
    }
    None
}

/// A client and an agent that have agreed on a key.
fn encrypted() -> (End, End) {
    let (mut client, mut agent) = (End::client(None), End::agent(Some(shell_handshake(Some(request(None))))));
    let (mut asked, mut challenged, mut ready) = (None, None, 0);
    converse(&mut client, &mut agent, |end, event| {
        if let Some(Event::Ready(handshake)) = play_kms(end, event, &mut asked, &mut challenged) {
            ready += 1;
            assert!(handshake.is_none_or(|handshake| handshake.encrypted));
        }
    });
    assert_eq!(ready, 2);
    client.settle();
    (client, agent)
}

#[test]
fn keys_are_agreed_on_with_and_without_a_challenge() {
    for challenge in [None, Some("Y2hhbGxlbmdl")] {
        let mut client = End::client(None);
        let mut agent = End::agent(Some(shell_handshake(Some(request(challenge)))));
        client.write("typed before");
        agent.write("written before");
        let (mut asked, mut challenged, mut events) = (None, None, Vec::new());
        converse(&mut client, &mut agent, |end, event| {
            events.extend(play_kms(end, event, &mut asked, &mut challenged));
        });
        assert_eq!(asked, Some(KeyRequest { key_id: "key".to_owned(), challenge: challenge.map(str::to_owned) }));
        assert_eq!(challenged, Some(challenge.is_some()));
        assert!(events.contains(&Event::Output("typed before".into())), "{events:?}");
        assert!(events.contains(&Event::Output("written before".into())), "{events:?}");
    }
}

#[test]
fn bytes_are_encrypted_both_ways_and_sizes_are_not() {
    let (mut client, mut agent) = encrypted();
    client.write("typed secret");
    client.channel.resize(Size { cols: 80, rows: 24 });
    agent.write("shown secret");
    let _ = agent.channel.write_stderr(b"error secret");
    agent.channel.send_exit_code(3);
    let mut sent = client.sent();
    sent.extend(agent.sent());
    assert_eq!(sent.len(), 5);
    for message in sent {
        let plain = message.payload.windows(6).any(|window| window == b"secret" || window == b"EXIT_C");
        assert!(!plain, "{:?}", message.header);
        let size = message.payload[..] == br#"{"cols":80,"rows":24}"#[..];
        assert_eq!(size, message.header.payload_type == PayloadType::Size);
    }
}

#[test]
fn an_agent_that_is_slow_to_ask_for_encryption_is_sent_nothing_but_a_size_until_then() {
    let mut client = End::client(Some(SECOND));
    client.write("typed secret");
    client.wait(SECOND);
    let early = client.channel.poll_transmit(client.now).expect("a size");
    client.pass(90 * SECOND);
    let repeated = client.sent();
    assert!(repeated.iter().all(|message| message.header.payload_type == PayloadType::Size));
    let mut agent = End::agent(Some(shell_handshake(Some(request(None)))));
    agent.hear(early);
    let (mut asked, mut challenged, mut events) = (None, None, Vec::new());
    for _ in 0..2 {
        converse(&mut client, &mut agent, |end, event| {
            events.extend(play_kms(end, event, &mut asked, &mut challenged));
        });
        client.settle();
    }
    let outputs = events.iter().filter(|event| matches!(event, Event::Output(_))).collect::<Vec<_>>();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Ready(Some(_)))).count(), 1, "{events:?}");
    assert_eq!(
        outputs,
        [&Event::Output("typed secret".into())],
        "an agent with a key opens nothing that is not sealed"
    );
}

#[test]
fn a_message_that_is_not_sealed_with_the_key_ends_the_session() {
    let (mut client, _) = encrypted();
    // After the request, the challenge and the completion.
    client.hear(output(3, PayloadType::Output, b"in the clear, or forged"));
    assert_eq!(client.events(), [Event::Failed(Failure::Undecipherable)]);
    assert!(client.channel.has_ended() && client.sent().is_empty(), "not acknowledged");
}

/// An agent that waits for the answer to its challenge, message 1.
fn challenged_agent() -> End {
    let mut agent = End::agent(Some(shell_handshake(Some(request(None)))));
    let result = json!({ "KMSCipherTextKey": STANDARD.encode("sealed"), "ChallengeAcknowledgement": false });
    let action = json!({ "ActionType": "KMSEncryption", "ActionStatus": 1, "ActionResult": result, "Error": "" });
    let response = json!({ "ClientVersion": "1.2.814.0", "ProcessedClientActions": [action], "Errors": [] });
    agent.hear(input(0, PayloadType::HandshakeResponse, response.to_string()));
    agent.channel.provide_data_key(agent.now, Ok(key()));
    assert!(matches!(&agent.events()[..], [Event::KeyToDecrypt { with_challenge: false, .. }]));
    let sent: Vec<_> =
        agent.sent().iter().filter(|sent| acknowledged(sent).is_none()).map(|sent| sent.header).collect();
    assert_eq!(sent.last().expect("a challenge").payload_type, PayloadType::EncChallengeRequest);
    agent
}

#[test]
fn a_wrong_answer_to_the_challenge_is_not_acknowledged_and_fails_the_session_after_15_s() {
    let mut agent = challenged_agent();
    agent.now += SECOND;
    for wrong in [json!({ "Challenge": STANDARD.encode([9; 92]) }), json!({ "Challenge": "?" }), json!(7)] {
        agent.hear(input(1, PayloadType::EncChallengeResponse, wrong.to_string()));
        assert!(agent.sent().iter().all(|message| acknowledged(message).is_none()));
    }
    agent.pass(14 * SECOND - MS);
    assert!(agent.events().is_empty());
    agent.pass(MS);
    assert!(matches!(&agent.events()[..], [Event::Failed(Failure::Handshake(_))]));
}

#[test]
fn a_client_that_cannot_open_the_challenge_does_not_answer_it() {
    let mut client = End::client(None);
    let mut agent = End::agent(Some(shell_handshake(Some(request(None)))));
    converse(&mut client, &mut agent, |end, event| match event {
        Event::KeyNeeded(_) => end.channel.provide_sealed_key(Ok(SealedKey {
            plaintext: DataKey::new(&[1; 64]).expect("64 bytes"),
            ciphertext: b"sealed".to_vec(),
        })),
        Event::KeyToDecrypt { .. } => end.channel.provide_data_key(end.now, Ok(key())),
        other => panic!("{other:?}"),
    });
    assert_eq!(client.channel.receive_statistics().malformed, 1);
    agent.pass(15 * SECOND);
    assert!(matches!(&agent.events()[..], [Event::Failed(Failure::Handshake(_))]));
}

/// A request for encryption alone.
fn key_request() -> String {
    super::end::request(&json!([{ "ActionType": "KMSEncryption", "ActionParameters": { "KMSKeyId": "key" } }]))
}

/// What a client reports at the end, and that it has sent not one byte of the user.
fn refuses(mut client: End) -> Failure {
    let events = client.events();
    let Some(Event::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert!(!events.iter().any(|event| matches!(event, Event::Ready(_) | Event::Output(_))), "{events:?}");
    assert!(client.channel.has_ended() && client.sent().is_empty() && client.channel.poll_timeout().is_none());
    failure.clone()
}

#[test]
fn no_session_that_is_to_be_encrypted_opens_in_the_clear() {
    type Agent = fn(&mut End);
    let cases: [(Agent, &str); 7] = [
        // Completed while KMS is still at work.
        (|client| client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE)), "without a key"),
        // Completed although no key could be had.
        (
            |client| {
                client.channel.provide_sealed_key(Err("denied".to_owned()));
                client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
            },
            "without a key",
        ),
        // Output instead of the rest of the handshake.
        (|client| client.hear(output(1, PayloadType::Output, b"$ ")), "in the clear"),
        (|client| client.hear(output(1, PayloadType::StdErr, b"$ ")), "in the clear"),
        (|client| client.hear(output(1, PayloadType::ExitCode, b"EXIT_CODE: 0")), "in the clear"),
        // Output behind the key and before the completion.
        (
            |client| {
                let sealed = SealedKey { plaintext: key(), ciphertext: b"sealed".to_vec() };
                client.channel.provide_sealed_key(Ok(sealed));
                client.hear(output(1, PayloadType::Output, b"$ "));
            },
            "in the clear",
        ),
        // The same, out of order.
        (
            |client| {
                client.hear(output(2, PayloadType::Output, b"$ "));
                client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
            },
            "without a key",
        ),
    ];
    for (agent, reason) in cases {
        for grace in [None, Some(SECOND)] {
            let mut client = End::client(grace);
            client.write("typed secret");
            client.hear(output(0, PayloadType::HandshakeRequest, key_request()));
            assert!(matches!(&client.events()[..], [Event::KeyNeeded(_)]));
            client.sent();
            agent(&mut client);
            let failure = refuses(client).to_string();
            assert!(failure.contains(reason), "{failure}");
        }
    }
}

#[test]
fn where_encryption_is_required_no_session_begins_without() {
    let cases: [fn(&mut End); 3] = [
        // A handshake that does not ask for it.
        |client| {
            client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
            client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
        },
        // No handshake at all.
        |client| client.hear(output(0, PayloadType::Output, b"$ ")),
        // Nothing but the acknowledgement of a size.
        |client| {
            client.wait(SECOND);
            assert_eq!(client.sent().len(), 1);
            client.hear(acknowledgement(0));
            client.pass(5 * SECOND);
        },
    ];
    for agent in cases {
        let mut client = End::encrypted_client(Some(SECOND));
        client.write("typed secret");
        agent(&mut client);
        assert_eq!(refuses(client), Failure::EncryptionMissing);
    }
}

#[test]
fn a_request_that_cannot_be_read_may_have_asked_for_a_key() {
    let mut client = End::client(None);
    client.write("typed secret");
    let torn = key_request().replace('}', "");
    client.hear(output(0, PayloadType::HandshakeRequest, torn));
    client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
    assert!(matches!(refuses(client), Failure::Handshake(_)));
}

#[test]
fn an_agent_that_asks_for_encryption_when_bytes_have_travelled_without_ends_the_session() {
    let cases: [fn(&mut End) -> i64; 3] = [
        // In a second handshake.
        |client| {
            client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
            1
        },
        |client| {
            client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
            client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
            2
        },
        // Behind output.
        |client| {
            client.hear(output(0, PayloadType::Output, b"$ "));
            1
        },
    ];
    for begin in cases {
        let mut client = End::client(None);
        let next = begin(&mut client);
        client.events();
        client.hear(output(next, PayloadType::HandshakeRequest, key_request()));
        let events = client.events();
        assert!(matches!(&events[..], [Event::Failed(Failure::Unencrypted(_))]), "{events:?}");
    }
    // And behind keys that were sent when it had acknowledged something, and had asked for nothing.
    let mut client = End::client(Some(SECOND));
    client.wait(SECOND);
    client.sent();
    client.hear(super::end::acknowledgement(0));
    client.pass(2 * SECOND);
    client.write("typed");
    assert_eq!(client.sent().len(), 1);
    client.events();
    client.hear(output(0, PayloadType::HandshakeRequest, key_request()));
    assert!(matches!(&client.events()[..], [Event::Failed(Failure::Unencrypted(_))]));
}
