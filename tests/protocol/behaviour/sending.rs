//! What goes out when: the window, sizes of messages, priorities, publication control, small messages.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;
use ssmx::protocol::{Event, Flag, Header, MessageType, PayloadType, Size};

use super::end::{End, MS, SECOND, acknowledged, acknowledgement, converse, input, output, outside_stream};

/// A line on which every message is acknowledged after `round_trip`.
fn run(client: &mut End, unanswered: &mut VecDeque<(Instant, i64)>, round_trip: Duration, time: Duration) -> Vec<u8> {
    let until = client.now + time;
    let mut sent = Vec::new();
    while client.now < until {
        while let Some((at, sequence)) = unanswered.front().copied()
            && at <= client.now
        {
            unanswered.pop_front();
            client.hear(acknowledgement(sequence));
        }
        let room = client.channel.writable();
        client.write(vec![b'x'; room]);
        client.channel.handle_timeout(client.now);
        let (_, window) = client.channel.window();
        let messages = client.stream();
        let (in_flight, _) = client.channel.window();
        assert!(messages.is_empty() || in_flight <= window, "{in_flight} bytes in flight in a window of {window}");
        for (sequence, _, payload) in messages {
            if unanswered.iter().all(|(_, known)| *known != sequence) {
                sent.extend_from_slice(&payload);
                unanswered.push_back((client.now + round_trip, sequence));
            }
        }
        client.now += MS;
    }
    sent
}

#[test]
fn the_window_opens_while_the_round_trip_is_short_and_closes_when_it_grows() {
    let mut client = End::ready_client();
    let mut unanswered = VecDeque::new();
    let (_, at_first) = client.channel.window();
    let mut sent = run(&mut client, &mut unanswered, 20 * MS, SECOND);
    let (_, open) = client.channel.window();
    assert!(open >= 16 * at_first, "{at_first} bytes at first, {open} after a second");
    assert_eq!(client.channel.send_statistics().retransmitted, 0);
    sent.extend(run(&mut client, &mut unanswered, 100 * MS, 2 * SECOND));
    let (_, closed) = client.channel.window();
    assert!(closed <= open / 8, "{open} bytes before the round trip grew, {closed} after");
    // Accepted is what was sent and what waits: nothing is dropped.
    client.channel.handle_disconnected();
    let waiting = client.channel.buffered();
    assert_eq!(client.channel.writable(), 256 * 1024 - waiting);
    assert_eq!(client.channel.send_statistics().sent as usize, sent.len() / 1024);
}

#[test]
fn what_is_accepted_is_bounded_and_sent_whole() {
    let mut client = End::ready_client();
    let data: Vec<u8> = (0..600_000_u32).map(|number| (number / 7) as u8).collect();
    let accepted = client.channel.write(&data);
    assert_eq!(accepted, 256 * 1024);
    assert_eq!((client.channel.writable(), client.channel.write(b"more")), (0, 0));
    let mut sent = Vec::new();
    loop {
        let messages = client.stream();
        if messages.is_empty() {
            break;
        }
        client.now += MS;
        for (sequence, _, payload) in messages {
            sent.extend_from_slice(&payload);
            client.hear(acknowledgement(sequence));
        }
    }
    assert!(sent == data[..accepted] && client.channel.is_flushed());
}

#[test]
fn bulk_data_is_cut_to_the_message_size() {
    let lengths = |size: Option<usize>, bytes: usize| {
        let mut client = End::ready_client_with(|config| config.message_size = size.unwrap_or(config.message_size));
        client.write(vec![b'x'; bytes]);
        client.stream().iter().map(|(.., payload)| payload.len()).collect::<Vec<_>>()
    };
    assert_eq!(lengths(None, 2500), [1024, 1024, 452]);
    assert_eq!(lengths(Some(1000), 2500), [1000, 1000, 500]);
    assert_eq!(lengths(Some(0), 2), [1, 1], "a size of zero counts as one");
}

#[test]
fn a_key_goes_out_at_once_into_what_bulk_leaves_of_the_window() {
    let mut client = End::ready_client();
    let (_, window) = client.channel.window();
    let messages = window / (1024 + 120);
    client.write(vec![b'x'; messages * 1024]);
    assert_eq!(client.stream().len(), messages);
    let (in_flight, _) = client.channel.window();
    assert!(window - in_flight < 1024, "no room for another message of bulk");
    for key in ["a", "b"] {
        client.write(key);
        let sent = client.stream();
        assert_eq!((sent.len(), &sent[0].2[..]), (1, key.as_bytes()));
    }
    // Bulk is not cut into crumbs to fill the rest.
    client.write(vec![b'x'; 1024]);
    assert!(client.stream().is_empty());
}

