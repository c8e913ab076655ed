//! What a channel keeps, in bytes of memory and not of payload.

use bytes::{Bytes, BytesMut};
use ssmx::protocol::{DataChannel, Event, PayloadType};

use super::end::{End, output, outside_stream};

/// Bytes that each message counts for beside its payload.
const KEEPING: usize = 128;

#[test]
fn nothing_that_is_kept_holds_on_to_its_frame_or_to_the_buffer_that_it_was_read_into() {
    let mut client = End::ready_client();
    // Out of order, in order, and what carries a little text in a large frame.
    let mut request = BytesMut::from(&br#"{"AgentVersion":"3.3.0.0","RequestedClientActions":[]}"#[..]);
    request.extend_from_slice(&vec![b' '; 200_000]);
    let frames = [
        output(2, PayloadType::Output, b"x"),
        output(1, PayloadType::Output, b"y"),
        output(4, PayloadType::StdErr, vec![b'z'; 100_000]),
        output(3, PayloadType::HandshakeRequest, request),
        outside_stream(ssmx::protocol::MessageType::ChannelClosed, r#"{"Output":"why"}"#),
    ];
    let lengths: Vec<usize> = frames.iter().map(Bytes::len).collect();
    // As a socket reads them: one buffer, of which each frame is a part.
    let mut buffer = BytesMut::new();
    frames.iter().for_each(|frame| buffer.extend_from_slice(frame));
    let mut buffer = buffer.freeze();
    let whole = buffer.clone();
    for length in lengths {
        client.hear(buffer.split_to(length));
    }
    drop(buffer);
    assert!(whole.is_unique(), "something of the buffer is kept");
    let events = client.events();
    assert_eq!(events[..2], [Event::Output("y".into()), Event::Output("x".into())]);
}

/// Messages of one byte that are acknowledged, of very many that come.
fn acknowledged(client: &mut End, first: i64) -> usize {
    for sequence in first..first + 9_000 {
        client.hear(output(sequence, PayloadType::Output, b"x"));
        client.hear(output(sequence, PayloadType::StdErr, b"x"));
    }
    client.acknowledged().into_iter().collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn messages_of_one_byte_count_for_what_they_cost() {
    let mut client = End::ready_client_with(|config| {
        config.receive_buffer = 64 * 1024;
        config.reorder_buffer = 64 * 1024;
    });
    let unread = acknowledged(&mut client, 1);
    let most = 64 * 1024 / (1 + KEEPING) + 1;
    // In order until there is no room, and then out of order, behind the one for which there was none.
    assert!(unread <= 2 * most, "{unread} of {most}");
    assert!(client.channel.buffered() <= 2 * (64 * 1024 + KEEPING + 1), "{}", client.channel.buffered());
    let full: fn(&DataChannel) -> bool = |channel| !channel.can_receive();
    assert!(full(&client.channel));
}
