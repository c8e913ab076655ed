//! The moment after a handshake, in which an agent is not there yet for what comes.

use std::time::Duration;

use ssmx::protocol::{Event, PayloadType, Size};

use super::end::{
    COMPLETE, End, MS, SECOND, SETTLING, acknowledgement, converse, output, plain_request, shell_handshake,
};

/// A client whose handshake is complete, over a path on which its response took `round_trip` to be acknowledged.
fn complete(round_trip: Duration) -> End {
    let mut client = End::client(None);
    client.write("typed");
    client.channel.resize(Size { cols: 80, rows: 24 });
    client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
    assert_eq!(client.sent().len(), 2, "an acknowledgement and the response");
    client.wait(round_trip);
    client.hear(acknowledgement(0));
    client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
    assert!(matches!(client.events()[..], [Event::Ready(Some(_))]), "what is to be sent can be made ready");
    client.say().expect("the acknowledgement");
    client
}

#[test]
fn data_is_held_back_for_some_milliseconds_less_on_a_long_path() {
    for (round_trip, hold) in [(Duration::ZERO, SETTLING), (8 * MS, SETTLING - 2 * MS), (60 * MS, 2 * MS)] {
        let mut client = complete(round_trip);
        client.channel.handle_timeout(client.now);
        assert_eq!(client.channel.poll_sendable(), 0);
        client.wait(hold - MS);
        assert!(client.sent().is_empty(), "{round_trip:?}");
        client.wait(MS);
        let kind = |(_, kind, _)| kind;
        let mut kinds: Vec<_> = client.stream().into_iter().map(kind).collect();
        if kinds.len() == 1 {
            // On a path that is not short the second message keeps a distance to the first.
            let distance = client.channel.poll_timeout().expect("a timer") - client.now;
            assert!(distance <= MS, "{round_trip:?}: {distance:?}");
            client.wait(distance);
            kinds.extend(client.stream().into_iter().map(kind));
        }
        assert_eq!(kinds, [PayloadType::Size, PayloadType::Output], "{round_trip:?}");
    }
}

#[test]
fn output_shows_that_the_agent_is_there() {
    let mut client = complete(Duration::ZERO);
    client.hear(output(2, PayloadType::Output, "$ "));
    client.say().expect("the acknowledgement");
    assert_eq!(client.stream().len(), 2);
}

#[test]
fn what_the_agent_does_not_take_is_repeated_early_until_it_does() {
    let mut client = complete(Duration::ZERO);
    client.wait(SETTLING);
    let first = client.stream();
    let mut repeated = Vec::new();
    for _ in 0..300 {
        client.now += MS;
        client.channel.handle_timeout(client.now);
        repeated.extend(client.stream().into_iter().map(|(sequence, ..)| sequence));
    }
    assert_eq!(first.len(), 2);
    assert!(repeated.iter().filter(|sequence| **sequence == 1).count() >= 3, "{repeated:?}");
    client.hear(acknowledgement(1));
    client.hear(acknowledgement(2));
    client.pass(60 * SECOND);
    assert!(client.sent().is_empty());
}

#[test]
fn a_lost_acknowledgement_of_the_response_delays_nothing() {
    let mut client = End::client(None);
    client.hear(output(0, PayloadType::HandshakeRequest, plain_request()));
    client.sent();
    client.hear(output(1, PayloadType::HandshakeComplete, COMPLETE));
    client.say().expect("the acknowledgement");
    client.settle();
    client.write("typed");
    let first = client.stream();
    client.wait(25 * MS);
    assert_eq!(client.stream(), first, "and not the response");
}

#[test]
fn an_agent_that_throws_away_what_comes_at_once_gets_all_of_it() {
    let (mut client, mut agent) = (End::client(None), End::agent(Some(shell_handshake(None))));
    agent.channel.set_unsettled(MS);
    client.write("typed");
    let mut read = Vec::new();
    for _ in 0..50 {
        converse(&mut client, &mut agent, |_, event| match event {
            Event::Output(bytes) => read.extend_from_slice(&bytes),
            Event::Ready(_) => {}
            other => panic!("{other:?}"),
        });
        for end in [&mut client, &mut agent] {
            end.now += MS;
            end.channel.handle_timeout(end.now);
        }
    }
    assert_eq!(read, b"typed");
}
