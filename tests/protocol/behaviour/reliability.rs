//! Nothing is lost, doubled or late: acknowledgements and repetitions.

use ssmx::protocol::{Event, Failure, MessageType, PayloadType};

use super::end::{
    COMPLETE, End, MS, SECOND, acknowledged, acknowledgement, input, output, plain_request, with_wrong_digest,
};

#[test]
fn acknowledgements_never_wait_behind_bulk_data() {
    let mut client = End::ready_client();
    client.write(vec![b'x'; 200_000]);
    // In the middle of sending, and again with the window full and the queue too.
    for _ in 0..5 {
        client.say().expect("room in the window");
    }
    client.hear(output(1, PayloadType::Output, b"a"));
    assert_eq!(client.say().as_ref().and_then(acknowledged), Some(1));
    let in_window = client.stream().len();
    assert!((40..60).contains(&in_window), "{in_window} more messages of 1 KiB filled the window");
    client.hear(output(2, PayloadType::Output, b"b"));
    assert_eq!(client.acknowledged(), [2]);
    // Nor behind what is repeated.
    client.channel.handle_disconnected();
    client.channel.handle_connected(client.now);
    client.hear(output(3, PayloadType::Output, b"c"));
    let first: Vec<_> = (0..4).filter_map(|_| client.say().as_ref().and_then(acknowledged)).collect();
    assert_eq!(first, [0, 1, 2, 3]);
}

#[test]
fn an_acknowledgement_names_what_it_acknowledges() {
    let mut client = End::client(None);
    client.hear(output(0, PayloadType::Output, b"x"));
    let message = client.say().expect("an acknowledgement");
    assert_eq!((message.header.flags, message.header.sequence), (3, 0));
    let text = std::str::from_utf8(&message.payload).expect("text");
    assert_eq!(
        text,
        r#"{"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":"00000000-0000-0000-0000-000000000000","AcknowledgedMessageSequenceNumber":0,"IsSequentialMessage":true}"#
    );
}

#[test]
fn duplicates_are_acknowledged_again_and_delivered_once() {
    let mut client = End::ready_client();
    for _ in 0..3 {
        client.hear(output(0, PayloadType::Output, b"$ "));
    }
    assert_eq!(client.acknowledged(), [0, 0, 0]);
    assert!(client.events().is_empty());
    assert_eq!(client.channel.receive_statistics().duplicates, 3);

    let mut agent = End::agent(None);
    for _ in 0..2 {
        agent.hear(input(0, PayloadType::Output, b"ls"));
    }
    assert_eq!(agent.acknowledged(), [0, 0]);
    assert_eq!(agent.events(), [Event::Ready(None), Event::Output("ls".into())]);
}

#[test]
fn early_messages_are_acknowledged_at_once_and_delivered_in_order() {
    let mut client = End::ready_client();
    for sequence in [3, 2, 3] {
        client.hear(output(sequence, PayloadType::Output, [b'0' + sequence as u8]));
    }
    assert_eq!(client.acknowledged(), [3, 2, 3]);
    assert!(client.events().is_empty());
    client.hear(output(1, PayloadType::Output, b"1"));
    assert_eq!(client.acknowledged(), [1]);
    assert_eq!(client.events(), ["1", "2", "3"].map(|text| Event::Output(text.into())));
}

#[test]
fn a_wrong_digest_is_not_acknowledged_and_the_right_message_is_taken() {
    let mut client = End::ready_client();
    let right = output(1, PayloadType::Output, b"text");
    client.hear(with_wrong_digest(&right));
    assert!(client.sent().is_empty() && client.events().is_empty());
    assert_eq!(client.channel.receive_statistics().corrupt, 1);
    client.hear(right);
    assert_eq!(client.acknowledged(), [1]);
    assert_eq!(client.events(), [Event::Output("text".into())]);
}

#[test]
fn a_damaged_acknowledgement_acknowledges_nothing() {
    let mut client = End::ready_client();
    client.write("typed");
    assert_eq!(client.stream().len(), 1);
    client.hear(with_wrong_digest(&acknowledgement(0)));
    assert!(!client.channel.is_flushed());
    client.hear(acknowledgement(0));
    assert!(client.channel.is_flushed());
}

#[test]
fn the_agent_checks_no_digest_as_the_real_one() {
    let mut agent = End::agent(None);
    agent.hear(with_wrong_digest(&input(0, PayloadType::Output, b"ls")));
    assert_eq!(agent.acknowledged(), [0]);
    assert_eq!(agent.events().last(), Some(&Event::Output("ls".into())));
}

