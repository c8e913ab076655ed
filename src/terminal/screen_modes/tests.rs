use proptest::prelude::*;

use super::*;

fn after(output: &[u8]) -> ScreenModes {
    let mut modes = ScreenModes::new();
    modes.track(output);
    modes
}

#[test]
fn text_and_colours_that_end_owe_nothing() {
    assert_eq!(after(b"plain \x1b[1;31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x1b[10;5H").undo(), b"");
    assert_eq!(after("žluťoučký ⌘".as_bytes()).undo(), b"");
}

#[test]
fn an_editor_cut_off_is_undone() {
    let modes = after(b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002;1006h\x1b[?25l\x1b[1;24r");
    assert_eq!(
        modes.undo(),
        b"\x1b[?1002l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b[r\x1b[?1049l\x1b>\x1b[?25h",
        "{:?}",
        String::from_utf8_lossy(&modes.undo())
    );
}

#[test]
fn an_editor_that_said_goodbye_owes_nothing() {
    let modes = after(
        b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?25l\x1b[>5u\x1b[>4;2m\x1b[31m\
              \x1b[m\x1b[>4;0m\x1b[<u\x1b[?25h\x1b>\x1b[?1l\x1b[?1049l",
    );
    assert_eq!(modes.undo(), b"");
}

#[test]
fn keyboard_enhancements_are_undone_on_both_screens() {
    assert_eq!(after(b"\x1b[>1u\x1b[?1049h\x1b[>31u").undo(), b"\x1b[<2u\x1b[r\x1b[?1049l\x1b[<2u");
    assert_eq!(after(b"\x1b[=5;1u").undo(), b"\x1b[=0;1u");
    assert_eq!(after(b"\x1b[>4;1m").undo(), b"\x1b[>4m");
    assert_eq!(after(b"\x1b[>1u\x1b[<5u").undo(), b"");
}

#[test]
fn resets_of_the_remote_side_count() {
    assert_eq!(after(b"\x1b[?1049h\x1b[?25l\x1b(0\x1b[7m\x1bc").undo(), b"");
    assert_eq!(after(b"\x1b[?25l\x1b[?1h\x1b=\x1b(0\x1b[7m\x1b[!p").undo(), b"");
}

#[test]
fn modes_come_back_after_a_suspension() {
    assert_eq!(after(b"\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?25l").redo(), b"\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?25l");
}

#[test]
fn oversized_and_aborted_sequences_change_nothing() {
    let long = [b"\x1b[?".as_slice(), &[b'1'; 100], b"h\x1b[?1049\x18h\x1b[?25"].concat();
    assert_eq!(after(&long).undo(), b"");
    assert_eq!(after(b"\x1b[?99999999999h").undo(), b"");
}

proptest! {
    #[test]
    fn how_output_is_split_makes_no_difference(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(b"\x1b[?1049h".to_vec()), Just(b"\x1b[?25l".to_vec()), Just(b"\x1b[?1000;1006h".to_vec()),
                Just(b"\x1b[?1000l".to_vec()), Just(b"\x1b(0".to_vec()), Just(b"\x1b[>1u".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ],
            0..20,
        ),
        cuts in proptest::collection::vec(1usize..7, 1..50),
    ) {
        let output = pieces.concat();
        let mut split = ScreenModes::new();
        let mut rest = output.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            split.track(head);
            rest = tail;
        }
        prop_assert_eq!(split.undo(), after(&output).undo());
    }

    #[test]
    fn undoing_leaves_nothing_to_undo(output in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut modes = after(&output);
        let undo = modes.undo();
        modes.track(&undo);
        prop_assert_eq!(modes.undo(), b"");
    }
}