#[test]
fn a_size_overtakes_bulk_data_and_the_newest_counts() {
    let mut client = End::ready_client();
    client.write(vec![b'x'; 200_000]);
    client.stream();
    client.channel.resize(Size { cols: 1, rows: 1 });
    client.channel.resize(Size { cols: 132, rows: 43 });
    let sent = client.stream();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!((sent[0].1, &sent[0].2[..]), (PayloadType::Size, &br#"{"cols":132,"rows":43}"#[..]));
}

#[test]
fn a_paused_agent_sends_nothing_until_something_lifts_it() {
    let lifts: [fn(&mut End); 4] = [
        |agent| agent.hear(input(0, PayloadType::Output, b"x")),
        |agent| agent.hear(acknowledgement(0)),
        |agent| agent.hear(outside_stream(MessageType::StartPublication, "")),
        |agent| agent.channel.handle_connected(agent.now),
    ];
    for (number, lift) in lifts.into_iter().enumerate() {
        let mut agent = End::agent(None);
        agent.write("one");
        assert_eq!(agent.stream().len(), 1);
        agent.hear(outside_stream(MessageType::PausePublication, ""));
        agent.write("two");
        assert!(agent.stream().is_empty());
        assert_eq!(agent.channel.poll_timeout(), None, "nothing is repeated either");
        agent.now += SECOND;
        agent.channel.handle_timeout(agent.now);
        assert!(agent.stream().is_empty());
        lift(&mut agent);
        let sent: Vec<_> = agent.sent().into_iter().filter(|message| acknowledged(message).is_none()).collect();
        assert_eq!(sent.last().map(|message| &message.payload[..]), Some(&b"two"[..]), "lift {number}");
    }
}

#[test]
fn a_paused_agent_still_acknowledges() {
    let mut agent = End::agent(None);
    agent.hear(input(0, PayloadType::Output, b"x"));
    agent.hear(outside_stream(MessageType::PausePublication, ""));
    assert_eq!(agent.acknowledged(), [0]);
}

#[test]
fn a_client_goes_on_when_told_to_pause() {
    let mut client = End::ready_client();
    client.hear(outside_stream(MessageType::PausePublication, ""));
    client.write("x");
    assert_eq!(client.stream().len(), 1);
}

#[test]
fn only_an_agents_first_message_has_a_flag() {
    let flags = |end: &mut End| {
        end.write(vec![b'x'; 2048]);
        end.sent().iter().map(|message| message.header.flags).collect::<Vec<_>>()
    };
    assert_eq!(flags(&mut End::agent(None)), [1, 0]);
    assert_eq!(flags(&mut End::ready_client()), [0, 0]);
}

#[test]
fn messages_state_the_time_of_day() {
    let mut agent = End::agent(None);
    agent.now += 1234 * MS;
    agent.write("x");
    let Header { created, schema_version, .. } = agent.say().expect("data").header;
    assert_eq!((created, schema_version), (1_700_000_001_234, 1));
}

#[test]
fn standard_error_and_the_exit_code_keep_their_place() {
    let (mut client, mut agent) = (End::client(None), End::agent(None));
    agent.write("out");
    assert_eq!(agent.channel.write_stderr(b"err"), 3);
    agent.write("out again");
    assert!(agent.channel.send_exit_code(-7));
    agent.events();
    let mut events = Vec::new();
    converse(&mut client, &mut agent, |_, event| events.push(event));
    assert_eq!(
        events,
        [
            Event::Ready(None),
            Event::Output("out".into()),
            Event::Stderr("err".into()),
            Event::Output("out again".into()),
            Event::ExitCode(-7),
        ]
    );
}

#[test]
fn flags_go_both_ways_behind_data() {
    let (mut client, mut agent) = (End::ready_client(), End::agent(None));
    agent.events();
    client.write("x");
    assert!(client.channel.send_flag(Flag::TerminateSession));
    for message in client.sent() {
        agent.hear(input(message.header.sequence, message.header.payload_type, &message.payload));
    }
    assert_eq!(agent.events(), [Event::Output("x".into()), Event::Flag(Flag::TerminateSession)]);
    client.hear(output(1, PayloadType::Flag, [0, 0, 0, 3]));
    assert_eq!(client.events(), [Event::Flag(Flag::ConnectToPortError)]);
}

#[test]
fn an_agent_reports_its_state_to_the_service() {
    let mut agent = End::agent(None);
    for _ in 0..100 {
        agent.channel.report_state(agent.now, "Connected");
    }
    agent.channel.report_state(agent.now, "Terminating");
    let reports = agent.sent();
    assert_eq!(reports.len(), 8, "a bounded number");
    let last = reports.last().expect("eight");
    assert_eq!((last.header.message_type, last.header.flags), (MessageType::AgentSessionState, 3));
    let content: Value = serde_json::from_slice(&last.payload).expect("JSON");
    assert_eq!((&content["SessionState"], &content["SessionId"]), (&"Terminating".into(), &"session".into()));
}