#[test]
fn unknown_payload_types_are_acknowledged_and_ignored() {
    let mut client = End::ready_client();
    let mut agent = End::agent(None);
    agent.events();
    for (sequence, number) in [2, 4, 13, 0, u32::MAX].into_iter().enumerate() {
        client.hear(output(1 + sequence as i64, PayloadType::from(number), b"?"));
        agent.hear(input(sequence as i64, PayloadType::from(number), b"?"));
    }
    assert_eq!(client.acknowledged(), [1, 2, 3, 4, 5]);
    assert_eq!(agent.acknowledged(), [0, 1, 2, 3, 4]);
    assert!(client.events().is_empty() && agent.events().is_empty());
}

#[test]
fn an_agent_that_is_not_ready_takes_and_acknowledges_nothing() {
    let mut agent = End::agent(None);
    agent.channel.set_accepting(agent.now, false);
    agent.events();
    agent.hear(input(0, PayloadType::Output, b"early"));
    assert!(agent.sent().is_empty() && agent.events().is_empty());
    agent.channel.set_accepting(agent.now, true);
    assert!(agent.events().is_empty(), "it was forgotten");
    agent.hear(input(0, PayloadType::Output, b"early"));
    assert_eq!(agent.acknowledged(), [0]);
    assert_eq!(agent.events(), [Event::Output("early".into())]);
}

#[test]
fn a_reader_that_does_not_read_stops_the_sender_and_loses_nothing() {
    let mut client = End::client_with(None, |config| config.receive_buffer = 3);
    client.hear(output(0, PayloadType::Output, b"abc"));
    assert!(!client.channel.can_receive());
    client.hear(output(1, PayloadType::Output, b"d"));
    client.hear(output(1, PayloadType::Flag, [0, 0, 0, 1]));
    assert_eq!(client.acknowledged(), [0]);
    assert_eq!(client.channel.receive_statistics().refused, 2);
    assert_eq!(client.events(), [Event::Ready(None), Event::Output("abc".into())]);
    assert!(client.channel.can_receive());
    client.hear(output(1, PayloadType::Output, b"d"));
    assert_eq!(client.acknowledged(), [1]);
    assert_eq!(client.events(), [Event::Output("d".into())]);
}

