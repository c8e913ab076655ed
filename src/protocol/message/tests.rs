use super::*;

fn frame(payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    header(MessageType::OutputStreamData).encode(payload, &mut out);
    out
}

fn header(message_type: MessageType) -> Header {
    Header {
        message_type,
        schema_version: 1,
        created: 1_700_000_000_000,
        sequence: 7,
        flags: 0,
        id: Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f),
        payload_type: PayloadType::Output,
    }
}

#[test]
fn round_trip_shares_the_payload() {
    let frame = frame(b"hello").freeze();
    let message = Message::parse(frame.clone()).unwrap();
    assert_eq!(message.header, header(MessageType::OutputStreamData));
    assert_eq!(&message.payload[..], b"hello");
    assert_eq!(message.payload.as_ptr(), frame[PREFIX_LENGTH..].as_ptr());
    assert!(message.is_intact());
}

#[test]
fn uuid_halves_are_swapped() {
    let frame = frame(b"x");
    assert_eq!(frame[64..72], [8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(frame[72..80], [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn type_may_be_padded_with_nul() {
    let mut frame = frame(b"x");
    for byte in &mut frame[4..36] {
        if *byte == b' ' {
            *byte = 0;
        }
    }
    assert!(Message::parse(frame.freeze()).is_ok());
}

#[test]
fn every_short_frame_is_refused() {
    let frame = frame(b"").freeze();
    for length in 0..PREFIX_LENGTH {
        assert_eq!(Message::parse(frame.slice(..length)), Err(ParseError::Short), "{length}");
    }
    assert!(Message::parse(frame).is_ok());
}

#[test]
fn header_length_is_bounded() {
    for (stated, fits) in [(0, false), (115, false), (116, true), (120, true), (121, false), (u32::MAX, false)] {
        let mut frame = frame(b"four");
        frame[..4].copy_from_slice(&u32::to_be_bytes(stated));
        assert_eq!(Message::parse(frame.freeze()).is_ok(), fits, "{stated}");
    }
}

#[test]
fn longer_header_moves_the_payload() {
    let mut frame = frame(b"abcdef");
    frame[..4].copy_from_slice(&118_u32.to_be_bytes());
    assert_eq!(&Message::parse(frame.freeze()).unwrap().payload[..], b"cdef");
}

#[test]
fn date_zero_and_unknown_types_are_refused() {
    let mut dateless = frame(b"x");
    dateless[40..48].fill(0);
    assert_eq!(Message::parse(dateless.freeze()), Err(ParseError::NoDate));
    let mut unknown = frame(b"x");
    unknown[4] = b'X';
    assert_eq!(Message::parse(unknown.freeze()), Err(ParseError::UnknownType));
}

#[test]
fn publication_messages_need_nothing_but_their_type() {
    let mut frame = BytesMut::zeroed(PREFIX_LENGTH);
    frame[4..21].copy_from_slice(b"pause_publication");
    let frame = frame.freeze();
    for length in [36, 80, PREFIX_LENGTH] {
        let message = Message::parse(frame.slice(..length)).unwrap();
        assert_eq!(message.header.message_type, MessageType::PausePublication);
    }
}

#[test]
fn wrong_digest_shows() {
    let mut frame = frame(b"hello");
    let last = frame.len() - 1;
    frame[last] ^= 1;
    assert!(!Message::parse(frame.freeze()).unwrap().is_intact());
}
