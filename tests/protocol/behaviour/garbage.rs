//! Whatever arrives does no harm, and the end of a session is an end.

use bytes::{Bytes, BytesMut};
use ssmx::protocol::{Event, MessageType, PayloadType};

use super::end::{End, SECOND, acknowledgement, input, output, outside_stream, with_wrong_digest};

/// Frames that are no message.
fn garbage() -> Vec<Bytes> {
    let good = output(1, PayloadType::Output, b"text");
    let changed = |range: std::ops::Range<usize>, bytes: &[u8]| {
        let mut frame = BytesMut::from(&good[..]);
        frame[range].copy_from_slice(bytes);
        frame.freeze()
    };
    let mut frames = vec![
        Bytes::new(),
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"{\"MessageSchemaVersion\":\"1.0\"}"),
        Bytes::from(vec![0xff; 1000]),
        Bytes::from(vec![b' '; 120]),
        // Header lengths below the header and beyond the frame.
        changed(0..4, &[0, 0, 0, 0]),
        changed(0..4, &[0, 0, 0, 115]),
        changed(0..4, &121_u32.to_be_bytes()),
        long_header(),
        changed(0..4, &[0xff; 4]),
        // No such type, and no date.
        changed(4..8, b"nope"),
        changed(40..48, &[0; 8]),
    ];
    frames.extend((0..120).map(|length| good.slice(..length)));
    frames
}

/// A message of one byte behind a header of a megabyte.
fn long_header() -> Bytes {
    let mut frame = BytesMut::from(&output(1, PayloadType::Output, vec![0; 1 << 20])[..]);
    let length = frame.len() as u32 - 5;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.freeze()
}

#[test]
fn what_is_no_message_is_counted_and_ignored() {
    for mut end in [End::ready_client(), End::agent(None)] {
        end.events();
        let frames = garbage();
        let count = frames.len() as u64;
        for frame in frames {
            end.hear(frame);
        }
        assert_eq!(end.channel.receive_statistics().malformed, count);
        assert!(end.sent().is_empty() && end.events().is_empty());
        end.hear(output(1, PayloadType::Output, b"x"));
        end.hear(input(0, PayloadType::Output, b"x"));
        assert_eq!(end.events(), [Event::Output("x".into())], "it goes on");
        assert_eq!(end.channel.receive_statistics().malformed, count + 1, "the other was its own direction");
    }
}

#[test]
fn acknowledgements_that_make_no_sense_acknowledge_nothing() {
    for mut end in [End::ready_client(), End::agent(None)] {
        let malformed = end.channel.receive_statistics().malformed;
        end.write("data");
        end.sent();
        for content in ["", "7", "nope", "\u{0}", "[]", r#"{"AcknowledgedMessageSequenceNumber":"0"}"#] {
            end.hear(outside_stream(MessageType::Acknowledge, content));
        }
        for number in [1, -1, i64::MAX, i64::MIN] {
            end.hear(acknowledgement(number));
        }
        assert!(!end.channel.is_flushed());
        assert_eq!(end.channel.receive_statistics().malformed, malformed + 6);
        end.hear(acknowledgement(0));
        assert!(end.channel.is_flushed());
    }
}

#[test]
fn contents_that_make_no_sense_are_acknowledged_and_counted() {
    let mut client = End::ready_client();
    let contents: [(PayloadType, &[u8]); 6] = [
        (PayloadType::HandshakeComplete, b"text"),
        (PayloadType::HandshakeRequest, b"\xff"),
        (PayloadType::HandshakeRequest, b"[1,2,3]"),
        (PayloadType::EncChallengeRequest, b"{}"),
        (PayloadType::Flag, b"12345"),
        (PayloadType::ExitCode, b"EXIT_CODE: many"),
    ];
    for (sequence, (payload_type, payload)) in (1..).zip(contents) {
        client.hear(output(sequence, payload_type, payload));
    }
    assert_eq!(client.acknowledged(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(client.channel.receive_statistics().malformed, 6);
    assert!(client.events().is_empty());

    let mut agent = End::agent(None);
    agent.events();
    for (sequence, payload_type) in (0..).zip([PayloadType::Size, PayloadType::Flag]) {
        agent.hear(input(sequence, payload_type, b"{"));
    }
    assert_eq!(agent.acknowledged(), [0, 1]);
    assert_eq!(agent.channel.receive_statistics().malformed, 2);
    assert!(agent.events().is_empty());
}

#[test]
fn empty_payloads_use_up_their_number_and_say_nothing() {
    let mut client = End::ready_client();
    client.hear(output(1, PayloadType::Output, b""));
    client.hear(output(2, PayloadType::Output, b"x"));
    assert_eq!(client.acknowledged(), [1, 2]);
    assert_eq!(client.events(), [Event::Output("x".into())]);
}

#[test]
fn the_end_has_its_reason_and_nothing_follows() {
    let closed = r#"{"MessageType":"channel_closed","SessionId":"s","SchemaVersion":1,"Output":"too long idle"}"#;
    // With a digest that is wrong or contents that cannot be read, the session is over all the same.
    let whole = outside_stream(MessageType::ChannelClosed, closed);
    for (frame, reason) in [
        (whole.clone(), "too long idle"),
        (with_wrong_digest(&whole), "too long idle"),
        (outside_stream(MessageType::ChannelClosed, "nonsense"), ""),
    ] {
        let mut client = End::client(Some(2 * SECOND));
        client.write("never sent");
        client.hear(output(1, PayloadType::Output, b"early"));
        client.hear(frame);
        let events = client.events();
        assert!(matches!(&events[..], [Event::Closed(closed)] if closed.output == reason), "{events:?}");
        assert!(client.channel.has_ended());
        client.hear(output(0, PayloadType::Output, b"late"));
        client.channel.handle_disconnected();
        client.channel.handle_connected(client.now);
        assert_eq!(client.channel.poll_timeout(), None);
        client.pass(60 * SECOND);
        assert!(client.sent().is_empty() && client.events().is_empty());
    }
}

#[test]
fn a_reason_of_megabytes_is_cut_or_not_read_and_the_session_is_over_all_the_same() {
    for (length, kept) in [(200_000, 65_536), (9_000_000, 0)] {
        let mut client = End::ready_client();
        let closed = format!(r#"{{"Output":"{}"}}"#, "x".repeat(length));
        client.hear(outside_stream(MessageType::ChannelClosed, closed));
        let events = client.events();
        let [Event::Closed(closed)] = &events[..] else { panic!("{} events", events.len()) };
        assert_eq!(closed.output.matches('x').count(), kept);
        assert_eq!(closed.output.ends_with("(200000 bytes, cut)"), kept > 0);
    }
}

#[test]
fn an_agent_that_has_ended_does_not_fail_its_handshake_afterwards() {
    let mut agent = End::agent(Some(super::end::shell_handshake(None)));
    agent.hear(outside_stream(MessageType::ChannelClosed, "{}"));
    assert!(matches!(&agent.events()[..], [Event::Closed(_)]));
    agent.pass(60 * SECOND);
    assert!(agent.events().is_empty());
}