#[test]
fn unread_events_are_bounded() {
    let mut agent = End::agent(None);
    for sequence in 0..20_000 {
        agent.hear(input(sequence, PayloadType::Size, br#"{"cols":80,"rows":24}"#));
        agent.sent();
    }
    let taken = agent.channel.receive_statistics().received;
    assert!(taken <= 4096, "{taken} events wait");
    assert_eq!(agent.events().len() as u64, 1 + taken);
}

#[test]
fn messages_out_of_order_are_bounded_and_not_acknowledged_beyond() {
    // Bytes that each message counts for beside its payload.
    const KEEPING: usize = 128;
    let mut client = End::client_with(None, |config| config.reorder_buffer = 10 + 2 * KEEPING);
    client.hear(output(1, PayloadType::Output, b"12345678"));
    client.hear(output(2, PayloadType::Output, b"123"));
    client.hear(output(3, PayloadType::Output, b"12"));
    assert_eq!(client.acknowledged(), [1, 3]);
    assert_eq!(client.channel.buffered(), 10 + 2 * KEEPING);
}

#[test]
fn everything_unacknowledged_is_repeated_at_once_after_a_reconnect() {
    let mut client = End::ready_client();
    client.write(vec![b'x'; 5 * 1024]);
    let frames = client.sent();
    assert_eq!(frames.len(), 5);
    client.hear(acknowledgement(2));
    client.channel.handle_disconnected();
    client.now += 3 * SECOND;
    assert!(client.sent().is_empty(), "not connected");
    client.write("new");
    client.channel.handle_connected(client.now);
    let again: Vec<_> = client
        .sent()
        .into_iter()
        .filter(|message| message.header.message_type == MessageType::InputStreamData)
        .collect();
    assert_eq!(again.len(), 5);
    for (repeated, index) in again.iter().zip([0, 1, 3, 4]) {
        assert_eq!(*repeated, frames[index], "the same message to the last bit");
    }
    assert_eq!((again[4].header.sequence, &again[4].payload[..]), (5, &b"new"[..]));
}

#[test]
fn the_last_acknowledgements_are_repeated_after_a_reconnect() {
    let mut client = End::ready_client();
    for sequence in 1..4 {
        client.hear(output(sequence, PayloadType::Output, b"x"));
    }
    assert_eq!(client.acknowledged(), [1, 2, 3]);
    client.channel.handle_disconnected();
    client.hear(output(4, PayloadType::Output, b"x"));
    for _ in 0..3 {
        client.channel.handle_connected(client.now);
        assert_eq!(client.acknowledged(), [0, 1, 2, 3, 4]);
        client.channel.handle_disconnected();
    }
    for sequence in 5..5000 {
        client.channel.handle_connected(client.now);
        client.hear(output(sequence, PayloadType::Output, b"x"));
        client.events();
        client.say();
    }
    client.sent();
    client.channel.handle_connected(client.now);
    assert_eq!(client.acknowledged(), (5000 - 1024..5000).collect::<Vec<_>>(), "a bounded number");
}

#[test]
fn the_first_data_after_the_handshake_is_repeated_early_until_answered() {
    let mut client = End::client(None);
    client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
    client.sent();
    client.now += MS;
    client.hear(acknowledgement(0));
    client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
    assert_eq!(client.acknowledged(), [1]);
    client.settle();
    client.write("first");
    let first = client.say().expect("data");
    for gap in [25, 50, 100] {
        client.wait((gap - 1) * MS);
        assert!(client.sent().is_empty(), "before {gap} ms");
        client.wait(MS);
        assert_eq!(client.sent(), std::slice::from_ref(&first), "after {gap} ms");
    }
    client.hear(acknowledgement(1));
    client.write("second");
    assert_eq!(client.stream().len(), 1);
    client.wait(199 * MS);
    assert!(client.sent().is_empty(), "the agent is ready, and the usual timeout holds");
    client.wait(MS);
    assert_eq!(client.stream().len(), 1);
}

#[test]
fn silence_is_answered_by_one_message_at_a_time_and_ever_more_slowly() {
    let mut agent = End::agent(None);
    agent.write(vec![b'x'; 20 * 1024]);
    assert_eq!(agent.stream().len(), 20);
    agent.pass(60 * SECOND);
    let repeated = agent.channel.send_statistics().retransmitted;
    assert!((5..=20).contains(&repeated), "{repeated} repetitions in a minute of silence");
}

#[test]
fn a_gap_is_repeated_without_waiting_for_a_timeout() {
    let mut agent = End::agent(None);
    agent.write(vec![b'x'; 5 * 1024]);
    agent.sent();
    agent.now += 10 * MS;
    for sequence in [1, 2, 3, 4] {
        agent.hear(acknowledgement(sequence));
    }
    assert_eq!(agent.stream().iter().map(|(sequence, ..)| *sequence).collect::<Vec<_>>(), [0]);
}

/// Lets seconds pass in each of which the agent repeats message 2, which is here already. Message 1 is not.
fn repeat_without_the_one_before(client: &mut End, seconds: u32) -> Vec<Event> {
    for _ in 0..seconds {
        client.pass(SECOND);
        client.hear(output(2, PayloadType::Output, b"later"));
    }
    client.sent();
    client.events()
}

#[test]
fn a_message_that_does_not_come_while_the_agent_goes_on_ends_the_session_after_a_minute() {
    let mut client = End::ready_client();
    client.hear(output(2, PayloadType::Output, b"later"));
    assert!(repeat_without_the_one_before(&mut client, 59).is_empty());
    assert_eq!(repeat_without_the_one_before(&mut client, 2), [Event::Failed(Failure::MessageMissing)]);
    assert!(client.channel.has_ended());
}

/// A client to which message 1 has not come, and message 2 has.
fn gapped_client() -> End {
    let mut client = End::ready_client();
    client.hear(output(2, PayloadType::Output, b"later"));
    client
}

#[test]
fn a_message_may_be_missing_for_longer_while_nothing_is_heard_or_read() {
    let silent: fn(&mut End) = |client| client.pass(600 * SECOND);
    let unread: fn(&mut End) = |client| {
        for _ in 0..10 {
            assert!(repeat_without_the_one_before(client, 50).is_empty());
            client.channel.handle_unread(client.now);
        }
    };
    let outage: fn(&mut End) = |client| {
        client.channel.handle_disconnected();
        client.pass(600 * SECOND);
        client.channel.handle_connected(client.now);
    };
    for meanwhile in [silent, unread, outage] {
        let mut client = gapped_client();
        meanwhile(&mut client);
        assert!(repeat_without_the_one_before(&mut client, 5).is_empty(), "it is just back");
        // It comes, and nothing is left of the wait.
        client.hear(output(1, PayloadType::Output, b"first"));
        assert_eq!(client.events(), [Event::Output("first".into()), Event::Output("later".into())]);
        client.pass(600 * SECOND);
        assert!(client.events().is_empty());
    }
}

#[test]
fn a_message_that_another_client_took_is_missing_across_all_short_connections() {
    let mut client = gapped_client();
    for _ in 0..20 {
        if !repeat_without_the_one_before(&mut client, 4).is_empty() {
            assert!(client.channel.has_ended());
            return;
        }
        client.channel.handle_disconnected();
        client.channel.handle_connected(client.now);
    }
    panic!("never ended");
}
