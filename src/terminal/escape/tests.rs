use proptest::prelude::*;

use super::*;

/// Reads in the given pieces; neighbouring data is joined.
fn read(escape: Option<u8>, pieces: &[&[u8]]) -> Vec<Typed> {
    let mut keys = EscapeKeys::new(escape);
    let mut out: Vec<Typed> = Vec::new();
    let mut all: Vec<Typed> = pieces.iter().flat_map(|piece| keys.read(Bytes::copy_from_slice(piece))).collect();
    all.extend(keys.finish().map(Typed::Data));
    for typed in all {
        match (out.last_mut(), typed) {
            (Some(Typed::Data(last)), Typed::Data(data)) => *last = [last.as_ref(), &data].concat().into(),
            (_, typed) => out.push(typed),
        }
    }
    out
}

fn data(bytes: &[u8]) -> Typed {
    Typed::Data(Bytes::copy_from_slice(bytes))
}

#[test]
fn escapes_are_recognised_at_the_start_and_after_a_newline() {
    assert_eq!(read(Some(b'~'), &[b"~."]), [Typed::Disconnect]);
    assert_eq!(read(Some(b'~'), &[b"ls\r~."]), [data(b"ls\r"), Typed::Disconnect]);
    assert_eq!(read(Some(b'~'), &[b"ls\n~\x1afg\r"]), [data(b"ls\n"), Typed::Suspend, data(b"fg\r")]);
    assert_eq!(read(Some(b'~'), &[b"~?~?~."]), [Typed::Help, Typed::Help, Typed::Disconnect]);
    assert_eq!(read(Some(b'%'), &[b"~.\r%."]), [data(b"~.\r"), Typed::Disconnect]);
}

#[test]
fn elsewhere_a_tilde_is_a_tilde() {
    assert_eq!(read(Some(b'~'), &[b"cd ~.\r"]), [data(b"cd ~.\r")]);
    assert_eq!(read(Some(b'~'), &[b"~~.\r"]), [data(b"~.\r")]);
    assert_eq!(read(Some(b'~'), &[b"~/bin/x\r"]), [data(b"~/bin/x\r")]);
    assert_eq!(read(Some(b'~'), &[b"\r~\r~."]), [data(b"\r~\r"), Typed::Disconnect]);
    assert_eq!(read(Some(b'~'), &[b"ls\r~"]), [data(b"ls\r~")]);
}

#[test]
fn the_held_tilde_waits_for_the_next_read() {
    let mut keys = EscapeKeys::new(Some(b'~'));
    assert_eq!(keys.read(Bytes::from_static(b"\r~")), [data(b"\r")]);
    assert_eq!(keys.read(Bytes::new()), []);
    assert_eq!(keys.read(Bytes::from_static(b"x")), [data(b"~"), data(b"x")]);
}

#[test]
fn nothing_follows_a_disconnect() {
    let mut keys = EscapeKeys::new(Some(b'~'));
    assert_eq!(keys.read(Bytes::from_static(b"~.rm -rf\r")), [Typed::Disconnect]);
    assert_eq!(keys.read(Bytes::from_static(b"more")), []);
    assert_eq!(keys.finish(), None);
}

#[test]
fn a_paste_holds_no_escapes() {
    let paste = b"\x1b[200~a\r~.\n~?\x1b[201~";
    let typed = [paste.as_slice(), b"\r~."].concat();
    for cut in 0..typed.len() {
        let (head, tail) = typed.split_at(cut);
        let expected = [data(&[paste.as_slice(), b"\r"].concat()), Typed::Disconnect];
        assert_eq!(read(Some(b'~'), &[head, tail]), expected, "cut at {cut}");
    }
    // A mark that almost comes, then comes.
    assert_eq!(read(Some(b'~'), &[b"\x1b[20\x1b[200~\r~."]), [data(b"\x1b[20\x1b[200~\r~.")]);
}

#[test]
fn help_names_the_key_and_fits_a_raw_terminal() {
    let help = EscapeKeys::new(Some(0x1d)).help();
    assert!(help.contains("^]."), "{help}");
    assert_eq!(help.matches('\n').count(), help.matches("\r\n").count());
    assert_eq!(EscapeKeys::new(None).help(), "");
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![Just(b'~'), Just(b'\r'), Just(b'\n'), Just(b'.'), Just(0x1b), any::<u8>()];
    proptest::collection::vec(proptest::collection::vec(byte, 0..12), 0..12)
}

fn slices(pieces: &[Vec<u8>]) -> Vec<&[u8]> {
    pieces.iter().map(Vec::as_slice).collect()
}

proptest! {
    #[test]
    fn without_an_escape_every_byte_passes(pieces in pieces()) {
        let whole = pieces.concat();
        let expected: Vec<_> = (!whole.is_empty()).then(|| data(&whole)).into_iter().collect();
        prop_assert_eq!(read(None, &slices(&pieces)), expected);
    }

    #[test]
    fn without_a_tilde_at_a_line_start_every_byte_passes(mut pieces in pieces()) {
        let mut last = b'\n';
        for byte in pieces.iter_mut().flatten() {
            if *byte == b'~' && matches!(last, b'\r' | b'\n') {
                *byte = b'-';
            }
            last = *byte;
        }
        let whole = pieces.concat();
        let expected: Vec<_> = (!whole.is_empty()).then(|| data(&whole)).into_iter().collect();
        prop_assert_eq!(read(Some(b'~'), &slices(&pieces)), expected);
    }

    #[test]
    fn how_input_is_split_makes_no_difference(pieces in pieces()) {
        let whole = pieces.concat();
        prop_assert_eq!(read(Some(b'~'), &slices(&pieces)), read(Some(b'~'), &[&whole]));
    }
}
