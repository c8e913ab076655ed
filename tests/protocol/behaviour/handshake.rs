//! When data may flow: with a handshake, without one, and with one that comes late.

use std::time::Duration;

use serde_json::{Value, json};
use ssmx::protocol::{Event, Failure, PayloadType, SessionType, Size};

use super::end::{
    COMPLETE, End, MS, SECOND, acknowledgement, converse, input, output, plain_request, request, shell_handshake,
};

const GRACE: Duration = Duration::from_secs(2);

/// How long a request for a handshake may be on its way once the agent has acknowledged something.
const WAIT: Duration = Duration::from_secs(2);

fn kinds(sent: &[(i64, PayloadType, bytes::Bytes)]) -> Vec<PayloadType> {
    sent.iter().map(|(_, payload_type, _)| *payload_type).collect()
}

#[test]
fn nothing_of_the_user_goes_out_before_the_handshake_is_complete() {
    let mut client = End::client(None);
    client.write("typed");
    client.channel.resize(Size { cols: 80, rows: 24 });
    client.pass(60 * SECOND);
    assert!(client.sent().is_empty());
    client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
    assert_eq!(super::end::acknowledged(&client.say().expect("an acknowledgement")), Some(0));
    assert_eq!(kinds(&client.stream()), [PayloadType::HandshakeResponse]);
    client.hear(acknowledgement(0));
    // Output that comes in between changes nothing.
    client.hear(output(1, PayloadType::Output, b"early"));
    assert_eq!(client.acknowledged(), [1]);
    client.hear(output(2, PayloadType::HandshakeComplete, r#"{"CustomerMessage":"welcome"}"#));
    client.say().expect("the acknowledgement");
    client.settle();
    let sent = client.stream();
    assert_eq!(kinds(&sent), [PayloadType::Size, PayloadType::Output]);
    assert_eq!((sent[1].0, &sent[1].2[..]), (2, &b"typed"[..]));
    let events = client.events();
    let [Event::Output(_), Event::Ready(Some(handshake))] = &events[..] else { panic!("{events:?}") };
    assert_eq!(handshake.session_type, Some(SessionType::StandardStream));
    assert_eq!((handshake.agent_version.as_str(), handshake.customer_message.as_str()), ("3.3.0.0", "welcome"));
    assert!(!handshake.encrypted);
}

#[test]
fn a_shell_without_a_handshake_gets_size_and_keys_after_the_grace() {
    let mut client = End::client(Some(GRACE));
    client.write("typed");
    client.channel.resize(Size { cols: 80, rows: 24 });
    client.wait(GRACE - MS);
    assert!(client.sent().is_empty() && client.events().is_empty());
    client.wait(MS);
    assert_eq!(kinds(&client.stream()), [PayloadType::Size], "which finds out whether the agent is there");
    client.pass(60 * SECOND);
    assert!(client.events().is_empty(), "not ready before the agent is heard");
    client.hear(acknowledgement(0));
    client.wait(WAIT - MS);
    assert!(client.sent().is_empty() && client.events().is_empty(), "a request may be on its way");
    client.wait(MS);
    assert_eq!(client.events(), [Event::Ready(None)]);
    assert_eq!(kinds(&client.stream()), [PayloadType::Output]);
}

#[test]
fn an_agent_is_probed_with_a_size_where_there_is_none_and_ever_more_rarely() {
    let mut client = End::client(Some(GRACE));
    client.write("typed");
    client.wait(GRACE);
    assert_eq!(client.stream(), [(0, PayloadType::Size, br#"{"cols":300,"rows":100}"#[..].into())]);
    client.pass(60 * SECOND);
    let before = client.channel.send_statistics();
    client.pass(3600 * SECOND);
    let after = client.channel.send_statistics();
    let an_hour = after.retransmitted - before.retransmitted;
    assert!((700..=720).contains(&an_hour), "{an_hour}: one each 5 s");
    assert!(before.retransmitted <= 25, "{}", before.retransmitted);
    assert_eq!(after.sent, 1);
}

#[test]
fn a_cut_while_a_request_may_be_on_its_way_starts_the_wait_again() {
    let mut client = End::client(Some(GRACE));
    client.write("typed");
    client.wait(GRACE);
    client.sent();
    client.hear(acknowledgement(0));
    client.wait(WAIT - MS);
    client.channel.handle_disconnected();
    client.wait(60 * SECOND);
    assert!(client.events().is_empty());
    client.channel.handle_connected(client.now);
    client.wait(WAIT - MS);
    assert!(client.sent().is_empty() && client.events().is_empty());
    client.wait(MS);
    assert_eq!(client.events(), [Event::Ready(None)]);
}

/// A client without a handshake whose agent has acknowledged the size, message 0.
fn tentative_client() -> End {
    let mut client = End::client(Some(GRACE));
    client.wait(GRACE);
    assert_eq!(client.stream().len(), 1);
    client.hear(acknowledgement(0));
    client.wait(WAIT);
    client
}

#[test]
fn a_shell_that_has_begun_to_speak_gets_size_and_keys_at_once() {
    for payload_type in [PayloadType::Output, PayloadType::StdErr] {
        let mut client = End::client(Some(GRACE));
        client.write("typed");
        client.channel.resize(Size { cols: 80, rows: 24 });
        client.hear(output(0, payload_type, b"$ "));
        client.say().expect("the acknowledgement");
        assert_eq!(kinds(&client.stream()), [PayloadType::Size, PayloadType::Output]);
        assert_eq!(client.events()[0], Event::Ready(None));
    }
}

#[test]
fn a_cut_does_not_prolong_the_grace() {
    let mut client = End::client(Some(GRACE));
    client.write("typed");
    client.wait(GRACE / 2);
    client.channel.handle_disconnected();
    client.channel.handle_connected(client.now);
    client.wait(GRACE / 2);
    assert_eq!(client.stream().len(), 1);
}

#[test]
fn what_was_sent_before_a_late_handshake_is_sent_again_after_it() {
    let mut client = tentative_client();
    client.write("one ");
    client.channel.resize(Size { cols: 1, rows: 1 });
    client.sent();
    client.write("two ");
    client.channel.resize(Size { cols: 2, rows: 2 });
    let before = client.sent();
    let next = before.last().expect("data").header.sequence + 1;
    for sequence in 0..next {
        // The agent acknowledges what it throws away.
        client.hear(acknowledgement(sequence));
    }
    client.write("three");
    client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
    client.say().expect("the acknowledgement");
    assert_eq!(kinds(&client.stream()), [PayloadType::HandshakeResponse], "and nothing else, not even what is new");
    client.hear(acknowledgement(next));
    client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
    client.say().expect("the acknowledgement");
    client.settle();
    let after = client.stream();
    assert_eq!(kinds(&after)[0], PayloadType::Size);
    assert_eq!(after[0].2, br#"{"cols":2,"rows":2}"#[..], "the size that the terminal has now");
    let text: Vec<u8> = after[1..].iter().flat_map(|(.., payload)| payload.to_vec()).collect();
    assert_eq!(text, b"one two three");
    let events = client.events();
    assert!(matches!(&events[..], [Event::Ready(None), Event::LateHandshake(_)]), "{events:?}");
}

#[test]
fn an_agent_whose_handshake_is_late_gets_everything_once() {
    let mut client = End::client(Some(GRACE));
    client.wait(GRACE);
    client.write("typed");
    client.channel.resize(Size { cols: 2, rows: 2 });
    let early: Vec<_> = std::iter::from_fn(|| client.channel.poll_transmit(client.now)).collect();
    let mut agent = End::agent(Some(shell_handshake(None)));
    for frame in early {
        agent.hear(frame);
    }
    let mut events = Vec::new();
    for _ in 0..2 {
        converse(&mut client, &mut agent, |_, event| events.push(event));
        client.settle();
    }
    events.retain(|event| matches!(event, Event::Output(_) | Event::Size(_)));
    assert_eq!(events, [Event::Size(Size { cols: 2, rows: 2 }), Event::Output("typed".into())]);
}

#[test]
fn bulk_data_waits_until_it_is_certain_that_no_handshake_comes() {
    let sent = |client: &mut End| client.stream().iter().map(|(.., payload)| payload.len()).sum::<usize>();
    for by_output in [true, false] {
        let mut client = tentative_client();
        client.write(vec![b'x'; 60_000]);
        let early = sent(&mut client);
        assert!((15_000..=16 * 1024).contains(&early), "{early}");
        if by_output {
            client.hear(output(0, PayloadType::Output, b"$ "));
            client.say().expect("the acknowledgement");
        } else {
            // A program that says nothing: had the agent wanted a handshake, it would have given up by then.
            for sequence in 0..16 {
                client.hear(acknowledgement(sequence));
            }
            for sequence in 16..20 {
                client.hear(acknowledgement(sequence));
            }
            client.wait(15 * SECOND - MS);
            assert_eq!(sent(&mut client), 0);
            client.wait(MS);
        }
        assert!(sent(&mut client) > 40_000);
    }
}

fn response(client: &mut End) -> Value {
    client.say().expect("the acknowledgement");
    let response = client.say().expect("a response");
    assert_eq!(response.header.payload_type, PayloadType::HandshakeResponse);
    serde_json::from_slice(&response.payload).expect("JSON")
}

#[test]
fn unknown_actions_are_answered_with_status_3() {
    let mut client = End::client(None);
    let actions = json!([
        { "ActionType": "Dance", "ActionParameters": { "Steps": 3 } },
        { "ActionType": "SessionType", "ActionParameters": { "SessionType": "Port", "Properties": {} } },
        { "ActionType": "SessionType", "ActionParameters": 7 },
    ]);
    client.hear(output(0, PayloadType::HandshakeRequest, request(&actions)));
    let response = response(&mut client);
    let status = |index: usize| response["ProcessedClientActions"][index]["ActionStatus"].as_u64();
    assert_eq!([status(0), status(1), status(2)], [Some(3), Some(1), Some(2)]);
    assert_eq!(response["ProcessedClientActions"][0]["ActionType"], "Dance");
    assert_eq!(response["Errors"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_key_that_cannot_be_had_is_answered_with_status_2_and_fails_the_agent() {
    let mut client = End::client(None);
    let kms = super::kms::request(None);
    let mut agent = End::agent(Some(shell_handshake(Some(kms))));
    let mut failed = None;
    converse(&mut client, &mut agent, |end, event| match event {
        Event::KeyNeeded(_) => end.channel.provide_sealed_key(Err("no permission for kms:GenerateDataKey".to_owned())),
        Event::Failed(failure) => failed = Some(failure),
        other => panic!("{other:?}"),
    });
    let Some(Failure::Handshake(reason)) = failed else { panic!("{failed:?}") };
    assert!(reason.contains("no permission for kms:GenerateDataKey"), "{reason}");

    let mut client = End::client(None);
    let action = json!([{ "ActionType": "KMSEncryption", "ActionParameters": { "KMSKeyId": "key" } }]);
    client.hear(output(0, PayloadType::HandshakeRequest, request(&action)));
    client.channel.provide_sealed_key(Err("denied".to_owned()));
    let response = response(&mut client);
    assert_eq!(response["ProcessedClientActions"][0]["ActionStatus"], 2);
    assert_eq!(response["ProcessedClientActions"][0]["Error"], "denied");
}

#[test]
fn an_agent_waits_15_s_for_the_response() {
    let mut agent = End::agent(Some(shell_handshake(None)));
    agent.pass(15 * SECOND - MS);
    assert!(agent.events().is_empty());
    agent.pass(MS);
    assert!(matches!(&agent.events()[..], [Event::Failed(Failure::Handshake(_))]));
    assert!(agent.channel.has_ended());
}

#[test]
fn an_agent_acknowledges_and_forgets_what_comes_before_its_handshake() {
    let mut agent = End::agent(Some(shell_handshake(None)));
    assert_eq!(kinds(&agent.stream()), [PayloadType::HandshakeRequest]);
    agent.hear(input(0, PayloadType::Output, b"early"));
    agent.hear(input(1, PayloadType::HandshakeResponse, b"not JSON"));
    assert_eq!(agent.acknowledged(), [0, 1]);
    agent.hear(input(2, PayloadType::HandshakeResponse, r#"{"ClientVersion":"1.2.3.4"}"#));
    agent.say().expect("the acknowledgement");
    assert_eq!(kinds(&agent.stream()), [PayloadType::HandshakeComplete]);
    assert_eq!(agent.events(), [Event::Ready(None)]);
    assert_eq!(agent.channel.client_version(), Some("1.2.3.4"));
}
